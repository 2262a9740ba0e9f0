package server

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/connections"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/server/internal/token"
)

// byID are requests about one thing, by its id.
func byID(id string) map[string][2]string {
	return map[string][2]string{
		"get workspace":    {http.MethodGet, airbyteapi.WorkspacesPath + "/" + id},
		"patch workspace":  {http.MethodPatch, airbyteapi.WorkspacesPath + "/" + id},
		"delete workspace": {http.MethodDelete, airbyteapi.WorkspacesPath + "/" + id},
		"list":             {http.MethodGet, airbyteapi.ConnectorsPath + "?workspace_id=" + id},
		"get":              {http.MethodGet, at(airbyteapi.ConnectorPath, id)},
		"put":              {http.MethodPut, at(airbyteapi.ConnectorPath, id)},
		"check":            {http.MethodPost, at(airbyteapi.CheckPath, id)},
		"inspect":          {http.MethodGet, at(airbyteapi.InspectPath, id)},
		"execute":          {http.MethodPost, at(airbyteapi.ExecutePath, id)},
		"skills":           {http.MethodGet, airbyteapi.SkillsPath + "?workspace_id=" + id},
		"search":           {http.MethodGet, airbyteapi.SkillSearchPath + "?workspace_id=" + id},
		"docs":             {http.MethodGet, airbyteapi.SkillDocsPath + "?id=connector-source:" + id},
		"delete":           {http.MethodDelete, at(airbyteapi.ConnectorPath, id)},
	}
}

// probe sends each request about an id.
func (l *lab) probe(token, id string) map[string]reply {
	l.t.Helper()
	replies := make(map[string]reply)
	for name, request := range byID(id) {
		var body any
		if request[0] == http.MethodPost || request[0] == http.MethodPut || request[0] == http.MethodPatch {
			body = `{"name": "taken over", "entity": "users", "action": "list"}`
		}
		replies[name] = l.ask(request[0], request[1], token, body)
	}
	return replies
}

// What belongs to somebody else does not exist: the answers are those about an id that nothing has.
//
// threat: D1
func TestOthersIDs(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	connector := l.create("acme", "Pylon")
	var workspaces airbyteapi.WorkspaceRecords
	l.ok(l.ask(http.MethodGet, airbyteapi.WorkspacesPath+"?name_contains=acme", l.token, nil), &workspaces)
	for who, token := range map[string]string{"another organization": l.another(), "another workspace": l.scoped("umbrella", "read", "write", "delete", "connect", "manage")} {
		for what, id := range map[string]string{"connector": connector, "workspace": workspaces.Data[0].ID} {
			nothing := l.probe(token, nobody)
			for name, r := range l.probe(token, id) {
				want := nothing[name]
				strip := func(r reply) string {
					return strings.ReplaceAll(r.body, r.header.Get("X-Request-Id"), "")
				}
				if r.status != want.status || strip(r) != strip(want) || r.status != http.StatusNotFound && name != "delete workspace" && name != "patch workspace" {
					t.Errorf("%s, %s of a %s: %d %s; of nothing: %d %s", who, name, what, r.status, r.body, want.status, want.body)
				}
			}
		}
		for _, name := range []string{"acme", "nothing"} {
			l.fails(l.ask(http.MethodGet, airbyteapi.ConnectorsPath+"?workspace_name="+name, token, nil), http.StatusNotFound, "no workspace of this name")
		}
		var list airbyteapi.WorkspaceRecords
		l.ok(l.ask(http.MethodGet, airbyteapi.WorkspacesPath, token, nil), &list)
		if len(list.Data) != 1 || list.Data[0].Name == "acme" {
			t.Errorf("%s sees %+v", who, list)
		}
		var skills airbyteapi.Skills
		l.ok(l.ask(http.MethodGet, airbyteapi.SkillsPath, token, nil), &skills)
		if len(skills.Data) != 0 {
			t.Errorf("%s sees %+v", who, skills)
		}
	}
	l.ok(l.ask(http.MethodPost, at(airbyteapi.CheckPath, connector), l.token, "{}"), &airbyteapi.CheckAnswer{})
}

