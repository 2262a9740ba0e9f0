package pylon

import (
	"strings"
	"time"
)

// Sample is the parameters of a request that the vendor accepts as things stand.
type Sample struct {
	// Path holds the path variables by the vendor's names.
	Path map[string]string
	// Query and Body hold the parameters by name. Body values are what encoding/json would decode.
	Query map[string]any
	Body  map[string]any
}

// Sample makes valid parameters for op from the current data, so that a test can call all 76 operations without knowing
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
	out := Sample{Path: map[string]string{}, Query: map[string]any{}, Body: map[string]any{}}
	for segment := range strings.SplitSeq(op.Path, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			name = strings.TrimSuffix(name, "}")
			out.Path[name] = s.pathVariable(name)
		}
	}
	for _, p := range op.Query {
		if p.Required || full && p.Name != "cursor" {
			out.Query[p.Name] = s.value(p)
		}
	}
	needed := map[string]string{"POST /attachments": "file_url", "POST /issues/{id}/followers": "user_ids"}[op.Route()]
	excluded := map[string]string{"POST /issues/{id}/note": " message_id thread_name ", "POST /attachments": " file "}[op.Route()]
	if paramNamed(op.Body, "user_id") != nil {
		excluded += " contact_id "
	}
	for _, p := range op.Body {
		if p.Required || p.Name == needed || full && p.Name != "cursor" && !strings.Contains(excluded, " "+p.Name+" ") {
			out.Body[p.Name] = s.value(p)
		}
	}
	return out
}

// sampler holds the records that one sample refers to.
type sampler struct {
	v     *Vendor
	st    *store
	op    Operation
	fresh string
	now   time.Time

	issue, message, thread, account, highlight, kb, article, language string
}

// pick chooses an issue that takes a reply without recipients and makes what the seed may lack: a thread, a highlight.
func (s *sampler) pick() {
	c := &call{v: s.v, now: s.now}
	is := s.st.issues.find(func(is *issue) bool {
		return is.Source != "email" && s.st.messages[is.ID] != nil && len(s.st.messages[is.ID].rows) > 0
	})
	if is != nil {
		s.issue, s.message = is.id, s.st.messages[is.id].rows[0].id
		if t := s.st.threads[is.id]; t != nil && len(t.rows) > 0 {
			s.thread = t.rows[0].id
		} else {
			s.thread = c.addThread(is.id, "Sample").id
		}
	}
	s.account = s.st.accounts.rows[0].id
	if t := child(s.st.highlights, s.account); len(t.rows) > 0 {
		s.highlight = t.rows[0].id
	} else {
		s.highlight = s.st.newID()
		t.insert(s.highlight, 0, highlight{ID: s.highlight, AccountID: s.account, ContentHTML: "<p>Sample</p>", CreatedAt: s.now, UpdatedAt: s.now})
	}
	s.kb = s.st.knowledgeBases.rows[0].id
	s.language = s.st.knowledgeBases.rows[0].val.DefaultLanguage
	if t := s.st.articles[s.kb]; len(t.rows) > 0 {
		s.article = t.rows[0].id
		if r := t.find(func(a *article) bool { _, ok := a.translations["de"]; return ok }); r != nil {
			s.article, s.language = r.id, "de"
		}
	}
}

// firstID is the id of a table's first record, or "none" of an empty one.
func firstID[T any](t *table[T]) string {
	if len(t.rows) == 0 {
		return "none"
	}
	return t.rows[0].id
}

func (s *sampler) pathVariable(name string) string {
	switch name {
	case "account_id":
		return s.account
	case "highlight_id":
		return s.highlight
	case "article_id":
		return s.article
	case "message_id":
		return s.message
	}
	switch root, _, _ := strings.Cut(strings.TrimPrefix(s.op.Path, "/"), "/"); root {
	case "issues":
		return s.issue
	case "accounts":
		return s.account
	case "contacts":
		return firstID(&s.st.contacts)
	case "teams":
		return firstID(&s.st.teams)
	case "tags":
		return firstID(&s.st.tags)
	case "users":
		return firstID(&s.st.users)
	case "custom-fields":
		return firstID(&s.st.customFields)
	case "tasks":
		return firstID(&s.st.tasks)
	case "projects":
		return firstID(&s.st.projects)
	case "milestones":
		return firstID(&s.st.milestones)
	}
	return s.kb
}

// value makes a value for one parameter, by its name where the name means something, else by its type.
func (s *sampler) value(p Param) any {
	if v := s.known(p); v != nil {
		if p.Type == "array" {
			return []any{v}
		}
		return v
	}
	switch {
	case len(p.Enum) > 0:
		return p.Enum[0]
	case p.Format == "date-time":
		return s.now.Add(-time.Hour).Format(time.RFC3339)
	case p.Type == "boolean":
		return true
	case p.Type == "integer":
		return float64(max(p.Min, 5))
	case p.Type == "object":
		return s.object(p.Fields)
	case p.Type == "array" && p.Items == "object":
		return []any{s.object(p.Fields)}
	case p.Type == "array":
		return []any{"sample " + p.Name}
	}
	return "sample " + p.Name + " " + s.fresh
}

func (s *sampler) object(params []Param) map[string]any {
	out := map[string]any{}
	for _, p := range params {
		out[p.Name] = s.value(p)
	}
	return out
}

func (s *sampler) known(p Param) any {
	later := func(d time.Duration) any { return s.now.Add(d).Format(time.RFC3339) }
	switch p.Name {
	case "filter":
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
		return firstID(&s.st.users)
	case "contact_id", "contact_ids", "requester_id", "requestor_id":
		return firstID(&s.st.contacts)
	case "account_id":
		return s.account
	case "subaccount_ids":
		return s.st.accounts.rows[len(s.st.accounts.rows)-1].id
	case "account_external_id":
		if a := s.st.accounts.find(func(a *account) bool { return len(a.ExternalIDs) > 0 }); a != nil {
			return a.val.ExternalIDs[0].ExternalID
		}
	case "team_id":
		return firstID(&s.st.teams)
	case "project_id":
		return firstID(&s.st.projects)
	case "milestone_id":
		return firstID(&s.st.milestones)
	case "parent_task_id":
		return firstID(&s.st.tasks)
	case "role_id":
		return firstID(&s.st.roles)
	case "collection_id", "parent_collection_id":
		return firstID(s.st.collections[s.kb])
	case "tag_ids":
		return firstID(&s.st.tags)
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
			return s.st.activityTypes.rows[0].val.Slug
		}
	}
	return nil
}

// customSlug is a custom field of the kind of object that the operation writes.
func (s *sampler) customSlug() string {
	kind, _, _ := strings.Cut(strings.TrimPrefix(s.op.Path, "/"), "/")
	kind = strings.TrimSuffix(kind, "s")
	if f := s.st.customFields.find(func(f *customField) bool { return f.ObjectType == kind }); f != nil {
		return f.val.Slug
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
