package mcp_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/host/mcp"
	"github.com/agenthost/agenthost/host/mcp/accesstoken"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/oauthsim"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

const resource = "https://mcp.example/agents"

// protected serves as a resource of an issuer, and returns what makes tokens of it.
func protected(t *testing.T, server *mcp.Server, change func(*oauthsim.Issuer)) (url string, token func(claims map[string]any) string) {
	t.Helper()
	issuer := &oauthsim.Issuer{Metadata: "/.well-known/oauth-authorization-server", Keys: "/keys"}
	listening := httptest.NewServer(issuer)
	t.Cleanup(listening.Close)
	issuer.URL = listening.URL
	key, err := oauthsim.NewKey("k1", "EdDSA")
	if err != nil {
		t.Fatal(err)
	}
	issuer.Publish(key)
	if change != nil {
		change(issuer)
	}
	v, err := accesstoken.New(accesstoken.Config{Issuer: issuer.URL, Audience: resource, Scopes: []string{"tools"}})
	if err != nil {
		t.Fatal(err)
	}
	url = serve(t, server, mcp.HTTPOptions{
		Tokens: map[string]secret.Value{"ada": secret.New([]byte(adaToken))},
		Verify: v.Verify, Issuer: issuer.URL, Resource: resource, Scopes: []string{"tools"},
	})
	return url, func(claims map[string]any) string {
		all := map[string]any{"scope": "tools"}
		maps.Copy(all, claims)
		text, err := key.Sign(issuer.Claims(time.Now(), resource, all), nil)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
}

const (
	pointer = `resource_metadata="https://mcp.example/.well-known/oauth-protected-resource/agents", scope="tools"`
	invalid = `Bearer error="invalid_token", error_description="invalid token`
)

// TestAccessTokens: tokens of an issuer open the server as bearer tokens do.
//
// threat: A8b
func TestAccessTokens(t *testing.T) {
	seen := &callers{}
	server, _, _ := open(t, mcp.Options{}, nothing, func(o *host.Options) { o.Sinks = []audit.Sink{seen} })
	var issuer string
	url, token := protected(t, server, func(i *oauthsim.Issuer) { issuer = i.URL })
	for name, c := range map[string]struct {
		authorization string
		status        int
		challenge     string
	}{
		"good":               {"Bearer " + token(nil), 200, ""},
		"any case":           {"bEARER " + token(nil), 200, ""},
		"a configured token": {"Bearer " + adaToken, 200, ""},
		"none":               {"", 401, "Bearer " + pointer},
		"another scheme":     {"DPoP " + token(nil), 401, "Bearer " + pointer},
		"opaque":             {"Bearer x", 401, invalid + `: the token is not a JWT with an RS256, PS256, ES256 or EdDSA signature", ` + pointer},
		"expired":            {"Bearer " + token(map[string]any{"exp": 1}), 401, invalid + `: the token has expired", ` + pointer},
		"for another server": {"Bearer " + token(map[string]any{"aud": "https://mcp.example"}), 401, invalid + `: the token is not for this server", ` + pointer},
		"without the scope":  {"Bearer " + token(map[string]any{"scope": "openid"}), 403, `Bearer error="insufficient_scope", error_description="the token lacks the scope tools", ` + pointer},
	} {
		t.Run(name, func(t *testing.T) {
			resp, body := post(t, url, "", map[string]string{"Authorization": c.authorization}, ping)
			if got := resp.Header.Get("WWW-Authenticate"); resp.StatusCode != c.status || got != c.challenge {
				t.Errorf("%d %s: WWW-Authenticate:\n%s\nwant\n%s", resp.StatusCode, body, got, c.challenge)
			}
		})
	}
	for _, text := range []string{token(nil), token(map[string]any{"sub": "bob"}), adaToken} {
		result, err := connect(t, url, text).CallTool(t.Context(), &sdk.CallToolParams{Name: "notes_notes_list"})
		if err != nil || result.IsError {
			t.Fatalf("%v: %+v", err, result)
		}
	}
	seen.mu.Lock()
	defer seen.mu.Unlock()
	// The ada of the issuer is not the ada of the configured token.
	if want := []string{issuer + "#ada", issuer + "#bob", "ada"}; !slices.Equal(seen.names, want) {
		t.Errorf("the trail names %q, want %q", seen.names, want)
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestTwoTokens: a request with two credentials has none, whichever each reader would take.
func TestTwoTokens(t *testing.T) {
	server, _ := newServer(t, mcp.Options{})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, serve(t, server, mcp.HTTPOptions{Tokens: tokens()}), strings.NewReader(ping))
	if err != nil {
		t.Fatal(err)
	}
	req.Header["Authorization"] = []string{"Bearer " + adaToken, "Bearer " + bobToken}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != 401 {
		t.Errorf("%v: %d", err, resp.StatusCode)
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestIssuerIsAway: what cannot be checked is neither good nor bad.
func TestIssuerIsAway(t *testing.T) {
	server, _ := newServer(t, mcp.Options{})
	url, token := protected(t, server, func(i *oauthsim.Issuer) {
		i.Answer = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(500); return true }
	})
	resp, body := post(t, url, "", map[string]string{"Authorization": "Bearer " + token(nil)}, ping)
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" || resp.Header.Get("WWW-Authenticate") != "" {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestProtectedResource(t *testing.T) {
	server, _ := newServer(t, mcp.Options{})
	verify := func(_ context.Context, token string) (string, error) {
		switch token {
		case "good":
			return "eve", nil
		case "nobody":
			return "", nil
		}
		return "", errors.New("the reason, which is nobody's business")
	}
	url := serve(t, server, mcp.HTTPOptions{Verify: verify, Issuer: "https://issuer.example", Resource: resource, Scopes: []string{"tools"}})
	for token, want := range map[string]int{"good": 200, "nobody": 401, "bad": 401} {
		if resp, body := post(t, url, "", map[string]string{"Authorization": "Bearer " + token}, ping); resp.StatusCode != want || strings.Contains(body, "reason") {
			t.Errorf("%s: %d %s", token, resp.StatusCode, body)
		}
	}
	// A proxy in front of it gives the server the name that clients know.
	resp, body := request(t, http.MethodGet, url+"/.well-known/oauth-protected-resource/agents", "mcp.example", nil, "")
	want := `{"resource":"https://mcp.example/agents","authorization_servers":["https://issuer.example"],"scopes_supported":["tools"],"bearer_methods_supported":["header"],"resource_name":"agenthost"}`
	if resp.StatusCode != 200 || strings.TrimSpace(body) != want {
		t.Errorf("%d %s\nwant %s", resp.StatusCode, body, want)
	}
	if resp, body := post(t, url, "other.example", map[string]string{"Authorization": "Bearer good"}, ping); resp.StatusCode != 403 {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	for _, bad := range []string{"mcp.example", "/agents", "ftp://mcp.example", "https://mcp.example/{x}", "https://mcp.example/a b", "https://mcp.example/?x", "https://mcp.example/a/../b"} {
		if _, err := server.Handler(mcp.HTTPOptions{Verify: verify, Issuer: "https://issuer.example", Resource: bad}); err == nil {
			t.Errorf("%s is a resource", bad)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}
