package incidentio

import (
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

type (
	row[T any]   = contract.Row[T]
	table[T any] = contract.Table[T]
)

// store is the organisation's data, with its random source. The vendor's lock guards it.
type store struct {
	rng *rand.Rand

	incidents         table[incident]
	incidentNumbers   map[int]string
	incidentsByIdemp  map[string]string
	nextIncident      int
	incidentUpdates   table[incidentUpdate]
	incidentRelations table[incidentRelation]
	attachments       table[incidentAttachment]
	postmortems       table[postmortemDocument]
	actions           table[action]
	followUps         table[followUp]

	severities    table[severity]
	statuses      table[incidentStatus]
	types         table[incidentType]
	roles         table[incidentRole]
	timestamps    table[timestampDef]
	customFields  table[customField]
	customOptions table[customFieldOption]
	metrics       []namedRef
	priorities    []followUpPriority

	users     table[user]
	teams     table[team]
	workflows table[workflow]

	catalogTypes   table[catalogTypeV3]
	semanticTypes  map[string]string
	catalogEntries table[catalogEntry]
	entryCounts    map[string]int
	entriesGone    map[string]contract.Position

	alertSources    table[alertSource]
	alertAttributes table[alertAttribute]
	alertRoutes     table[alertRoute]
	alerts          table[alert]
	incidentAlerts  table[incidentAlert]
	firing          map[string]string // alert source and deduplication key to alert

	escalations     table[escalation]
	escalationPaths table[escalationPath]
	escalationsByID map[string]string // idempotency key to escalation
	schedules       table[schedule]
	overrides       table[override]

	statusPages         table[statusPage]
	statusPageIncidents table[statusPageIncident]
	maintenance         table[maintenanceWindow]
}

func (s *store) newID(at time.Time) string { return contract.ULID(at, s.rng.Uint64(), s.rng.Uint64()) }

func (c *call) newID() string { return c.v.store.newID(c.now) }

// stamp is the time of the call at the resolution the vendor writes.
func (c *call) stamp() time.Time { return c.now.Truncate(time.Millisecond) }

func newestFirst(t time.Time) int64 { return -t.UnixNano() }

func (c *call) actor() actor {
	return actor{APIKey: &namedRef{ID: "key_" + c.key.name, Name: c.key.name}}
}

// incidentAt finds an incident by id or by the numeric part of its reference.
func (s *store) incidentAt(id string) *row[incident] {
	if r := s.incidents.Get(id); r != nil {
		return r
	}
	if n, err := strconv.Atoi(id); err == nil && strconv.Itoa(n) == id {
		return s.incidents.Get(s.incidentNumbers[n])
	}
	return nil
}

// userIn finds the user that an object of a body names by id, e-mail address or Slack id. It answers 422, not 404: the
// path was right, the field is wrong.
func (c *call) userIn(field string, f fields) (*userRef, *apiError) {
	users := &c.v.store.users
	var r *row[user]
	switch id, email, slack := f.Text("id"), f.Text("email"), f.Text("slack_user_id"); {
	case id != "":
		r = users.Get(id)
	case email != "":
		r = users.Find(func(u *user) bool { return u.Email == email })
	case slack != "":
		r = users.Find(func(u *user) bool { return u.SlackUserID == slack })
	default:
		return nil, invalid(field, "%s needs one of id, email and slack_user_id", field)
	}
	if r == nil {
		return nil, invalid(field, "%s: no such user", field)
	}
	ref := r.Val.userRef
	return &ref, nil
}

func refIn[T any](t *table[T], field, kind, id string) (*T, *apiError) {
	r := t.Get(id)
	if r == nil {
		return nil, invalid(field, "%s: no %s %q", field, kind, id)
	}
	val := r.Val
	return &val, nil
}

func slim(is *incident) slimIncident {
	return slimIncident{
		ID: is.ID, Name: is.Name, Reference: is.Reference, Summary: is.Summary, ExternalID: is.number,
		StatusCategory: is.IncidentStatus.Category, Visibility: is.Visibility,
	}
}

func slimOf(a *alert) slimAlert {
	return slimAlert{
		ID: a.ID, Title: a.Title, Description: a.Description, Status: a.Status, AlertSourceID: a.AlertSourceID, DeduplicationKey: a.DeduplicationKey,
		SourceURL: a.SourceURL, CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt, ResolvedAt: a.ResolvedAt,
	}
}
