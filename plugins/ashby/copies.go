package main

import "github.com/agenthost/agenthost/pdk/abi"

// daily are the seconds between two passes over records that take a request for each of many others, or that
// seldom change.
const daily = 24 * 60 * 60

// tokens are the changes of lists that take a syncToken; field is the time by which records are new.
func tokens(field string) *abi.SyncChanges {
	return &abi.SyncChanges{Param: "/syncToken", Token: "/syncToken", Field: field}
}

// newest says by which time records are new. Their lists cannot be asked for what changed.
func newest(field string) *abi.SyncChanges { return &abi.SyncChanges{Field: field} }

var (
	archivedToo = abi.RawMessage(`{"includeArchived":true}`)
	byCandidate = map[string]string{
		"candidates.update": "/params/candidateId", "candidates.anonymize": "/params/candidateId",
		"candidates.add_tag": "/params/candidateId", "candidates.remove_tag": "/params/candidateId",
		"candidates.add_project": "/params/candidateId", "candidates.remove_project": "/params/candidateId",
		"custom_fields.set_value": "/params/objectId",
	}
)

// copies are the entities of which hosts can keep copies. What is archived is among them where the list
// permits it, because records refer to it. What was deleted shows in a pass over everything.
var copies = []abi.Sync{
	{
		Entity: "candidates", Changes: tokens("/updatedAt"), Writes: byCandidate,
		Text:  []string{"name", "company", "position", "school", "emailAddresses"},
		Index: []string{"primaryEmailAddress.value", "createdAt", "updatedAt"},
	},
	{
		Entity: "candidate_notes", Each: &abi.SyncEach{Param: "/candidateId", Of: "candidates", As: "candidateId"}, Changes: newest("/createdAt"),
		IntervalSeconds: daily, Text: []string{"content"}, Index: []string{"candidateId"},
	},
	{Entity: "candidate_tags", Params: archivedToo, Changes: tokens(""), Text: []string{"title"}},
	{Entity: "projects", Changes: tokens("/createdAt"), Text: []string{"title", "description"}},
	{
		Entity: "applications", Changes: tokens("/updatedAt"), GetKey: "/applicationId",
		Writes: map[string]string{"custom_fields.set_value": "/params/objectId"},
		Text:   []string{"candidate.name", "job.title"},
		Index:  []string{"status", "candidate.id", "job.id", "currentInterviewStage.title", "createdAt", "updatedAt"},
	},
	{
		// An entry is made, or ends, when the application comes to another stage.
		Entity: "application_history", Each: &abi.SyncEach{Param: "/applicationId", Of: "applications", As: "applicationId", Changed: "/currentInterviewStage/id"},
		Changes: newest("/enteredStageAt"), FullSeconds: 7 * daily, Text: []string{"title"}, Index: []string{"applicationId"},
	},
	{Entity: "application_feedback", Changes: tokens("/submittedAt"), Text: []string{"submittedValues"}, Index: []string{"applicationId"}},
	{
		Entity: "jobs", Changes: tokens("/updatedAt"),
		Writes: map[string]string{"jobs.set_status": "/params/jobId", "custom_fields.set_value": "/params/objectId"},
		Text:   []string{"title", "customRequisitionId"}, Index: []string{"status", "departmentId", "locationId", "employmentType"},
	},
	{
		Entity: "job_postings", Changes: newest("/updatedAt"), Text: []string{"title", "departmentName", "teamName", "locationName"},
		Fields: map[string]string{"publishedDate": "time", "applicationDeadline": "time"}, Index: []string{"jobId", "isListed"},
	},
	{Entity: "job_boards", IntervalSeconds: daily, Text: []string{"title"}},
	{Entity: "job_templates", Changes: tokens("/updatedAt"), Text: []string{"title"}},
	{Entity: "openings", Changes: tokens("/openedAt"), Text: []string{"latestVersion"}, Index: []string{"openingState"}},
	{Entity: "interviews", Params: archivedToo, Changes: tokens(""), Text: []string{"title", "externalTitle", "instructionsPlain"}, Index: []string{"jobId"}},
	{
		// One that is cancelled is still there.
		Entity: "interview_schedules", Changes: tokens("/updatedAt"), Writes: map[string]string{"interview_schedules.cancel": ""},
		Index: []string{"status", "applicationId"},
	},
	{
		Entity: "interview_stages", Each: &abi.SyncEach{Param: "/interviewPlanId", Of: "interview_plans", As: "interviewPlanId"},
		Text: []string{"title"}, Index: []string{"interviewPlanId"},
	},
	{Entity: "interview_plans", Params: archivedToo, Changes: tokens("/updatedAt"), Text: []string{"title"}},
	{Entity: "offers", Changes: tokens("/decidedAt"), Index: []string{"offerStatus", "acceptanceStatus", "applicationId"}},
	{Entity: "departments", Params: archivedToo, Changes: tokens("/updatedAt"), Text: []string{"name", "externalName"}},
	{Entity: "locations", Params: archivedToo, Changes: tokens(""), Text: []string{"name", "externalName"}},
	{Entity: "brands", IntervalSeconds: daily, Text: []string{"name"}},
	{
		Entity: "users", Params: abi.RawMessage(`{"includeDeactivated":true}`), Changes: tokens("/updatedAt"),
		Text: []string{"firstName", "lastName", "email"}, Index: []string{"email", "isEnabled"},
	},
	{Entity: "sources", Params: archivedToo, IntervalSeconds: daily, Text: []string{"title"}},
	{Entity: "archive_reasons", Params: archivedToo, IntervalSeconds: daily, Text: []string{"text"}},
	{Entity: "custom_fields", Changes: tokens(""), Writes: map[string]string{"custom_fields.set_value": ""}, Text: []string{"title"}, Index: []string{"objectType"}},
	{Entity: "communication_templates", Changes: newest("/updatedAt"), IntervalSeconds: daily, Text: []string{"title"}},
	{Entity: "feedback_form_definitions", Params: archivedToo, Changes: tokens(""), Text: []string{"title"}},
}