// threat: S1
func TestTokens(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	connector := l.create("acme", "Pylon")
	run := at(airbyteapi.ExecutePath, connector)
	list, write := `{"entity": "users", "action": "list"}`, `{"entity": "tags", "action": "create", "params": {"value": "a", "object_type": "account"}}`

	reader := l.scoped("acme", "read")
	l.ok(l.ask(http.MethodPost, run, reader, list), &answered{})
	f := l.fails(l.ask(http.MethodPost, run, reader, write), http.StatusForbidden, "scope")
	if f.Code() != "denied" {
		t.Errorf("code %q", f.Code())
	}
	own := l.scoped("acme")
	l.ok(l.ask(http.MethodPost, run, own, write), &answered{})
	var info airbyteapi.TokenInfo
	l.ok(l.ask(http.MethodGet, airbyteapi.ScopedTokenInfoPath, own, nil), &info)
	if info.WorkspaceName != "acme" || strings.Join(info.Scopes, " ") != "read write delete connect" {
		t.Errorf("%+v", info)
	}
	// Neither makes a wider token, another workspace, or what it has no scope for.
	for _, token := range []string{reader, own} {
		l.fails(l.ask(http.MethodPost, airbyteapi.ScopedTokenPath, token, `{"workspace_name": "acme"}`), http.StatusForbidden, "")
		l.fails(l.ask(http.MethodDelete, airbyteapi.WorkspacesPath+"/"+info.WorkspaceID, token, nil), http.StatusForbidden, "")
	}
	body := `{"workspace_name": "umbrella", "connector_type": "Pylon", "credentials": {"api_token": "x"}}`
	l.fails(l.ask(http.MethodPost, airbyteapi.ConnectorsPath, reader, body), http.StatusForbidden, "scope connect")
	l.fails(l.ask(http.MethodPost, airbyteapi.ConnectorsPath, own, body), http.StatusNotFound, "no workspace")
	l.fails(l.ask(http.MethodPost, airbyteapi.ScopedTokenPath, l.token, `{"workspace_name": "acme", "scopes": ["writes"]}`), http.StatusUnprocessableEntity, "write")
	l.fails(l.ask(http.MethodPost, airbyteapi.WidgetTokenPath, l.token, `{}`), http.StatusNotImplemented, "widget")
	l.forged(run, list)
}

// A token for one workspace stays within it, and an application that was revoked makes no more.
//
// threat: D1
func TestScopedTokens(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.create("acme", "Pylon")
	own := l.scoped("acme", "read", "manage")
	var info airbyteapi.TokenInfo
	l.ok(l.ask(http.MethodGet, airbyteapi.ScopedTokenInfoPath, own, nil), &info)
	l.fails(l.ask(http.MethodPatch, airbyteapi.WorkspacesPath+"/"+info.WorkspaceID, own, `{"name": "a future customer"}`), http.StatusForbidden, "one workspace only")
	writer := l.scoped("acme", "write")
	for _, path := range []string{airbyteapi.SkillsPath, airbyteapi.SkillSearchPath, airbyteapi.SkillDocsPath + "?id=x"} {
		l.fails(l.ask(http.MethodGet, path, writer, nil), http.StatusForbidden, "scope read")
	}
	var repeated airbyteapi.ScopedToken
	l.ok(l.ask(http.MethodPost, airbyteapi.ScopedTokenPath, l.token, map[string]any{"workspace_name": "acme", "scopes": append(slices.Repeat([]string{"write"}, 1000), "read")}), &repeated)
	if !slices.Equal(repeated.Scopes, []string{"write", "read"}) || len(repeated.Token) > len(l.token)+100 {
		t.Errorf("%d scopes", len(repeated.Scopes))
	}
	if err := l.s.store.RevokeApplication(t.Context(), info.OrganizationID, l.first.ClientID); err != nil {
		t.Fatal(err)
	}
	if f := l.fails(l.ask(http.MethodPost, airbyteapi.ScopedTokenPath, l.token, `{"workspace_name": "new"}`), http.StatusUnauthorized, "lost its access"); f.Code() != "invalid_client" {
		t.Errorf("code %s", f.Code())
	}
	if _, err := l.s.store.WorkspaceByName(t.Context(), store.Scope{Organization: info.OrganizationID}, "new"); !errors.Is(err, store.ErrNone) {
		t.Errorf("a workspace was made: %v", err)
	}
}

