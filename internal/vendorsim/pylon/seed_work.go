package pylon

import (
	"fmt"
	"strconv"
	"time"
)

func (s *seeder) work() {
	for i := range s.scale.Projects {
		a := anyRow(s, &s.accounts).Val
		created := s.ago(10*day, 300*day)
		start, end := created.Add(2*day), created.Add(90*day)
		p := project{
			ID: s.newID(), Name: fmt.Sprintf("%s rollout %d", oneOf(s, products), i+1), DescriptionHTML: s.paragraph(2), Account: &accountRef{ExternalIDs: a.ExternalIDs, ID: a.ID},
			StartDate: &start, EndDate: &end, CustomFields: customValues{}, CustomerPortalVisible: s.chance(40), CreatedAt: created, UpdatedAt: s.between(created),
			status: oneOf(s, taskStatus),
		}
		if s.chance(90) {
			owner := anyRow(s, &s.users).ID
			p.OwnerID = &owner
		}
		if s.chance(15) {
			archived := p.UpdatedAt
			p.IsArchived, p.ArchivedAt = true, &archived
		}
		s.projects.Insert(p.ID, 0, p)
		for k := range 1 + s.rng.IntN(3) {
			due := start.Add(time.Duration(k+1) * 20 * day)
			m := milestone{ID: s.newID(), Name: oneOf(s, milestoneNames), Account: p.Account, Project: &ref{ID: p.ID}, DueDate: &due, CreatedAt: created, UpdatedAt: created}
			s.milestones.Insert(m.ID, 0, m)
		}
	}
	for i := range s.scale.Tasks {
		created := s.ago(time.Hour, 200*day)
		t := task{
			ID: s.newID(), Title: fmt.Sprintf(oneOf(s, taskTitles), oneOf(s, products)), BodyHTML: s.paragraph(1), Status: oneOf(s, taskStatus), SubtaskIDs: []string{},
			CustomFields: customValues{"effort": {Slug: "effort", Value: strconv.Itoa(1 + s.rng.IntN(13))}}, CustomerPortalVisible: s.chance(20), CreatedAt: created, UpdatedAt: s.between(created),
		}
		if len(s.milestones.Rows) > 0 && s.chance(70) {
			m := anyRow(s, &s.milestones).Val
			t.Milestone, t.Project, t.Account = &ref{ID: m.ID}, m.Project, m.Account
		}
		if s.chance(75) {
			u := anyRow(s, &s.users).Val
			t.Assignee = &assignee{User: &personRef{Email: u.Email, ID: u.ID}}
		}
		if s.chance(60) {
			due := created.Add(time.Duration(1+s.rng.IntN(60)) * day)
			t.DueDate = &due
		}
		if i > 10 && s.chance(10) {
			parent := anyRow(s, &s.tasks)
			id := parent.ID
			t.ParentTaskID = &id
			val := parent.Val
			val.SubtaskIDs = union(val.SubtaskIDs, []string{t.ID})
			s.tasks.Replace(parent, val)
		}
		s.tasks.Insert(t.ID, 0, t)
	}
}

func (s *seeder) between(t time.Time) time.Time {
	return t.Add(time.Duration(s.rng.Int64N(int64(s.now.Sub(t))))).Truncate(time.Second)
}

