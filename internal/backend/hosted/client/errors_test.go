package client_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/backend/hosted/client"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TestErrors reads errors in every form in which the service was seen to write them.
func TestErrors(t *testing.T) {
	for _, test := range []struct {
		name     string
		status   int
		header   http.Header
		body     string
		kind     abi.Kind
		parts    []string
		field    string
		tokens   int // that were asked for, the first one included
		attempts int
	}{
		{"message alone", 400, nil, `{"message":"no such filter"}`, abi.KindInvalidParams, []string{"no such filter", "Airbyte's connector of Pylon may lack"}, "", 1, 1},
		{"message and errors", 422, nil, `{"message":"invalid","errors":[{"field":"params.limit","message":"is too large","error_code":"range"},{"message":"and more"}]}`,
			abi.KindInvalidParams, []string{"params.limit: is too large; and more", "range"}, "params.limit", 1, 1},
		{"what is for people first", 400, nil, `{"errors":[{"userPresentableMessage":"for you","message":"for us"},{"error":"an error"},"a text"]}`, abi.KindInvalidParams, []string{"for you; an error; a text"}, "", 1, 1},
		{"null message", 400, nil, `{"message":null,"errors":[]}`, abi.KindInvalidParams, []string{"400: Bad Request"}, "", 1, 1},
		{"detail as text", 422, nil, `{"detail":"no"}`, abi.KindInvalidParams, []string{"422: no", "Airbyte's connector of Pylon may lack"}, "", 1, 1},
		{"detail as list", 422, nil, `{"detail":[{"loc":["body","params","ids",0],"msg":"Field required","type":"missing"}]}`, abi.KindInvalidParams, []string{"params.ids.0: Field required"}, "params.ids.0", 1, 1},
		{"detail as object", 422, nil, `{"detail":{"message":"said here"}}`, abi.KindInvalidParams, []string{"said here"}, "", 1, 1},
		{"error alone", 400, nil, `{"error":"bad"}`, abi.KindInvalidParams, []string{"400: bad"}, "", 1, 1},
		{"Airbyte's 401", 401, nil, `{"detail":"Could not validate credentials"}`, abi.KindAuthFailed, []string{"Could not validate", "client_secret", "if they are right, it is Pylon"}, "", 2, 2},
		{"the vendor's 401", 401, nil, `{"message":"bad token","errors":[{"message":"bad token","error_code":"upstream_unauthorized"}]}`, abi.KindAuthFailed, []string{"Pylon answered the Airbyte API: bad token", "hosted create"}, "", 1, 1},
		{"Airbyte's 403", 403, nil, `{"message":"no"}`, abi.KindPermissionDenied, []string{"organization_id"}, "", 1, 1},
		{"the vendor's 403", 403, nil, `{"errors":[{"message":"no","error_code":"UPSTREAM_FORBIDDEN"}]}`, abi.KindPermissionDenied, []string{"Pylon answered", "permission at Pylon"}, "", 1, 1},
		{"404", 404, nil, `{"message":"gone"}`, abi.KindNotFound, []string{"gone"}, "", 1, 1},
		{"409", 409, nil, `{"message":"twice"}`, abi.KindConflict, nil, "", 1, 1},
		{"429 with seconds past the deadline", 429, http.Header{"Retry-After": {"7200"}}, `{"message":"slow"}`, abi.KindRateLimited, []string{"slow"}, "", 1, 1},
		{"500", 500, nil, `{"message":"oops"}`, abi.KindVendorError, []string{"500: oops"}, "", 1, 4},
		{"a page of some proxy", 502, nil, `<html>bad gateway</html>`, abi.KindVendorError, []string{"502: Bad Gateway", "base URL"}, "", 1, 4},
		{"a status in the envelope", 200, nil, `{"status":"failed","message":"it broke","result":null}`, abi.KindVendorError, []string{`"failed": it broke`}, "", 1, 1},
		{"no result", 200, nil, `{"status":"success"}`, abi.KindVendorError, []string{"no \"result\" field"}, "", 1, 1},
		{"no JSON", 200, nil, `hello`, abi.KindVendorError, []string{"not JSON"}, "", 1, 1},
		{"no object", 200, nil, `[]`, abi.KindVendorError, []string{"not a JSON object"}, "", 1, 1},
		{"a redirect", 302, http.Header{"Location": {"https://evil.example/"}}, ``, abi.KindDenied, []string{"redirects"}, "", 1, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLab(t)
			id := l.create(t, "support")
			l.server.Inject(vendorsim.Fault{PathPrefix: "/api/v1/integrations", Count: -1, Effect: vendorsim.Respond(test.status, test.header, test.body)})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, err := l.client.Execute(ctx, id, list)
			e := want(t, err, test.kind, test.parts...)
			if e.Field != test.field || !e.RequestSent || e.Status != test.status && test.status >= 400 {
				t.Errorf("the error is %#v", e)
			}
			if test.status == 429 && (e.RetryAfter() != 2*time.Hour || !e.Retryable) {
				t.Errorf("come back after %s", e.RetryAfter())
			}
			if got := l.count("/execute"); got != test.attempts {
				t.Errorf("sent %d times, want %d", got, test.attempts)
			}
			if got := l.service.TokensIssued(); got != test.tokens {
				t.Errorf("%d tokens, want %d", got, test.tokens)
			}
		})
	}
}

// TestSecretsAreRedacted lets the service echo whatever it is sent.
func TestSecretsAreRedacted(t *testing.T) {
	l := newLab(t)
	echo := vendorsim.Effect(func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = w.Write([]byte(`{"message":"` + clientSecret + ` ` + vendorToken + ` ` + r.Header.Get("Authorization") + `","errors":[{"field":"` + clientSecret + `"}]}`))
	})
	l.server.Inject(vendorsim.Fault{PathPrefix: "/api/v1/integrations", Count: -1, Effect: echo})
	_, err := l.client.Create(t.Context(), pylon("support"))
	e := want(t, err, abi.KindInvalidParams, "[redacted]")
	if strings.Contains(e.Message, sim401Token) {
		t.Errorf("the access token is in %q", e.Message)
	}
}

