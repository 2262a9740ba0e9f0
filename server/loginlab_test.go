package server

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/oauthsim"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

// crm is a connector whose vendor takes an API key, the login of a person, and clients that act for
// themselves. Where it is depends on a value of the connection.
func crm() []byte { return crmWith(strings.NewReplacer()) }

// crmWith is crm with other words.
func crmWith(words *strings.Replacer) []byte {
	const origins, inject = `"origins": ["https://{tenant}.crm.example"]`, `"inject": [{"in": "header", "name": "Authorization", "value": "Bearer {access_token}"}]`
	return wasmtest.Sending(words.Replace(`{
		"abi": 1, "name": "crm", "title": "CRM", "version": "1.0.0", "description": "A vendor with OAuth 2.0.",
		"servers": [{"id": "main", "url": "https://{tenant}.crm.example"}],
		"config": [{"name": "tenant", "required": true, "pattern": "[a-z]+"}],
		"check": {"entity": "me", "action": "get"},
		"operations": [{"entity": "me", "action": "get", "description": "Who is logged in.", "effect": "read", "params": {"type": "object"}, "requests": [{"method": "GET", "path": "/me"}]}]
	}`), words.Replace(`{"schemes": [
		{"id": "key", "type": "bearer", `+origins+`, "fields": [{"name": "api_key", "secret": true, "required": true}],
			"inject": [{"in": "header", "name": "Authorization", "value": "Bearer {api_key}"}]},
		{"id": "login", "type": "oauth2", `+origins+`, `+inject+`,
			"fields": [{"name": "client_id"}, {"name": "client_secret", "secret": true}, {"name": "refresh_token", "secret": true}, {"name": "access_token", "secret": true}],
			"oauth2": {"grant": "refresh_token", "token_url": "https://{tenant}.crm.example/token", "authorize_url": "https://{tenant}.crm.example/authorize"}},
		{"id": "app", "type": "oauth2", `+origins+`, `+inject+`,
			"fields": [{"name": "client_id", "required": true}, {"name": "client_secret", "secret": true, "required": true}, {"name": "app", "required": true}],
			"oauth2": {"grant": "client_credentials", "token_url": "https://{tenant}.crm.example/token", "client_auth": "post"}},
		{"id": "robot", "type": "oauth2", `+origins+`, `+inject+`,
			"fields": [{"name": "credentials_json", "secret": true, "required": true}],
			"oauth2": {"grant": "jwt_bearer", "token_url": "https://{tenant}.crm.example/token", "client_auth": "none", "scopes": ["read"]}}
	]}`), `{"method": "GET", "path": "/me"}`)
}

// loginLab is a lab with a second vendor, the CRM.
type loginLab struct {
	*lab
	accounts *oauthsim.Accounts
	url      string
	folder   string
}

func newLoginLab(t *testing.T, change ...func(*Options)) *loginLab {
	t.Helper()
	l := &loginLab{accounts: &oauthsim.Accounts{Lifetime: time.Hour}, folder: t.TempDir()}
	vendor, err := vendorsim.Start(t.Context(), l.accounts, vendorsim.Options{LogSize: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = vendor.Close() })
	l.url = vendor.URL
	l.start(t, change...)
	return l
}

// start starts a server on the folder of the lab.
func (l *loginLab) start(t *testing.T, change ...func(*Options)) {
	t.Helper()
	before := l.lab
	l.lab = newLab(t, append([]func(*Options){func(o *Options) {
		if err := os.WriteFile(filepath.Join(o.Host.Plugins, "crm.wasm"), crm(), 0o600); err != nil {
			t.Fatal(err)
		}
		o.Data, o.Connectors["crm"] = l.folder, host.Connection{Server: l.url}
	}}, change...)...)
	if before != nil {
		l.token = before.token
	}
}

// restart ends the server, and starts another one on its folder.
func (l *loginLab) restart(t *testing.T, change ...func(*Options)) {
	t.Helper()
	if err := l.s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.start(t, change...)
}