// knowledge makes three knowledge bases with collections and articles, some of them translated.
func (s *seeder) knowledge() {
	for i, kb := range []knowledgeBase{
		{Title: "Help Center", Slug: "help", DefaultLanguage: "en", SupportedLanguages: []string{"en", "de", "ja"}},
		{Title: "Developer Docs", Slug: "developers", DefaultLanguage: "en", SupportedLanguages: []string{"en"}},
		{Title: "Hilfe intern", Slug: "intern", DefaultLanguage: "de", SupportedLanguages: []string{"de", "en"}},
	} {
		kb.ID = s.newID()
		s.knowledgeBases.Insert(kb.ID, 0, kb)
		cols, arts := child(s.collections, kb.ID), child(s.articles, kb.ID)
		for k, title := range []string{"Getting started", "Billing", "Integrations", "Troubleshooting", "Security & privacy"} {
			col := collection{ID: s.newID(), Title: title, Description: "All about " + title + ".", Slug: slugify(title, "-"), Icon: "book", CreatedAt: s.ago(100*day, 500*day)}
			if k > 2 {
				parent := cols.Rows[0].ID
				col.ParentCollectionID = &parent
			}
			cols.Insert(col.ID, 0, col)
		}
		share := []int{s.scale.Articles * 6 / 10, s.scale.Articles * 3 / 10, s.scale.Articles / 10}[i]
		for k := range share {
			title := fmt.Sprintf(oneOf(s, articleTitles), oneOf(s, products))
			created := s.ago(day, 400*day)
			edited := s.between(created)
			colID := anyRow(s, cols).ID
			a := article{
				ID: s.newID(), Identifier: "ART-" + strconv.Itoa(k+1), Title: title, Slug: slugify(title, "-") + "-" + strconv.Itoa(k+1), CollectionID: &colID,
				AuthorUserID: anyRow(s, &s.users).ID, DraftHTML: "<h1>" + title + "</h1>" + s.paragraph(4), IsPublished: s.chance(80), IsUnlisted: s.chance(8), Tags: []tag{},
				VisibilityConfig: map[string]any{"visibility": oneOf(s, []string{"public", "public", "customer", "internal_only"}), "ai_agent_access": "inherit"},
				CreatedAt:        created, LastEditedAt: &edited,
			}
			a.URL = "https://help.example/" + kb.Slug + "/articles/" + a.Slug
			if a.IsPublished {
				a.PublishedHTML, a.LastPublishedAt = a.DraftHTML, &edited
			}
			if kb.Slug == "help" && s.chance(40) {
				a.translations = map[string]translation{"de": {"Anleitung: " + title, "<h1>Anleitung: " + title + "</h1><p>Größere Änderungen erklären wir hier.</p>"}}
			}
			arts.Insert(a.ID, 0, a)
		}
	}
}

func (s *seeder) audits() {
	for range s.scale.AuditLogs {
		at := s.ago(time.Minute, 90*day)
		id := s.newID()
		kind := oneOf(s, []string{"issue", "account", "contact", "user"})
		object := map[string]func() string{
			"issue":   func() string { return anyRow(s, &s.issues).ID },
			"account": func() string { return anyRow(s, &s.accounts).ID },
			"contact": func() string { return anyRow(s, &s.contacts).ID },
			"user":    func() string { return anyRow(s, &s.users).ID },
		}
		if s.scale.Issues == 0 {
			kind = "user"
		}
		s.auditLogs.Insert(id, newestFirst(at), auditLog{
			ID: id, Action: kind + "." + oneOf(s, []string{"created", "updated", "deleted"}), ActionHappenedAt: at, ActorUserID: anyRow(s, &s.users).ID,
			ObjectID: object[kind](), ObjectType: kind, Source: oneOf(s, []string{"app", "api", "automation"}), Link: "https://app.usepylon.com/settings/audit-logs",
			Attributes: map[string]any{"field": "state"}, Metadata: map[string]any{"ip": "192.0.2." + strconv.Itoa(s.rng.IntN(255))}, CreatedAt: at,
		})
	}
}

func (s *seeder) macroWork() {
	for _, group := range []string{"Replies", "Escalations"} {
		at := s.ago(50*day, 300*day)
		g := macroGroup{ID: s.newID(), Title: group, CreatedAt: at, UpdatedAt: at}
		s.macroGroups.Insert(g.ID, 0, g)
		for _, name := range []string{"Ask for logs", "Known outage", "Say thanks"} {
			m := macro{
				ID: s.newID(), Name: group + ": " + name, MacroGroupID: g.ID, TextHTML: s.paragraph(1), TextType: "html",
				Visibility: map[string]any{"type": "org"}, Actions: []any{}, CreatedAt: at, UpdatedAt: at,
			}
			s.macros.Insert(m.ID, 0, m)
		}
	}
}
