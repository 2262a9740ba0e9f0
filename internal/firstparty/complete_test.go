package firstparty

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
)

// whole says of one of our connectors where each id comes from that its operations ask for, and how each thing ends that
// its operations make.
type whole struct {
	// ids are the operations that give ids, by the name of the parameter that takes one. A parameter that is only called id
	// has the name of its entity before it.
	ids map[string]string
	// foreign are ids that no operation of the vendor gives, with the reason.
	foreign map[string]string
	// ends are the operations that end what a create operation makes.
	ends map[string]string
	// stays are create operations whose things the vendor lets nobody end, with the reason.
	stays map[string]string
}

var connectors = map[string]whole{
	"pylon": {
		ids: map[string]string{
			"issues.id": "issues.search", "issue_assignments.id": "issues.search", "issue_statuses.id": "issues.search", "issue_followers.id": "issues.search",
			"external_issues.id": "issues.search", "messages.id": "issues.search", "issue_replies.id": "issues.search", "issue_notes.id": "issues.search",
			"issue_threads.id": "issues.search", "message_id": "messages.list", "thread_id": "issue_threads.list",
			"accounts.id": "accounts.list", "account_activities.id": "accounts.list", "account_id": "accounts.list", "subaccount_ids": "accounts.list",
			"account_external_id": "accounts.list", "channel_id": "accounts.get", "highlight_id": "account_highlights.create", "account_activities.slug": "activity_types.list",
			"contacts.id": "contacts.list", "contact_id": "contacts.list", "contact_ids": "contacts.list", "requester_id": "contacts.list", "requestor_id": "contacts.list",
			"users.id": "users.list", "user_id": "users.list", "user_ids": "users.list", "assignee_id": "users.list", "owner_id": "users.list",
			"author_user_id": "users.list", "role_id": "user_roles.list", "teams.id": "teams.list", "team_id": "teams.list", "team_ids": "teams.list",
			"tags.id": "tags.list", "tag_ids": "tags.list", "custom_fields.id": "custom_fields.list",
			"tasks.id": "tasks.list", "task_comments.id": "tasks.list", "parent_task_id": "tasks.list", "comment_id": "task_comments.list",
			"projects.id": "projects.search", "project_id": "projects.search", "project_template_id": "projects.get",
			"milestones.id": "tasks.list", "milestone_id": "tasks.list",
			"knowledge_bases.id": "knowledge_bases.list", "kb_id": "knowledge_bases.list", "article_id": "articles.list",
			"collection_id": "collections.list", "parent_collection_id": "collections.list",
			"macros.id": "macros.list", "macro_group_id": "macro_groups.list",
		},
		foreign: map[string]string{
			"chat_widget_app_id": "Pylon lists no apps", "from_sms_phone_number_id": "Pylon lists no phone numbers", "whatsapp_app_id": "Pylon lists no apps",
			"allowed_agent_ids": "Pylon lists no AI agents", "portal_role_id": "Pylon lists the roles of users only; contacts.get has that of a contact",
			"external_issue_id": "it is of another tracker", "external_id": "it is of another system", "external_ids": "they are of other systems",
		},
		ends: map[string]string{
			"issues": "issues.delete", "issue_replies": "messages.delete", "issue_notes": "messages.delete", "accounts": "accounts.delete",
			"account_highlights": "account_highlights.delete", "contacts": "contacts.delete", "tags": "tags.delete", "tasks": "tasks.delete",
			"task_comments": "task_comments.delete", "projects": "projects.delete", "milestones": "milestones.delete", "articles": "articles.delete",
			"collections": "collections.delete",
		},
		stays: map[string]string{
			"issue_threads": "Pylon deletes no threads", "attachments": "Pylon deletes no attachments", "account_activities": "an activity is an entry of a timeline",
			"teams": "Pylon deletes no teams; teams.update takes the members out", "custom_fields": "Pylon deletes no custom fields; custom_fields.update changes one",
			"macros": "Pylon deletes no macros; macros.update changes one",
		},
	},
	"incident-io": {
		ids: map[string]string{
			"incidents.id": "incidents.list", "incident_id": "incidents.list", "severity_id": "severities.list", "severities.id": "severities.list",
			"incident_type_id": "incident_types.list", "incident_status_id": "incident_statuses.list", "incident_statuses.id": "incident_statuses.list",
			"incident_role_id": "incident_roles.list", "incident_roles.id": "incident_roles.list", "incident_timestamp_id": "incident_timestamps.list",
			"incident_timestamps.id": "incident_timestamps.list", "incident_attachments.id": "incident_attachments.list",
			"custom_field_id": "custom_fields.list", "custom_fields.id": "custom_fields.list", "value_option_id": "custom_field_options.list",
			"value_catalog_entry_id": "catalog_entries.list", "catalog_entries.id": "catalog_entries.list", "catalog_type_id": "catalog_types.list",
			"catalog_types.id": "catalog_types.list", "catalog_attribute_id": "catalog_types.get", "group_by_catalog_attribute_id": "catalog_types.get",
			"helptext_catalog_attribute_id": "catalog_types.get", "actions.id": "actions.list", "follow_ups.id": "follow_ups.list",
			"assignee_team_id": "teams.list", "teams.id": "teams.list", "users.id": "users.list", "user_ids": "users.list", "slack_user_id": "users.list",
			"user.id": "users.list", "assignee.id": "users.list", "values.id": "incidents.get",
			"alerts.id": "alerts.list", "alert_id": "alerts.list", "alert_group_id": "alerts.get", "alert_source_config_id": "alert_sources.list",
			"escalations.id": "escalations.list", "escalation_path_id": "escalation_paths.list",
			"escalation_paths.id": "escalation_paths.list", "schedules.id": "schedules.list", "schedule_id": "schedules.list", "rotation_id": "schedules.get",
			"layer_id": "schedules.get", "schedule_overrides.id": "schedule_overrides.list", "status_page_id": "status_pages.list",
			"component_id": "status_page_structures.get", "group_id": "status_page_structures.get", "sub_page_id": "status_page_structures.get",
			"status_page_incident_id": "status_page_incidents.list",
		},
		foreign: map[string]string{
			"external_id": "it is of another system", "slack_channel_id": "it is of Slack", "slack_team_id": "it is of Slack",
		},
		ends: map[string]string{
			"incidents": "incidents.update", "incident_attachments": "incident_attachments.delete", "severities": "severities.delete",
			"custom_fields": "custom_fields.delete", "alert_events": "alerts.resolve", "escalations": "escalations.cancel",
			"schedule_overrides": "schedule_overrides.delete", "catalog_entries": "catalog_entries.delete", "status_page_incidents": "status_page_incident_updates.create",
		},
		stays: map[string]string{"status_page_incident_updates": "incident.io unpublishes no updates; a further one sets things right"},
	},
	"ashby": {
		ids: map[string]string{
			"candidates.id": "candidates.list", "candidateId": "candidates.list", "sourceId": "sources.list", "creditedToUserId": "users.list",
			"tagId": "candidate_tags.list", "projectId": "projects.list", "fileHandle": "candidates.get", "jobId": "jobs.list", "jobs.id": "jobs.list",
			"applicationId": "applications.list", "submittedFormInstanceId": "applications.get", "interviewPlanId": "interview_plans.list",
			"defaultInterviewPlanId": "interview_plans.list", "interviewStageId": "interview_stages.list", "archiveReasonId": "archive_reasons.list",
			"communicationTemplateId": "communication_templates.list", "requisitionId": "jobs.list", "teamId": "departments.list", "locationId": "locations.list",
			"jobTemplateId": "job_templates.list", "brandId": "brands.list", "jobBoardId": "job_boards.list", "jobPostingId": "job_postings.list",
			"interviewId": "interviews.list", "interview_schedules.id": "interview_schedules.list", "offerId": "offers.list", "departmentId": "departments.list",
			"userId": "users.list", "objectId": "candidates.list", "fieldId": "custom_fields.list", "webhookId": "webhooks.create",
		},
		foreign: map[string]string{
			"externalMappingId": "it is of another system", "reportId": "Ashby lists no reports; the URL of one has its id",
		},
		ends: map[string]string{
			"candidates": "candidates.anonymize", "applications": "applications.change_stage", "jobs": "jobs.set_status",
			"interview_schedules": "interview_schedules.cancel", "webhooks": "webhooks.delete",
		},
		stays: map[string]string{"candidate_notes": "Ashby deletes no notes"},
	},
}

