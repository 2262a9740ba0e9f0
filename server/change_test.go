package server

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/server/internal/api"
)

// What a client changes, and each token that it gets, is in the trail with its application and the
// id of the request.
//
// threat: K8
func TestChangesAreRecorded(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	claims, err := l.s.check(t.Context(), l.token)
	if err != nil {
		t.Fatal(err)
	}
	id := l.create("acme", "Pylon")
	connector, workspaces := at(airbyteapi.ConnectorPath, id), strings.TrimSuffix(airbyteapi.WorkspacePath, "{workspace_id}")
	for _, c := range []struct {
		request func() reply
		want    string // empty for none
	}{
		{func() reply {
			return l.ask(http.MethodPost, airbyteapi.ScopedTokenPath, l.token, map[string]any{"workspace_name": "acme", "scopes": []string{"read"}})
		}, "tokens create read"},
		{func() reply { return l.ask(http.MethodPut, connector, l.token, `{"name": "Other"}`) }, "connections update name"},
		{func() reply {
			return l.ask(http.MethodPut, connector, l.token, map[string]any{"credentials": map[string]string{"api_token": vendorToken}})
		}, "connections update credentials credentials.api_token"},
		{func() reply { return l.ask(http.MethodPut, connector, l.token, `{"name": ""}`) }, ""},
		{func() reply { return l.ask(http.MethodGet, connector, l.token, nil) }, ""},
		{func() reply { return l.ask(http.MethodDelete, connector, l.token, nil) }, "connections delete "},
		{func() reply { return l.ask(http.MethodPatch, workspaces+nobody, l.token, `{"name": "x"}`) }, ""},
	} {
		before := l.records(claims.Organization)
		request := c.request().header.Get(api.RequestIDHeader)
		after := l.records(claims.Organization)
		switch {
		case c.want == "" && len(after) == len(before):
		case c.want == "" || len(after) != len(before)+1:
			t.Errorf("%q: %d records after %d", c.want, len(after), len(before))
		default:
			for key, text := range after {
				if _, old := before[key]; !old && text != "api "+claims.Application+" "+request+" "+c.want {
					t.Errorf("%q: the record is %q", c.want, text)
				}
			}
		}
	}
	if got := len(l.records(claims.Organization)); got != 12 { // those, and what made the first of everything
		t.Errorf("%d records", got)
	}
}

// records returns the records of changes, by their ids.
func (l *lab) records(organization string) map[string]string {
	l.t.Helper()
	all, err := l.s.store.Audit(l.t.Context(), store.Scope{Organization: organization}, store.Page{})
	if err != nil {
		l.t.Fatal(err)
	}
	found := make(map[string]string)
	for _, r := range all {
		var said struct {
			Via, Caller, Request string
			store.Change
		}
		if err := json.Unmarshal(r.Record, &said); err != nil {
			l.t.Fatal(err)
		}
		if strings.Contains(string(r.Record), vendorToken) {
			l.t.Errorf("a credential is in %s", r.Record)
		}
		if r.Event == store.EventChange {
			found[r.ID] = strings.Join([]string{said.Via, said.Caller, said.Request, said.Entity, said.Action, strings.Join(said.Fields, " ")}, " ")
		}
	}
	return found
}
