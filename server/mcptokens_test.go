package server

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/mcp/accesstoken"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/oauthsim"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/internal/store/envelope"
)

// TestMCPTokens are tokens that are not good at /mcp.
//
// threat: S1, D1, A8b, N4
func TestMCPTokens(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.create("acme", "support")
	good := l.workspaceToken("acme")
	revoked, gone, stopped := l.workspaceToken("acme"), "", ""
	for name, into := range map[string]*string{"gone": &gone, "stopped": &stopped} {
		l.create(name, "x")
		*into = l.workspaceToken(name).Token
		if r := l.post(*into, ping); r.status != http.StatusOK {
			t.Fatal(r)
		}
	}
	scopedGone := l.scoped("gone")
	for _, token := range []string{good.Token, revoked.Token, scopedGone} {
		if r := l.post(token, ping); r.status != http.StatusOK {
			t.Fatal(r)
		}
	}
	l.delete(workspaceTokensPath + "/" + revoked.ID)
	l.delete(airbyteapi.WorkspacesPath + "/" + l.workspaceID("gone"))
	if r := l.ask(http.MethodPatch, airbyteapi.WorkspacesPath+"/"+l.workspaceID("stopped"), l.token, `{"status": "inactive"}`); r.status != http.StatusOK {
		t.Fatal(r)
	}
	flip := func(text string, i int) string {
		b := []byte(text)
		if b[i] = 'a'; text[i] == 'a' {
			b[i] = 'b'
		}
		return string(b)
	}
	for name, c := range map[string]struct {
		token  string
		status int
		says   string
		header []string
	}{
		"good":                     {good.Token, http.StatusOK, "result", nil},
		"an application's, scoped": {l.scoped("acme"), http.StatusOK, "result", nil},
		"an application's":         {l.token, http.StatusForbidden, "all workspaces", nil},
		"none":                     {"", http.StatusUnauthorized, "no bearer token", nil},
		"any text":                 {"opaque", http.StatusUnauthorized, "no token that is good", nil},
		"an operator's":            {l.operator(store.RoleOperator), http.StatusUnauthorized, "no token that is good", nil},
		"a JWT":                    {"eyJhbGciOiJub25lIn0.e30.", http.StatusUnauthorized, "no token that is good", nil},
		"revoked":                  {revoked.Token, http.StatusUnauthorized, "revoked", nil},
		"of a deleted workspace":   {gone, http.StatusUnauthorized, "revoked", nil},
		"scoped to a deleted one":  {scopedGone, http.StatusForbidden, "does not exist", nil},
		"of a stopped workspace":   {stopped, http.StatusForbidden, "stopped", nil},
		"a wrong checksum":         {flip(good.Token, len(good.Token)-1), http.StatusUnauthorized, "copy it again", nil},
		"a wrong character":        {flip(good.Token, 20), http.StatusUnauthorized, "copy it again", nil},
		"a character more":         {good.Token + "0", http.StatusUnauthorized, "copy it again", nil},
		"a forged application's":   {"aht1." + strings.SplitN(l.token, ".", 2)[1] + "A", http.StatusUnauthorized, "wrong", nil},
		"another host":             {good.Token, http.StatusForbidden, "Host", []string{"Host", "evil.example"}},
		"another origin":           {good.Token, http.StatusForbidden, "origin", []string{"Origin", "https://evil.example"}},
	} {
		r := l.post(c.token, ping, c.header...)
		if r.status != c.status || !strings.Contains(r.body, c.says) {
			t.Errorf("%s: %d %s, want %d and %s", name, r.status, r.body, c.status, c.says)
		}
		if r.status == http.StatusUnauthorized && !strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("%s: WWW-Authenticate is %q", name, r.header.Get("WWW-Authenticate"))
		}
	}
	// A workspace's token opens nothing else.
	for _, route := range slices.Concat(l.s.api.Routes(), l.s.admin.Routes()) {
		if route.Public {
			continue
		}
		path := strings.NewReplacer("{connector_id}", nobody, "{workspace_id}", nobody, "{token_id}", nobody, "{organization_id}", nobody, "{application_id}", nobody).Replace(route.Path)
		if r := l.ask(route.Method, path, good.Token, nil); r.status != http.StatusUnauthorized {
			t.Errorf("%s %s answers a workspace's token %d %s", route.Method, path, r.status, r.body)
		}
	}
}