// idName are names of parameters that take an id.
var idName = regexp.MustCompile(`(^id|_id|_ids|[a-z]Id|[a-z]Ids|Handle)$`)

// TestEveryIDCanBeFound holds the operations of each connector against each other: an agent finds every id that an
// operation asks for by another operation, and can end what it made.
func TestEveryIDCanBeFound(t *testing.T) {
	for name, w := range connectors {
		t.Run(name, func(t *testing.T) {
			m := manifestOf(t, name)
			operations := map[string]*abi.Operation{}
			for i := range m.Operations {
				operations[m.Operations[i].Entity+"."+m.Operations[i].Action] = &m.Operations[i]
			}
			asked, made := map[string]string{}, map[string]bool{}
			for full, op := range operations {
				var schema any
				if err := json.Unmarshal(op.Params, &schema); err != nil {
					t.Fatal(err)
				}
				collect(op.Entity, schema, func(id string) { asked[id] = full })
				if op.Action == "create" {
					made[op.Entity] = true
				}
			}
			for id, by := range asked {
				from, known := w.ids[id]
				if foreign := w.foreign[id]; known == (foreign != "") {
					t.Errorf("%s asks for %s, which an operation must give, or a reason say why none does", by, id)
				}
				if op := operations[from]; known && (op == nil || op.Effect != abi.EffectRead && op.Action != "create") {
					t.Errorf("%s of %s comes from %s, which is no operation that answers it", id, by, from)
				}
			}
			for entity := range made {
				end, known := w.ends[entity]
				if stays := w.stays[entity]; known == (stays != "") {
					t.Errorf("%s.create makes what an operation must end, or a reason say why none does", entity)
				}
				if op := operations[end]; known && (op == nil || op.Effect == abi.EffectRead) {
					t.Errorf("%s is ended by %s, which is no operation that changes anything", entity, end)
				}
			}
			for id := range maps.Keys(w.ids) {
				if asked[id] == "" {
					t.Errorf("no operation asks for %s", id)
				}
			}
			for _, entity := range slices.Concat(slices.Collect(maps.Keys(w.ends)), slices.Collect(maps.Keys(w.stays))) {
				if !made[entity] {
					t.Errorf("there is no %s.create", entity)
				}
			}
			for id := range w.foreign {
				if asked[id] == "" {
					t.Errorf("no operation asks for %s", id)
				}
			}
		})
	}
}