// A workspace that is stopped gets no connectors, tries no credentials and runs nothing, and says so.
func TestAStoppedWorkspace(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	id := l.create("acme", "Pylon")
	var w airbyteapi.WorkspaceRecords
	l.ok(l.ask(http.MethodGet, airbyteapi.WorkspacesPath+"?name_contains=acme", l.token, nil), &w)
	set := func(status string) {
		t.Helper()
		l.ok(l.ask(http.MethodPatch, airbyteapi.WorkspacesPath+"/"+w.Data[0].ID, l.token, map[string]string{"status": status}), &airbyteapi.WorkspaceRecord{})
	}
	body := `{"workspace_name": "acme", "name": "Another", "connector_type": "Pylon", "credentials": {"api_token": "` + vendorToken + `"}}`
	set("inactive")
	l.vendor.Reset()
	for _, path := range []string{airbyteapi.ConnectorsPath, airbyteapi.CheckNewPath} {
		l.fails(l.ask(http.MethodPost, path, l.token, body), http.StatusConflict, "stopped")
	}
	call := map[string]string{"entity": "me", "action": "get"}
	l.fails(l.ask(http.MethodPost, at(airbyteapi.ExecutePath, id), l.token, call), http.StatusConflict, "stopped")
	l.fails(l.ask(http.MethodPost, at(airbyteapi.CheckPath, id), l.token, "{}"), http.StatusConflict, "stopped")
	if n := len(l.vendor.Requests()); n != 0 {
		t.Errorf("the vendor got %d requests", n)
	}
	set("active")
	l.ok(l.ask(http.MethodPost, at(airbyteapi.ExecutePath, id), l.token, call), &map[string]any{})
	for _, path := range []string{airbyteapi.ConnectorsPath, airbyteapi.CheckNewPath} {
		l.ok(l.ask(http.MethodPost, path, l.token, body), &airbyteapi.Record{})
	}
}

// A token that the server knows from the calls before ends with its workspace, at once.
//
// threat: D1
func TestATokenOfADeletedWorkspace(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	path := at(airbyteapi.ExecutePath, l.create("acme", "Pylon"))
	own := l.scoped("acme")
	var info airbyteapi.TokenInfo
	l.ok(l.ask(http.MethodGet, airbyteapi.ScopedTokenInfoPath, own, nil), &info)
	call := `{"entity": "me", "action": "get"}`
	for range 2 {
		l.ok(l.ask(http.MethodPost, path, own, call), &airbyteapi.ExecuteAnswer{})
	}
	l.vendor.Reset()
	l.ok(l.ask(http.MethodDelete, airbyteapi.WorkspacesPath+"/"+info.WorkspaceID, l.token, nil), &airbyteapi.WorkspaceDeleted{})
	l.fails(l.ask(http.MethodPost, path, own, call), http.StatusNotFound, "no such connector")
	l.fails(l.ask(http.MethodGet, airbyteapi.ScopedTokenInfoPath, own, nil), http.StatusNotFound, "does not exist any more")
	if n := len(l.vendor.Requests()); n != 0 {
		t.Errorf("the vendor got %d requests", n)
	}
}

// An empty list of entities is no way to get all of them: null is.
func TestEmptyEntities(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	id := l.create("acme", "Pylon")
	put := func(entities string) reply {
		return l.ask(http.MethodPut, at(airbyteapi.ConnectorPath, id), l.token, `{"entities": `+entities+`}`)
	}
	run := func() int {
		return l.ask(http.MethodPost, at(airbyteapi.ExecutePath, id), l.token, `{"entity": "users", "action": "list"}`).status
	}
	l.ok(put(`[{"entity": "teams"}]`), &airbyteapi.Record{})
	l.fails(put(`[]`), http.StatusUnprocessableEntity, "entities is empty")
	if status := run(); status != http.StatusForbidden {
		t.Errorf("another entity: %d", status)
	}
	l.ok(put(`null`), &airbyteapi.Record{})
	if status := run(); status != http.StatusOK {
		t.Errorf("all entities: %d", status)
	}
}

