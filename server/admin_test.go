package server

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/connections"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/server/internal/api"
)

// operator makes a token of an operator.
func (l *lab) operator(r store.Role) string {
	l.t.Helper()
	_, token, err := l.s.store.CreateOperatorToken(l.t.Context(), "ada", r, l.s.now().Add(time.Hour), nil)
	if err != nil {
		l.t.Fatal(err)
	}
	text, err := adminapi.Show(token).MarshalText()
	if err != nil {
		l.t.Fatal(err)
	}
	return string(text)
}

// filled is a path with ids in the place of its parameters.
func filled(path string, ids ...string) string {
	for _, id := range ids {
		a, b := strings.IndexByte(path, '{'), strings.IndexByte(path, '}')
		path = path[:a] + id + path[b+1:]
	}
	return path
}

// Tokens of operators, applications and workspaces never work in each other's place.
//
// threat: S1
func TestTokensInEachOthersPlace(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	p := store.Scope{Organization: l.first.Organization}
	w, err := l.s.store.WorkspaceByName(t.Context(), p, "default")
	if err != nil {
		t.Fatal(err)
	}
	_, ahw, err := l.s.store.CreateWorkspaceToken(t.Context(), store.Scope{Organization: p.Organization, Workspace: w.ID}, "laptop", []string{"read", "write", "delete", "connect", "manage"}, l.s.now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	workspace, err := adminapi.Show(ahw).MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	var secret string
	_ = l.first.ClientSecret.Reveal(func(b []byte) error { secret = string(b); return nil })
	var bootstrap string
	_ = l.first.OperatorToken.Reveal(func(b []byte) error { bootstrap = string(b); return nil })
	tokens := map[string]string{
		"an operator's": l.operator(store.RoleOperator), "a viewer's": l.operator(store.RoleViewer), "the bootstrap's": bootstrap,
		"an application's": l.token, "a scoped one": l.scoped("default"), "a workspace's": string(workspace), "an application's secret": secret, "none": "", "another text": "aho_" + strings.Repeat("a", 49),
	}
	for _, place := range []struct {
		path string
		good []string // the others are refused with 401, or are listed in scope
		kept []string // those that are known, but may not do it
	}{
		{adminapi.OrganizationsPath, []string{"an operator's", "a viewer's"}, []string{"the bootstrap's"}},
		{airbyteapi.WorkspacesPath, []string{"an application's", "a scoped one"}, nil},
	} {
		for name, token := range tokens {
			want := http.StatusUnauthorized
			for _, one := range place.good {
				if one == name {
					want = http.StatusOK
				}
			}
			for _, one := range place.kept {
				if one == name {
					want = http.StatusForbidden
				}
			}
			if r := l.ask(http.MethodGet, place.path, token, nil); r.status != want {
				t.Errorf("%s at %s: %d, want %d: %s", name, place.path, r.status, want, r.body)
			}
		}
	}
}

// Every route of the operators' API that changes something is closed to a viewer, and only the one for
// it is open to the bootstrap's token.
//
// threat: S1
func TestAViewerChangesNothing(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	viewer := l.operator(store.RoleViewer)
	for _, r := range l.s.admin.Routes() {
		if r.Public || r.Scope == "" {
			t.Errorf("%s has no scope", r.ID)
		}
		if (r.Method == http.MethodGet) != (r.Scope == connections.Read) {
			t.Errorf("%s %s has the scope %s", r.Method, r.Path, r.Scope)
		}
		if r.Method == http.MethodGet {
			continue
		}
		l.fails(l.ask(r.Method, filled(r.Path, ids(r)...), viewer, nil), http.StatusForbidden, "scope")
	}
}

// ids are ids for the parameters of a route's path.
func ids(r api.Route) []string {
	all := make([]string, strings.Count(r.Path, "{"))
	for i := range all {
		all[i] = nobody
	}
	return all
}

// The bootstrap's token makes one token, and dies.
//
// threat: S1
func TestBootstrapTokenDies(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	text, err := adminapi.Show(l.first.OperatorToken).MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	bootstrap := string(text)
	for _, r := range l.s.admin.Routes() {
		if r.Path != adminapi.RedeemBootstrapPath {
			l.fails(l.ask(r.Method, filled(r.Path, ids(r)...), bootstrap, nil), http.StatusForbidden, "scope")
		}
	}
	l.fails(l.ask(http.MethodPost, adminapi.RedeemBootstrapPath, bootstrap, map[string]string{"name": ""}), http.StatusUnprocessableEntity, "name")
	var made struct{ Token string }
	l.ok(l.ask(http.MethodPost, adminapi.RedeemBootstrapPath, bootstrap, map[string]string{"name": "ada"}), &made)
	l.fails(l.ask(http.MethodPost, adminapi.RedeemBootstrapPath, bootstrap, map[string]string{"name": "ada"}), http.StatusUnauthorized, "not valid")
	var list adminapi.List[adminapi.Token]
	l.ok(l.ask(http.MethodGet, adminapi.TokensPath, made.Token, nil), &list)
	if len(list.Data) != 2 || list.Data[0].RevokedAt == "" || list.Data[1].Name != "ada" || list.Data[1].UsedAt == "" {
		t.Errorf("%+v", list)
	}
	if r := l.ask(http.MethodDelete, filled(adminapi.TokenPath, list.Data[1].ID), made.Token, nil); r.status != http.StatusOK {
		t.Errorf("%d %s", r.status, r.body)
	}
	l.fails(l.ask(http.MethodGet, adminapi.TokensPath, made.Token, nil), http.StatusUnauthorized, "not valid")
}

// What an operator does is in the audit trail of the organization that it concerns, with who did it,
// and in no other one.
//
// threat: K8, D1
func TestOperatorsChangesAreRecorded(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	token := l.operator(store.RoleOperator)
	var acme, other adminapi.Organization
	l.ok(l.ask(http.MethodPost, adminapi.OrganizationsPath, token, map[string]string{"name": "acme"}), &acme)
	l.ok(l.ask(http.MethodPost, adminapi.OrganizationsPath, token, map[string]string{"name": "other"}), &other)
	var w adminapi.Workspace
	l.ok(l.ask(http.MethodPost, filled(adminapi.WorkspacesPath, acme.ID), token, map[string]string{"name": "one"}), &w)
	var app adminapi.Application
	l.ok(l.ask(http.MethodPost, filled(adminapi.ApplicationsPath, acme.ID), token, map[string]any{"name": "backend", "return_urls": []string{"https://app.example.com/a"}}), &app)
	l.fails(l.ask(http.MethodPost, filled(adminapi.ApplicationsPath, acme.ID), token, map[string]any{"name": "backend", "return_urls": []string{"javascript:alert(1)"}}), http.StatusUnprocessableEntity, "return_urls")
	read := func(organization string) string {
		t.Helper()
		found, err := l.s.store.Audit(t.Context(), store.Scope{Organization: organization}, store.Page{})
		if err != nil {
			t.Fatal(err)
		}
		var all strings.Builder
		for _, r := range found {
			all.Write(r.Record)
		}
		return all.String()
	}
	mine, others := read(acme.ID), read(other.ID)
	for _, want := range []string{`"via":"operator"`, `"entity":"workspaces","action":"create"`, `"entity":"applications","action":"create"`, `"name":"backend"`, `"request":"req_`} {
		if !strings.Contains(mine, want) {
			t.Errorf("%s is not in %s", want, mine)
		}
	}
	if strings.Contains(others, "backend") || strings.Contains(others, w.ID) {
		t.Errorf("another organization has %s", others)
	}

	// Ids of one organization lead nowhere in another one.
	for _, r := range l.s.admin.Routes() {
		if !strings.Contains(r.Path, "{workspace_id}") && !strings.Contains(r.Path, "{application_id}") {
			continue
		}
		path := strings.NewReplacer("{organization_id}", other.ID, "{workspace_id}", w.ID, "{application_id}", app.ID, "{connection_id}", nobody, "{token_id}", nobody).Replace(r.Path)
		if got := l.ask(r.Method, path, token, map[string]any{"name": "x", "return_urls": []string{}}); got.status != http.StatusNotFound && got.status != http.StatusUnprocessableEntity {
			t.Errorf("%s %s: %d %s", r.Method, path, got.status, got.body)
		}
	}
	var status adminapi.WorkspaceStatus
	l.ok(l.ask(http.MethodGet, filled(adminapi.WorkspaceStatusPath, acme.ID, w.ID), token, nil), &status)
}

// The local handler needs no token, and no request over the network is taken for one of it.
//
// threat: A8b
func TestLocalHandler(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	local := httptest.NewServer(l.s.LocalHandler(t.Context()))
	t.Cleanup(local.Close)
	for _, c := range []struct {
		url  string
		want int
	}{{local.URL, http.StatusOK}, {l.http.URL, http.StatusUnauthorized}} {
		req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, c.url+adminapi.OrganizationsPath, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%s: %d, want %d", c.url, resp.StatusCode, c.want)
		}
	}
	var document map[string]any
	l.ok(l.ask(http.MethodGet, adminapi.DocumentPath, "", nil), &document)
}
