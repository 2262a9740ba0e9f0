package pylon

import (
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

// Sample is the parameters of a request that the vendor accepts as things stand.
type Sample struct {
	// Path holds the path variables by the vendor's names.
	Path map[string]string
	// Query and Body hold the parameters by name. Body values are what encoding/json would decode.
	Query map[string]any
	Body  map[string]any
}

// Sample makes valid parameters for op from the current data, so that a test can call all 95 operations without knowing
// any of them. With full false only what is required is set; with full true everything is, except cursor and what
// excludes another parameter (contact_id beside user_id, message_id and thread_name beside thread_id, file beside file_url).
//
// Names that must be new (domains, e-mail addresses, tags) differ at every call. Values for multipart operations are
// in Body: file_url, and description when full.
func (v *Vendor) Sample(op Operation, full bool) Sample {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := sampler{v: v, st: &v.store, op: op, fresh: v.store.newID()[:8], now: v.now().UTC().Truncate(time.Second)}
	s.pick()
	values := contract.Sampler{Known: s.known, Now: s.now, Fresh: s.fresh}
	out := Sample{Path: map[string]string{}, Query: map[string]any{}, Body: map[string]any{}}
	for segment := range strings.SplitSeq(op.Path, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			name = strings.TrimSuffix(name, "}")
			out.Path[name] = s.pathVariable(name)
		}
	}
	for _, p := range op.Query {
		if p.Required || full && p.Name != "cursor" {
			out.Query[p.Name] = values.Value(p)
		}
	}
	needed := map[string]string{"POST /attachments": "file_url", "POST /issues/{id}/followers": "user_ids"}[op.Route()]
	excluded := map[string]string{"POST /issues/{id}/note": " message_id thread_name ", "POST /attachments": " file "}[op.Route()]
	if contract.ParamNamed(op.Body, "user_id") != nil {
		excluded += " contact_id "
	}
	for _, p := range op.Body {
		if p.Required || p.Name == needed || full && p.Name != "cursor" && !strings.Contains(excluded, " "+p.Name+" ") {
			out.Body[p.Name] = values.Value(p)
		}
	}
	return out
}

type sampler struct {
	v     *Vendor
	st    *store
	op    Operation
	fresh string
	now   time.Time

	issue, message, thread, account, highlight, comment, kb, article, language string
}

// pick chooses an issue that takes a reply without recipients and makes what the seed may lack: a thread, a highlight.
func (s *sampler) pick() {
	c := &call{v: s.v, now: s.now}
	is := s.st.issues.Find(func(is *issue) bool {
		return is.Source != "email" && s.st.messages[is.ID] != nil && len(s.st.messages[is.ID].Rows) > 0
	})
	if is != nil {
		s.issue, s.message = is.ID, s.st.messages[is.ID].Rows[0].ID
		if t := s.st.threads[is.ID]; t != nil && len(t.Rows) > 0 {
			s.thread = t.Rows[0].ID
		} else {
			s.thread = c.addThread(is.ID, "Sample").ID
		}
	}
	s.account = s.st.accounts.Rows[0].ID
	if t := child(s.st.highlights, s.account); len(t.Rows) > 0 {
		s.highlight = t.Rows[0].ID
	} else {
		s.highlight = s.st.newID()
		t.Insert(s.highlight, 0, highlight{ID: s.highlight, AccountID: s.account, ContentHTML: "<p>Sample</p>", CreatedAt: s.now, UpdatedAt: s.now})
	}
	if len(s.st.tasks.Rows) > 0 {
		task := s.st.tasks.Rows[0].ID
		if t := child(s.st.taskComments, task); len(t.Rows) > 0 {
			s.comment = t.Rows[0].ID
		} else {
			s.comment = c.addTaskComment(task, "<p>Sample</p>", false).ID
		}
	}
	s.kb = s.st.knowledgeBases.Rows[0].ID
	s.language = s.st.knowledgeBases.Rows[0].Val.DefaultLanguage
	if t := s.st.articles[s.kb]; len(t.Rows) > 0 {
		s.article = t.Rows[0].ID
		if r := t.Find(func(a *article) bool { _, ok := a.translations["de"]; return ok }); r != nil {
			s.article, s.language = r.ID, "de"
		}
	}
}