func (l *lab) delete(path string) {
	l.t.Helper()
	if r := l.ask(http.MethodDelete, path, l.token, nil); r.status >= http.StatusMultipleChoices {
		l.t.Fatalf("%d %s", r.status, r.body)
	}
}

func (l *lab) workspaceID(name string) string {
	l.t.Helper()
	w, err := l.s.store.WorkspaceByName(l.t.Context(), store.Scope{Organization: l.first.Organization}, name)
	if err != nil {
		l.t.Fatal(err)
	}
	return w.ID
}

// threat: S1
func TestMCPTokensExpire(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	ahead := time.Duration(0)
	l := newLab(t, func(o *Options) {
		o.Host.Seams.Now = func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return time.Now().Add(ahead)
		}
	})
	l.create("acme", "support")
	var made workspaceTokenMade
	l.ok(l.ask(http.MethodPost, workspaceTokensPath, l.token, map[string]any{"workspace_name": "acme", "name": "short", "expires_in": 86400}), &made)
	if r := l.post(made.Token, ping); r.status != http.StatusOK {
		t.Fatal(r)
	}
	mu.Lock()
	ahead = 24*time.Hour + time.Second
	mu.Unlock()
	if r := l.post(made.Token, ping); r.status != http.StatusUnauthorized || !strings.Contains(r.body, "expired") {
		t.Errorf("an expired token: %d %s", r.status, r.body)
	}
}

// TestTokensThatAreUsed: the list shows about when a token was used last, and no token's text.
func TestTokensThatAreUsed(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.create("acme", "support")
	made := l.workspaceToken("acme")
	list := func() workspaceTokenRecord {
		t.Helper()
		r := l.ask(http.MethodGet, workspaceTokensPath+"?workspace_name=acme", l.token, nil)
		if strings.Contains(r.body, made.Token[4:20]) {
			t.Errorf("the list has the token: %s", r.body)
		}
		var all workspaceTokenRecords
		if l.ok(r, &all); len(all.Data) != 1 {
			t.Fatalf("%+v", all)
		}
		return all.Data[0]
	}
	if got := list(); got.LastUsedAt != "" || got.Name != "of acme" || got.ID != made.ID {
		t.Errorf("%+v", got)
	}
	if r := l.post(made.Token, ping); r.status != http.StatusOK {
		t.Fatal(r)
	}
	if err := l.s.known.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := list(); got.LastUsedAt == "" {
		t.Errorf("%+v", got)
	}
}