// credentialsOf returns the credentials of a person who logged in to an account.
func credentialsOf(account *oauthsim.Server) map[string]string {
	return map[string]string{"client_id": account.ClientID, "client_secret": account.ClientSecret, "refresh_token": account.Seed()}
}

// connect creates a connector in a workspace.
func (l *loginLab) connect(workspace, name string, credentials map[string]string) string {
	l.t.Helper()
	var made airbyteapi.Record
	l.ok(l.ask(http.MethodPost, airbyteapi.ConnectorsPath, l.token, map[string]any{
		"workspace_name": workspace, "name": name, "connector_type": "CRM", "credentials": credentials, "environment": map[string]string{"tenant": "acme"},
	}), &made)
	l.is(made.ID, store.Ready)
	return made.ID
}

// is checks the state of a connector, as all answers have it.
func (l *loginLab) is(id string, want store.State) {
	l.t.Helper()
	var one airbyteapi.Record
	l.ok(l.ask(http.MethodGet, at(airbyteapi.ConnectorPath, id), l.token, nil), &one)
	if one.State != string(want) {
		l.t.Errorf("get: the state is %q, want %s", one.State, want)
	}
	var workspaces airbyteapi.WorkspaceRecords
	l.ok(l.ask(http.MethodGet, airbyteapi.WorkspacesPath, l.token, nil), &workspaces)
	for _, w := range workspaces.Data {
		var all airbyteapi.Records
		l.ok(l.ask(http.MethodGet, airbyteapi.ConnectorsPath+"?workspace_id="+w.ID, l.token, nil), &all)
		for _, r := range all.Data {
			if r.ID == id && r.State != string(want) {
				l.t.Errorf("list: the state is %q, want %s", r.State, want)
			}
		}
	}
}

func (l *loginLab) me(id string) reply {
	l.t.Helper()
	return l.ask(http.MethodPost, at(airbyteapi.ExecutePath, id), l.token, `{"entity": "me", "action": "get"}`)
}

func (l *loginLab) check(id string) airbyteapi.CheckAnswer {
	l.t.Helper()
	var answer airbyteapi.CheckAnswer
	l.ok(l.ask(http.MethodPost, at(airbyteapi.CheckPath, id), l.token, "{}"), &answer)
	return answer
}

// needsLogin checks that a connector says in every answer that it needs another login, and that
// nothing reaches the vendor.
func (l *loginLab) needsLogin(id string, account *oauthsim.Server) {
	l.t.Helper()
	l.is(id, store.NeedsLogin)
	before := len(account.Grants())
	f := l.fails(l.me(id), http.StatusUnauthorized, "PUT")
	if details := f.String(); !strings.Contains(details, "needs a login") {
		l.t.Errorf("the error says %s", details)
	}
	if a := l.check(id); *a.Status != airbyteapi.CheckFailed || a.FailureReason == nil || *a.FailureReason != "needs_login" {
		l.t.Errorf("check: %+v", a)
	}
	if n := len(account.Grants()); n != before {
		l.t.Errorf("the vendor got %d requests", n-before)
	}
}

// robot returns the credential of a service account, and has the account know its key.
func (l *loginLab) robot(account *oauthsim.Server) map[string]string {
	l.t.Helper()
	key, err := oauthsim.NewKey("1", "RS256")
	if err != nil {
		l.t.Fatal(err)
	}
	text, err := key.PEM()
	if err != nil {
		l.t.Fatal(err)
	}
	account.Assertions = &oauthsim.Assertions{Issuer: "robot@acme.example", Audience: l.url + "/token", Scope: "read", Key: key, Now: time.Now}
	document, err := json.Marshal(map[string]string{"type": "service_account", "client_email": "robot@acme.example", "private_key": string(text)})
	if err != nil {
		l.t.Fatal(err)
	}
	return map[string]string{"credentials_json": string(document)}
}
