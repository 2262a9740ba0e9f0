package server

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/mcp/accesstoken"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/oauthsim"
)

// TestIssuerOrganization: an issuer's tokens reach the workspaces of one organization. With several,
// the operator names it; one that is made while the server runs changes nothing for that server.
func TestIssuerOrganization(t *testing.T) {
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
	token := func(workspace string) string {
		text, err := key.Sign(issuer.Claims(time.Now(), publicURL+mcpPath, map[string]any{"tenant": workspace}), nil)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}

	var options Options
	folder := t.TempDir()
	with := func(organization string) func(*Options) {
		return func(o *Options) {
			o.Data, o.Organization = folder, organization
			o.MCP.Issuer, o.MCP.Verifier, o.MCP.WorkspaceClaim = issuer.URL, verifier, "tenant"
			options = *o
		}
	}
	l := newLab(t, operations, with(""))
	organization, home := l.first.Organization, l.workspaceID("default")
	var ids []string
	for _, name := range []string{"second", "twin", "twin"} {
		o, err := l.s.store.CreateOrganization(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, o.ID)
	}
	away, err := l.s.store.CreateWorkspace(t.Context(), ids[0], "away")
	if err != nil {
		t.Fatal(err)
	}
	reaches := func(l *lab, what, workspace string, want int) {
		t.Helper()
		if r := l.post(token(workspace), ping); r.status != want {
			t.Errorf("%s: %d %s, want %d", what, r.status, r.body, want)
		}
	}
	reaches(l, "the only one at the start", home, http.StatusOK)
	reaches(l, "one that was made later", away.ID, http.StatusForbidden)
	if err := l.s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}

	for _, c := range []struct {
		named string
		says  []string
	}{
		{"", append([]string{"several organizations", "default (" + organization + ")", "second (" + ids[0] + ")"}, ids...)},
		{"nobody", []string{`no organization "nobody"`, "second (" + ids[0] + ")"}},
		{"twin", []string{`have the name "twin"`, ids[1], ids[2]}},
	} {
		with(c.named)(&options)
		s, err := New(t.Context(), options)
		if err == nil {
			t.Errorf("%q: the server starts", c.named)
			_ = s.Close(t.Context())
			continue
		}
		if f := fault.Of(err); f.Field != "serve.organization" || f.Hint == "" {
			t.Errorf("%q: the field is %q, and the hint %q", c.named, f.Field, f.Hint)
		}
		for _, text := range c.says {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%q: %v does not say %s", c.named, err, text)
			}
		}
	}

	for _, named := range []string{"second", ids[0]} {
		l := newLab(t, operations, with(named))
		reaches(l, named, away.ID, http.StatusOK)
		reaches(l, named, home, http.StatusForbidden)
		if err := l.s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}

	// Without an issuer, nothing is to be decided.
	newLab(t, operations, func(o *Options) { o.Data = folder })
}
