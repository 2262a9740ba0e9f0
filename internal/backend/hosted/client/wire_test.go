package client_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/backend/hosted/client"
	"github.com/google/go-cmp/cmp"
)

const (
	organization = "<organization>"
	connectorID  = "3f1c9a7e-5b2d-4068-9a4e-0d7c1b2a3f4e"
	pylonID      = "f2e53e88-3c6b-4e5a-b7c2-a1d9c5e8f4b6"
	realOrg      = "0b6c1d9e-4c5f-4c55-9d0a-6b1f8f0f6a01"
)

func value(text string) secret.Value { return secret.New([]byte(text)) }

// scribe is a service that answers anything, and writes down what it was sent.
type scribe struct {
	*httptest.Server
	mu  sync.Mutex
	got []string
}

// newScribe answers a token to a request for one, and the answer to all else.
func newScribe(t *testing.T, answer string) *scribe {
	t.Helper()
	s := &scribe{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var b strings.Builder
		fmt.Fprintf(&b, "%s %s\n", r.Method, r.RequestURI)
		for _, name := range []string{"Authorization", "Content-Type", "X-Organization-Id"} {
			for _, v := range r.Header.Values(name) {
				fmt.Fprintf(&b, "%s: %s\n", name, v)
			}
		}
		b.WriteByte('\n')
		if len(body) > 0 {
			fmt.Fprintf(&b, "%s\n", body)
		}
		s.mu.Lock()
		s.got = append(s.got, strings.ReplaceAll(b.String(), realOrg, organization))
		s.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "/token") {
			_, _ = io.WriteString(w, `{"access_token":"<YOUR_BEARER_TOKEN>","token_type":"bearer","expires_in":900,"organization_id":null}`)
			return
		}
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return s
}

// last is the last request, and the one before it the request for a token.
func (s *scribe) last(t *testing.T) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.got) != 2 {
		t.Fatalf("%d requests were sent: %q", len(s.got), s.got)
	}
	return s.got[1]
}