// TestMCPGuesses: an address asks the database for only so many tokens that nobody has.
//
// threat: S1
func TestMCPGuesses(t *testing.T) {
	t.Parallel()
	now := time.Now()
	l := newLab(t, func(o *Options) { o.Host.Seams.Now = func() time.Time { return now } })
	good := l.workspaceToken("default")
	l.post(good.Token, ping)
	refused := 0
	for i := range peerRate.Burst + 50 {
		if r := l.post(forged(i), ping); r.status == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused == 0 {
		t.Error("an address may guess for ever")
	}
	if r := l.post(good.Token, ping); r.status != http.StatusOK {
		t.Errorf("who has a token is refused: %d %s", r.status, r.body)
	}
}

// forged is a token with a good checksum that nobody has.
func forged(i int) string {
	token, _ := envelope.NewToken(strings.NewReader(fmt.Sprintf("%032d", i)), store.WorkspaceTokenPrefix)
	return string(envelope.Bytes(token))
}

// TestMCPIssuer are access tokens of an issuer: the claim says which workspace, and only one of the
// server's organization.
//
// threat: A8b, C6, D1
func TestMCPIssuer(t *testing.T) {
	t.Parallel()
	issuer := &oauthsim.Issuer{Metadata: "/.well-known/openid-configuration", Keys: "/keys"}
	at := httptest.NewServer(issuer)
	t.Cleanup(at.Close)
	issuer.URL = at.URL
	key, err := oauthsim.NewKey("k1", "ES256")
	if err != nil {
		t.Fatal(err)
	}
	issuer.Publish(key)
	verifier, err := accesstoken.New(accesstoken.Config{Issuer: issuer.URL, Audience: publicURL + mcpPath})
	if err != nil {
		t.Fatal(err)
	}
	l := newLab(t, operations, func(o *Options) {
		o.MCP.Issuer, o.MCP.Verifier, o.MCP.WorkspaceClaim = issuer.URL, verifier, "tenant"
	})
	l.create("acme", "support")
	l.create("other", "else")
	other, err := l.s.store.CreateOrganization(t.Context(), "another")
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := l.s.store.CreateWorkspace(t.Context(), other.ID, "foreign")
	if err != nil {
		t.Fatal(err)
	}
	token := func(audience string, claims map[string]any) string {
		text, err := key.Sign(issuer.Claims(time.Now(), audience, claims), nil)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	of := func(tenant any, scope string) string {
		return token(publicURL+mcpPath, map[string]any{"tenant": tenant, "scope": scope})
	}
	for name, c := range map[string]struct {
		token  string
		status int
		says   string
	}{
		"by name":                 {of("acme", ""), http.StatusOK, "result"},
		"by id":                   {of(l.workspaceID("acme"), "openid"), http.StatusOK, "result"},
		"no claim":                {token(publicURL+mcpPath, nil), http.StatusForbidden, "names no workspace"},
		"an empty claim":          {of("", ""), http.StatusForbidden, "names no workspace"},
		"a claim that is a list":  {of([]string{"acme"}, ""), http.StatusForbidden, "names no workspace"},
		"nobody's":                {of("nobody", ""), http.StatusForbidden, "does not exist"},
		"another organization's":  {of("foreign", ""), http.StatusForbidden, "does not exist"},
		"its id":                  {of(foreign.ID, ""), http.StatusForbidden, "does not exist"},
		"for another server":      {token("https://other.example.com", map[string]any{"tenant": "acme"}), http.StatusUnauthorized, "not for this server"},
		"for the server, not MCP": {token(publicURL, map[string]any{"tenant": "acme"}), http.StatusUnauthorized, "not for this server"},
	} {
		r := l.post(c.token, ping)
		if r.status != c.status || !strings.Contains(r.body, c.says) {
			t.Errorf("%s: %d %s, want %d and %s", name, r.status, r.body, c.status, c.says)
		}
		if r.status >= 400 && !strings.Contains(r.header.Get("WWW-Authenticate"), `resource_metadata="`+publicURL+resourceMetadata+mcpPath+`"`) {
			t.Errorf("%s: WWW-Authenticate is %q", name, r.header.Get("WWW-Authenticate"))
		}
	}
	read, all := tools(t, l.connected(of("acme", "openid read"), nil)), tools(t, l.connected(of("acme", "openid"), nil))
	if len(read) == 0 || len(read) >= len(all) || !strings.HasPrefix(all[0], "support_") {
		t.Errorf("%d tools with the scope read, %d without a scope of ours: %q", len(read), len(all), all)
	}
	// The API is for applications.
	if r := l.ask(http.MethodGet, airbyteapi.WorkspacesPath, of("acme", "manage"), nil); r.status != http.StatusUnauthorized {
		t.Errorf("the API takes an issuer's token: %+v", r)
	}
	for _, path := range []string{resourceMetadata, resourceMetadata + mcpPath} {
		if r := l.ask(http.MethodGet, path, "", nil); r.status != http.StatusOK || !strings.Contains(r.body, `"resource":"`+publicURL+mcpPath+`"`) || !strings.Contains(r.body, issuer.URL) {
			t.Errorf("%s: %+v", path, r)
		}
	}
}