// sim401Token starts the simulated service's access tokens.
const sim401Token = "eyJsim_"

func TestWrongSecret(t *testing.T) {
	l := newLab(t, func(c *client.Config) { c.ClientSecret = value("canary-wrong-secret") })
	_, err := l.client.Execute(t.Context(), connectorID, list)
	e := want(t, err, abi.KindAuthFailed, "does not know this client id and secret", "client_secret")
	if e.RequestSent {
		t.Error("a request for a token counts as the operation")
	}
	if n := l.count("/execute"); n != 0 {
		t.Errorf("%d executions were sent", n)
	}
}

func TestWrongOrganization(t *testing.T) {
	l := newLab(t, func(c *client.Config) { c.OrganizationID = "00000000-0000-0000-0000-000000000000" })
	_, err := l.client.Create(t.Context(), pylon("support"))
	want(t, err, abi.KindPermissionDenied, "organization")
	if len(l.service.Connectors()) != 0 {
		t.Error("a connector was created")
	}
}

// TestRefusedBeforeAnythingIsSent gives what no request can be made of.
func TestRefusedBeforeAnythingIsSent(t *testing.T) {
	l := newLab(t)
	for name, call := range map[string]func() error{
		"a path as an id": func() error { _, err := l.client.Execute(t.Context(), "../../x?y=1", list); return err },
		"a path as an id to delete": func() error {
			_, err := l.client.Delete(t.Context(), "3f1c9a7e-5b2d-4068-9a4e-0d7c1b2a3f4e/../x")
			return err
		},
		"a long intent": func() error {
			_, err := l.client.Execute(t.Context(), connectorID, client.Execution{ExecuteRequest: airbyteapi.ExecuteRequest{Entity: "a", Action: "list", Intent: strings.Repeat("ä", 513)}})
			return err
		},
		"no workspace": func() error {
			_, err := l.client.Connectors(t.Context(), airbyteapi.WorkspaceName{}, "")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) { want(t, call(), abi.KindInvalidParams) })
	}
	if n := len(l.server.Requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
	for name, config := range map[string]client.Config{
		"no secret":          {ClientID: value("a")},
		"an organization":    {ClientID: value("a"), ClientSecret: value("b"), OrganizationID: "a\r\nX-Evil: 1"},
		"a URL with a user":  {ClientID: value("a"), ClientSecret: value("b"), BaseURL: "https://u:p@api.airbyte.ai"},
		"the metadata's URL": {ClientID: value("a"), ClientSecret: value("b"), BaseURL: "http://169.254.169.254"},
	} {
		if c, err := client.New(config); err == nil && name != "the metadata's URL" {
			c.Close()
			t.Errorf("%s: accepted", name)
		} else if err == nil {
			_, err := c.Workspaces(t.Context(), "")
			want(t, err, abi.KindDenied)
			c.Close()
		}
	}
}

func TestWorkspaceNames(t *testing.T) {
	for _, test := range []struct{ workspace, customer, external, name, key string }{
		{"", "", "", "", ""},
		{"a", "", "", "a", "workspace_name"},
		{"", "a", "", "a", "customer_name"},
		{"", "", "a", "a", "external_user_id"},
		{"", "a", "a", "a", "customer_name"},
		{"a", "a", "a", "a", "workspace_name"},
	} {
		w, err := airbyteapi.NewWorkspaceName(test.workspace, test.customer, test.external)
		if err != nil || w.String() != test.name || w.Key() != test.key || w.IsZero() != (test.name == "") {
			t.Errorf("%+v: %q of %q, %v", test, w.String(), w.Key(), err)
		}
	}
	for _, bad := range [][3]string{{"a", "b", ""}, {"", "a", "b"}, {"a", "a", "b"}, {" a", "", ""}, {"a\nb", "", ""}, {strings.Repeat("a", 256), "", ""}} {
		_, err := airbyteapi.NewWorkspaceName(bad[0], bad[1], bad[2])
		want(t, err, abi.KindInvalidParams)
	}
}

func TestBaseURL(t *testing.T) {
	for _, test := range []struct {
		configured string
		env        map[string]string
		want       string
	}{
		{"", nil, ""},
		{"https://airbyte.example.com/", nil, "https://airbyte.example.com"},
		{"", map[string]string{"SDK_DEV_ADP_API_HOST": "http://127.0.0.1:9/"}, "http://127.0.0.1:9"},
		{"", map[string]string{"AIRBYTE_AGENTS_API_URL": "http://127.0.0.1:9/api/v1"}, "http://127.0.0.1:9"},
		{"", map[string]string{"AIRBYTE_API_HOST": "http://a", "SDK_DEV_ADP_API_HOST": "http://b"}, "http://a"},
		{"http://c", map[string]string{"AIRBYTE_API_HOST": "http://a"}, "http://c"},
		{"", map[string]string{"AIRBYTE_API_HOST": "", "SDK_DEV_ADP_API_HOST": "http://b"}, "http://b"},
		{"https://api.airbyte.ai/", nil, ""},
		{"https://api.airbyte.ai/api/v1", nil, ""},
	} {
		lookup := func(name string) (string, bool) { v, ok := test.env[name]; return v, ok }
		if got := client.BaseURL(test.configured, lookup); got != test.want {
			t.Errorf("%q with %v: %q, want %q", test.configured, test.env, got, test.want)
		}
	}
}