// forged checks tokens that are not ours, or not any more.
func (l *lab) forged(path, body string) {
	l.t.Helper()
	for name, text := range map[string]string{"none": "", "another": "aht1.x.y.z", "changed": l.token[:len(l.token)-1], "a word": "token"} {
		if r := l.ask(http.MethodPost, path, text, body); r.status != http.StatusUnauthorized || r.header.Get("WWW-Authenticate") == "" {
			l.t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
	claims, err := l.s.signer.Load().Check(l.token, time.Now())
	if err != nil {
		l.t.Fatal(err)
	}
	claims.Expires = time.Now().Unix()
	expired, err := l.s.signer.Load().Sign(*claims)
	if err != nil {
		l.t.Fatal(err)
	}
	l.fails(l.ask(http.MethodPost, path, expired, body), http.StatusUnauthorized, "expired")
	claims.Expires, claims.Scopes = time.Now().Add(token.Life).Unix(), []connections.Scope{}
	none, err := l.s.signer.Load().Sign(*claims)
	if err != nil {
		l.t.Fatal(err)
	}
	l.fails(l.ask(http.MethodPost, path, none, body), http.StatusForbidden, "")
	for name, body := range map[string]string{
		"another secret": `{"client_id": "` + l.first.ClientID + `", "client_secret": "x"}`,
		"nobody":         `{"client_id": "` + nobody + `", "client_secret": "x"}`,
		"no id":          `{"client_id": "' OR ''='", "client_secret": "' OR ''='"}`,
	} {
		if f := l.fails(l.ask(http.MethodPost, airbyteapi.TokenPath, "", body), http.StatusUnauthorized, "client_id or client_secret is wrong"); f.Code() != "invalid_client" {
			l.t.Errorf("%s: %s", name, f.Code())
		}
	}
}

// A request for another organization's skills is refused, and not answered with one's own. The
// same holds for a skill of another workspace than the request names.
//
// threat: D1
func TestSkillsOfAnother(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	docs := airbyteapi.SkillDocsPath + "?id=" + airbyteapi.SkillID(l.create("acme", "Pylon"))
	l.create("umbrella", "Pylon")
	for _, path := range []string{airbyteapi.SkillsPath + "?", airbyteapi.SkillSearchPath + "?", docs + "&"} {
		if f := l.fails(l.ask(http.MethodGet, path+"organization_id="+nobody, l.token, nil), http.StatusForbidden, "another organization"); f.Code() != "organization_forbidden" {
			t.Errorf("%s: code %s", path, f.Code())
		}
		l.ok(l.ask(http.MethodGet, path+"organization_id="+strings.ToUpper(l.first.Organization), l.token, nil), &struct{}{})
	}
	var w airbyteapi.WorkspaceRecords
	for name, status := range map[string]int{"acme": http.StatusOK, "umbrella": http.StatusNotFound} {
		l.ok(l.ask(http.MethodGet, airbyteapi.WorkspacesPath+"?name_contains="+name, l.token, nil), &w)
		if r := l.ask(http.MethodGet, docs+"&workspace_id="+w.Data[0].ID, l.token, nil); r.status != status {
			t.Errorf("in %s: %d %s", name, r.status, r.body)
		}
	}
}

// Guessing a secret ends after some tries, for the address that guesses.
func TestGuessedSecrets(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	now := time.Now()
	l.s.now = func() time.Time { return now }
	for range tokenRate.Burst {
		if r := l.ask(http.MethodPost, airbyteapi.TokenPath, "", `{"client_id": "a", "client_secret": "b"}`); r.status != http.StatusUnauthorized {
			t.Fatalf("%d %s", r.status, r.body)
		}
	}
	if r := l.ask(http.MethodPost, airbyteapi.TokenPath, "", `{"client_id": "a", "client_secret": "b"}`); r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := l.ask(http.MethodPost, airbyteapi.TokenPath, "", `{"client_id": "c", "client_secret": "b"}`); r.status != http.StatusUnauthorized {
		t.Errorf("another client: %d %s", r.status, r.body)
	}
}

// A text that looks like a reference is sent to the vendor as it is.
//
// threat: S4
func TestReferencesAreValues(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(o *Options) {
		o.Host.LookupEnv = func(string) (string, bool) { t.Error("the environment was read"); return "x", true }
	})
	for i, text := range []string{"env:HOME", "file:/etc/passwd", "exec:helper:item", "vault:secret/a#b", "secret_coordinate::a"} {
		var made airbyteapi.Record
		l.ok(l.ask(http.MethodPost, airbyteapi.ConnectorsPath, l.token, map[string]any{
			"workspace_name": "acme", "connector_type": "Pylon", "credentials": map[string]string{"api_token": text}, "name": strings.Repeat("n", i+1),
		}), &made)
		l.vendor.Reset()
		l.fails(l.ask(http.MethodPost, at(airbyteapi.ExecutePath, made.ID), l.token, `{"entity": "users", "action": "list"}`), http.StatusUnauthorized, "")
		if sent := l.vendor.Requests(); len(sent) == 0 || sent[0].Header.Get("Authorization") != "Bearer "+text {
			t.Errorf("%s: the vendor got %v", text, sent)
		}
	}
}

// What the operator decides cannot come from a workspace.
//
// threat: S4
func TestTheOperatorDecides(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(o *Options) {
		c := o.Connectors["pylon"]
		c.Allow = &grant.Allow{Effects: []abi.Effect{abi.EffectRead}}
		o.Connectors["pylon"] = c
	})
	var made airbyteapi.Record
	l.ok(l.ask(http.MethodPost, airbyteapi.ConnectorsPath, l.token, `{"workspace_name": "acme", "connector_type": "Pylon", "credentials": {"api_token": "`+vendorToken+`"},
		"entities": [{"entity": "users"}, {"entity": "tags", "modes": ["write"]}],
		"server": "http://127.0.0.1:1", "allow": null, "limits": {"requests": 100000}, "tls": {"ca_file": "/etc/passwd"}, "base_url": "http://127.0.0.1:1"}`), &made)
	run := at(airbyteapi.ExecutePath, made.ID)
	l.ok(l.ask(http.MethodPost, run, l.token, `{"entity": "users", "action": "list"}`), &answered{})
	for name, body := range map[string]string{
		"an effect that the operator does not allow": `{"entity": "tags", "action": "create", "params": {"value": "a", "object_type": "account"}}`,
		"a mode that was not chosen":                 `{"entity": "tags", "action": "list"}`,
		"an entity that was not chosen":              `{"entity": "accounts", "action": "list"}`,
	} {
		if r := l.ask(http.MethodPost, run, l.token, body); r.status != http.StatusForbidden {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
}

// An entity or a mode that is there twice is refused: a list of them stays as short as the
// connector's own.
//
// threat: S2
func TestEntitiesAreThereOnce(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	path := at(airbyteapi.ConnectorPath, l.create("acme", "Pylon"))
	for entities, want := range map[string]string{
		`[{"entity": "users"}, {"entity": "users", "modes": ["read"]}]`: "twice",
		`[{"entity": "users", "modes": ["read", "write", "read"]}]`:     "twice",
	} {
		l.fails(l.ask(http.MethodPut, path, l.token, `{"entities": `+entities+`}`), http.StatusUnprocessableEntity, want)
	}
	l.ok(l.ask(http.MethodPut, path, l.token, `{"entities": [{"entity": "users", "modes": ["read", "write"]}, {"entity": "tags"}]}`), &airbyteapi.Record{})
}

// Nobody uses the server to guess credentials, of its own applications or of a vendor.
//
// threat: S1
func TestGuessesAreLimited(t *testing.T) {
	t.Parallel()
	still := time.Now()
	l := newLab(t, func(o *Options) { o.Host.Seams.Now = func() time.Time { return still } })
	guess := map[string]any{"workspace_name": "default", "connector_type": "Pylon", "credentials": map[string]string{"api_token": "guess"}}
	for range checkRate.Burst {
		l.ok(l.ask(http.MethodPost, airbyteapi.CheckNewPath, l.token, guess), &airbyteapi.CheckAnswer{})
	}
	l.fails(l.ask(http.MethodPost, airbyteapi.CheckNewPath, l.token, guess), http.StatusTooManyRequests, "credentials")
	guess["workspace_name"] = "another"
	l.scoped("another")
	l.ok(l.ask(http.MethodPost, airbyteapi.CheckNewPath, l.token, guess), &airbyteapi.CheckAnswer{})

	// Other client ids do not lift the limit of an address.
	last := 0
	for i := range peerRate.Burst {
		r := l.ask(http.MethodPost, airbyteapi.TokenPath, "", fmt.Sprintf(`{"client_id": "guess-%d", "client_secret": "x"}`, i))
		last = r.status
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the last guess of many answers %d", last)
	}
}