func name(t *testing.T, workspace, customer, external string) airbyteapi.WorkspaceName {
	t.Helper()
	w, err := airbyteapi.NewWorkspaceName(workspace, customer, external)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestDocumentedRequests compares what is sent with what the authentication pages show
// and the vendor's clients were seen to send, byte for byte.
func TestDocumentedRequests(t *testing.T) {
	no := false
	created := `{"id":"` + connectorID + `","name":"n"}`
	executed := `{"status":"success","result":[],"connector_metadata":{},"execution_metadata":{}}`
	for _, test := range []struct {
		file   string
		org    string
		answer string
		do     func(ctx context.Context, c *client.Client) error
	}{
		{"create_pylon", "", created, func(ctx context.Context, c *client.Client) error {
			_, err := c.Create(ctx, client.NewConnector{
				Workspace: name(t, "", "<CUSTOMER_NAME>", ""), Type: "Pylon", DefinitionID: pylonID, Name: "My Pylon Connector",
				Credentials: []client.Credential{{Name: "api_token", Value: value("<Your Pylon API token. Only admin users can create API tokens.>")}},
				Replication: []client.Setting{{Name: "start_date", Value: "2026-01-31T09:30:00Z"}},
			})
			return err
		}},
		{"create_ashby", "", created, func(ctx context.Context, c *client.Client) error {
			_, err := c.Create(ctx, client.NewConnector{
				Workspace: name(t, "", "", "<EXTERNAL_USER_ID>"), Type: "Ashby", Name: "My Ashby Connector",
				Credentials: []client.Credential{{Name: "api_key", Value: value("<Your Ashby API key>")}},
				Replication: []client.Setting{{Name: "start_date", Value: "2026-01-31T00:00:00Z"}},
			})
			return err
		}},
		{"create_incident_io", "", created, func(ctx context.Context, c *client.Client) error {
			_, err := c.Create(ctx, client.NewConnector{
				Workspace: name(t, "", "<CUSTOMER_NAME>", ""), Type: "Incident-Io", Name: "My Incident-Io Connector",
				Credentials: []client.Credential{{Name: "api_key", Value: value("<Your incident.io API key. Create one at https://app.incident.io/settings/api-keys>")}},
			})
			return err
		}},
		{"create_by_definition", realOrg, created, func(ctx context.Context, c *client.Client) error {
			_, err := c.Create(ctx, client.NewConnector{
				Workspace: name(t, "acme", "", ""), DefinitionID: pylonID, Name: "support",
				Credentials: []client.Credential{{Name: "api_token", Value: value("t")}},
			})
			return err
		}},
		{"execute", "", executed, func(ctx context.Context, c *client.Client) error {
			_, err := c.Execute(ctx, connectorID, client.Execution{ExecuteRequest: airbyteapi.ExecuteRequest{Entity: "<entity>", Action: "<action>"}})
			return err
		}},
		{"execute_organization", realOrg, executed, func(ctx context.Context, c *client.Client) error {
			_, err := c.Execute(ctx, connectorID, client.Execution{ExecuteRequest: airbyteapi.ExecuteRequest{Entity: "<entity>", Action: "<action>", Params: []byte("{}")}})
			return err
		}},
		{"execute_everything", "", executed, func(ctx context.Context, c *client.Client) error {
			_, err := c.Execute(ctx, "source_id:"+connectorID, client.Execution{ExecuteRequest: airbyteapi.ExecuteRequest{
				Entity: "accounts", Action: "list", Params: []byte(`{"cursor":"c"}`), SelectFields: []string{"id", "owner.email"}, ExcludeFields: []string{},
				SkipTruncation: &no, Intent: "find <the> account",
			}})
			return err
		}},
		{"list", "", `{"data":[]}`, func(ctx context.Context, c *client.Client) error {
			_, err := c.Connectors(ctx, name(t, "acme & sons", "", ""), pylonID)
			return err
		}},
		{"list_customer_name", "", `{"data":[]}`, func(ctx context.Context, c *client.Client) error {
			_, err := c.Connectors(ctx, name(t, "", "acme", ""), "")
			return err
		}},
		{"list_external_user_id", "", `{"data":[]}`, func(ctx context.Context, c *client.Client) error {
			_, err := c.Connectors(ctx, name(t, "", "", "acme"), "")
			return err
		}},
		{"get", "", created, func(ctx context.Context, c *client.Client) error {
			_, err := c.Connector(ctx, connectorID)
			return err
		}},
		{"delete", "", `{"job_id":"1"}`, func(ctx context.Context, c *client.Client) error {
			_, err := c.Delete(ctx, connectorID)
			return err
		}},
		{"check", "", `{"status":"succeeded"}`, func(ctx context.Context, c *client.Client) error {
			_, _, err := c.Check(ctx, connectorID)
			return err
		}},
		{"inspect", "", `{"context_store_readiness":null}`, func(ctx context.Context, c *client.Client) error {
			return c.Searchable(ctx, client.Target{ID: connectorID}, "accounts", "")
		}},
		{"workspaces", "", `{"data":[],"next":null}`, func(ctx context.Context, c *client.Client) error {
			_, err := c.Workspaces(ctx, "acme")
			return err
		}},
	} {
		t.Run(test.file, func(t *testing.T) {
			s := newScribe(t, test.answer)
			c := open(t, client.Config{
				BaseURL: s.URL, ClientID: value("<your-client-id>"), ClientSecret: value("<your-client-secret>"), OrganizationID: test.org,
			})
			if err := test.do(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(recorded(t, test.file), s.last(t)); diff != "" {
				t.Errorf("the request differs from the recorded one:\n%s", diff)
			}
			token := "token"
			if test.org != "" {
				token = "token_organization"
			}
			if diff := cmp.Diff(recorded(t, token), s.got[0]); diff != "" {
				t.Errorf("the request for a token differs from the recorded one:\n%s", diff)
			}
		})
	}
}

func recorded(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/requests/" + file + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// open makes a client that is closed with the test.
func open(t testing.TB, config client.Config) *client.Client {
	t.Helper()
	c, err := client.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}