// manifestOf is what the tests of a connector hold it to.
func manifestOf(t *testing.T, name string) *abi.Manifest {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "plugins", strings.ReplaceAll(name, "-", ""), "testdata", "manifest.golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	var m abi.Manifest
	if err := json.Unmarshal(text, &m); err != nil || m.Name != name {
		t.Fatalf("%q: %v", m.Name, err)
	}
	return &m
}

// collect calls found with each parameter of a schema that takes an id. A parameter that is only called id, or slug, has
// the name of what it is part of before it.
func collect(within string, schema any, found func(string)) {
	switch s := schema.(type) {
	case map[string]any:
		properties, _ := s["properties"].(map[string]any)
		for name, value := range properties {
			of, _ := value.(map[string]any)
			switch {
			case of["type"] == "boolean":
			case name == "id":
				found(within + ".id")
			case name == "slug" && within == "account_activities":
				found(within + ".slug")
			case idName.MatchString(name):
				found(name)
			}
			inner := name
			if of["type"] != "object" && of["type"] != "array" {
				inner = within
			}
			collect(inner, value, found)
		}
		for key, value := range s {
			if key != "properties" && key != "$defs" {
				collect(within, value, found)
			}
		}
	case []any:
		for _, value := range s {
			collect(within, value, found)
		}
	}
}
