package store

import (
	"slices"
	"testing"
)

// testJobList lists jobs: by state, in parts, and never those of somebody else.
func testJobList(t *testing.T, l *lab) {
	ctx := t.Context()
	p, other := l.organization(t), l.organization(t)
	sibling := Scope{p.Organization, ok(l.CreateWorkspace(ctx, p.Organization, "sibling"))(t).ID}
	a, b := ok(l.CreateJob(ctx, p, "a"))(t), ok(l.CreateJob(ctx, p, "b"))(t)
	c := ok(l.CreateJob(ctx, sibling, "c"))(t)
	ids := []string{a.ID, b.ID, c.ID}
	slices.Sort(ids) // those of one millisecond are in no order
	running := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id == b.ID })
	own := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id == c.ID })
	foreign := ok(l.CreateJob(ctx, other, "foreign"))(t)
	if err := l.FinishJob(ctx, p.Organization, b.ID, "the vendor said no"); err != nil {
		t.Fatal(err)
	}
	all := Page{Limit: 10}
	for name, w := range map[string]struct {
		scope Scope
		state JobState
		page  Page
		want  []string
	}{
		"of an organization":       {Scope{Organization: p.Organization}, "", all, ids},
		"of a workspace":           {p, "", all, own},
		"of another organization":  {other, "", all, []string{foreign.ID}},
		"of somebody's workspace":  {Scope{other.Organization, p.Workspace}, "", all, nil},
		"of nobody":                {Scope{}, "", all, nil},
		"that failed":              {Scope{Organization: p.Organization}, JobFailed, all, []string{b.ID}},
		"that run":                 {Scope{Organization: p.Organization}, JobRunning, all, running},
		"the first part":           {Scope{Organization: p.Organization}, "", Page{Limit: 1}, ids[:1]},
		"the part after the first": {Scope{Organization: p.Organization}, "", Page{After: ids[0], Limit: 1}, ids[1:2]},
		"the part after the last":  {Scope{Organization: p.Organization}, "", Page{After: ids[2], Limit: 1}, nil},
	} {
		var got []string
		for _, j := range ok(l.Jobs(ctx, w.scope, w.state, w.page))(t) {
			got = append(got, j.ID)
		}
		if !slices.Equal(got, w.want) {
			t.Errorf("%s: %v, want %v", name, got, w.want)
		}
	}
}
