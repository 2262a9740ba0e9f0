package contextstore

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/vendorsim/airbyte"
)

// vendor lists the records of a shelf.
type vendor shelf

func (v vendor) Run(context.Context, string, map[string]string, string, string, json.RawMessage) (data, meta json.RawMessage, err error) {
	var all []json.RawMessage
	for _, key := range slices.Sorted(maps.Keys(v)) {
		all = append(all, v[key].JSON)
	}
	data, err = json.Marshal(all)
	return data, json.RawMessage(`{}`), err
}

// TestAirbyteAgrees: from eq to array_contains, a search finds what the simulated Airbyte API finds, which has an
// evaluator of its own.
func TestAirbyteAgrees(t *testing.T) {
	t.Parallel()
	src := newSource(9)
	f, at := files(t), target("w1")
	want := fill(t, f, at, src, 200)
	service := airbyte.New(airbyte.Options{ClientID: "id", ClientSecret: "secret", Run: vendor(want), Now: clock, Organizations: []airbyte.Organization{{ID: airbyte.DefaultOrganization, Workspaces: []string{"default"}}}})
	bearer := ""
	send := func(path, body string, into any) {
		t.Helper()
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+bearer)
		w := httptest.NewRecorder()
		service.ServeHTTP(w, r)
		answer := ok(io.ReadAll(w.Body))(t)
		if w.Code != http.StatusOK || json.Unmarshal(answer, into) != nil {
			t.Fatalf("%s: %d %s", body, w.Code, answer)
		}
	}
	var token struct {
		AccessToken string `json:"access_token"`
	}
	send("/api/v1/account/applications/token", `{"client_id":"id","client_secret":"secret"}`, &token)
	bearer = token.AccessToken
	var made struct{ ID string }
	send("/api/v1/integrations/connectors", `{"workspace_name":"default","connector_type":"incident-io","name":"n","credentials":{"api_key":"k"}}`, &made)
	finds := 0
	for range 500 {
		search := text(t, src.search(true))
		var answer struct {
			Result struct{ Data []json.RawMessage }
		}
		send("/api/v1/integrations/connectors/"+made.ID+"/execute", `{"entity":"incidents","action":"context_store_search","params":{"limit":1000,"query":`+search+`}}`, &answer)
		got := all(t, search, 1000, searching(t.Context(), t, f, at))
		if ids(got) != ids(answer.Result.Data) {
			t.Errorf("%s\nfinds  %s\nthere %s", search, ids(got), ids(answer.Result.Data))
		}
		if len(got) > 0 && len(got) < len(want) {
			finds++
		}
	}
	if finds < 250 {
		t.Errorf("only %d searches find something, and not everything", finds)
	}
}