func (s *sampler) pathVariable(name string) string {
	root, _, _ := strings.Cut(strings.TrimPrefix(s.op.Path, "/"), "/")
	if name != "id" {
		root = name
	}
	st := s.st
	id, ok := map[string]string{
		"account_id":    s.account,
		"highlight_id":  s.highlight,
		"article_id":    s.article,
		"message_id":    s.message,
		"comment_id":    s.comment,
		"collection_id": st.collections[s.kb].FirstID(),
		"issues":        s.issue,
		"accounts":      s.account,
		"contacts":      st.contacts.FirstID(),
		"teams":         st.teams.FirstID(),
		"tags":          st.tags.FirstID(),
		"users":         st.users.FirstID(),
		"custom-fields": st.customFields.FirstID(),
		"tasks":         st.tasks.FirstID(),
		"projects":      st.projects.FirstID(),
		"milestones":    st.milestones.FirstID(),
		"macros":        st.macros.FirstID(),
	}[root]
	if !ok {
		return s.kb
	}
	return id
}

func (s *sampler) known(p Param) any {
	later := func(d time.Duration) any { return s.now.Add(d).Format(time.RFC3339) }
	switch p.Name {
	case "filter", "conditions":
		return s.filter()
	case "subfilters": // one whole filter, since value wraps what is known of an array
		return map[string]any{"field": "created_at", "operator": "is_set"}
	case "start_time":
		return later(-7 * day)
	case "end_time":
		return later(0)
	case "snooze_until", "expires_at", "due_date", "end_date":
		return later(7 * day)
	case "assignee_id", "owner_id", "user_id", "author_user_id", "user_ids":
		return s.st.users.FirstID()
	case "contact_id", "contact_ids", "requester_id", "requestor_id":
		return s.st.contacts.FirstID()
	case "account_id":
		return s.account
	case "subaccount_ids":
		return s.st.accounts.Rows[len(s.st.accounts.Rows)-1].ID
	case "account_external_id":
		if a := s.st.accounts.Find(func(a *account) bool { return len(a.ExternalIDs) > 0 }); a != nil {
			return a.Val.ExternalIDs[0].ExternalID
		}
	case "team_id":
		return s.st.teams.FirstID()
	case "project_id":
		return s.st.projects.FirstID()
	case "milestone_id":
		return s.st.milestones.FirstID()
	case "parent_task_id":
		return s.st.tasks.FirstID()
	case "role_id":
		return s.st.roles.FirstID()
	case "macro_group_id":
		return s.st.macroGroups.FirstID()
	case "team_ids":
		return s.st.teams.FirstID()
	case "collection_id", "parent_collection_id":
		return s.st.collections[s.kb].FirstID()
	case "tag_ids":
		return s.st.tags.FirstID()
	case "thread_id":
		return s.thread
	case "message_id":
		return s.message
	case "state":
		return "closed"
	case "language":
		return s.language
	case "hex_color":
		return "#1d76db"
	case "domain", "domains", "primary_domain":
		return "d" + s.fresh + ".example"
	case "email", "requester_email", "to_emails", "cc_emails", "bcc_emails":
		return "p" + s.fresh + "@sample.example"
	case "avatar_url", "logo_url", "requester_avatar_url", "attachment_urls", "link", "file_url":
		return "https://assets.example/" + s.fresh + ".png"
	case "custom_fields":
		return map[string]any{"slug": s.customSlug(), "value": "1"}
	case "slug":
		if s.op.Path == "/accounts/{id}/activities" {
			return s.st.activityTypes.Rows[0].Val.Slug
		}
	}
	return nil
}

func (s *sampler) customSlug() string {
	kind, _, _ := strings.Cut(strings.TrimPrefix(s.op.Path, "/"), "/")
	kind = strings.TrimSuffix(kind, "s")
	if f := s.st.customFields.Find(func(f *customField) bool { return f.ObjectType == kind }); f != nil {
		return f.Val.Slug
	}
	return "none"
}

func (s *sampler) filter() any {
	field, operator, value := "name", "string_contains", "a"
	switch s.op.Path {
	case "/issues/search":
		field, operator, value = "state", "equals", "closed"
	case "/users/search":
		field, operator, value = "email", "equals", s.st.org.User.Email
	case "/tasks/search", "/projects/search":
		field, operator, value = "status", "equals", "completed"
	}
	return map[string]any{"field": field, "operator": operator, "value": value}
}
