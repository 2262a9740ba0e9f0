package copies_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/contextstore"
	"github.com/agenthost/agenthost/internal/contextstore/copies"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/ashby"
	"github.com/agenthost/agenthost/internal/vendorsim/incidentio"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

// vendor is a connector with its simulated vendor, and what calls do to the records of one entity.
type vendor struct {
	connector, plugin, credential string
	handler                       http.Handler
	entity                        string
	change, make, remove          func(id string) host.Call // nil if no operation does
	// title is the field that change and make set.
	title string
}

func call(entity, action string, params host.Params) host.Call {
	return host.Call{Entity: entity, Action: action, Params: params}
}

// vendors are small ones.
func vendors() []vendor {
	return []vendor{
		{
			"pylon", "plugins/pylon", "api_token",
			pylon.New(pylon.Options{Token: "token", Seed: 1, Scale: pylon.Scale{Issues: 20, Messages: 60, Accounts: 6, Contacts: 10, Users: 5, Teams: 2, Tags: 3, Tasks: 6, Projects: 3, Articles: 6, AuditLogs: 10}}),
			"issues",
			func(id string) host.Call {
				return call("issues", "update", host.Params{"id": id, "title": "swordfish changed"})
			},
			func(string) host.Call {
				return call("issues", "create", host.Params{"title": "swordfish made", "body_html": "<p>new</p>", "requester_email": "somebody@example.com"})
			},
			func(id string) host.Call { return call("issues", "delete", host.Params{"id": id}) },
			"title",
		},
		{
			"ashby", "plugins/ashby", "api_key",
			ashby.New(ashby.Options{Token: "token", Scale: ashby.Scale{Candidates: 10, Applications: 10, Jobs: 3, Openings: 3, Plans: 2, Interviews: 3, Schedules: 4, Offers: 3, Feedback: 4, Notes: 6, Tags: 3, Projects: 2, Users: 4, Departments: 2, Locations: 2}}),
			"candidates",
			func(id string) host.Call {
				return call("candidates", "update", host.Params{"candidateId": id, "name": "swordfish changed"})
			},
			func(string) host.Call { return call("candidates", "create", host.Params{"name": "swordfish made"}) },
			nil, "name",
		},
		{
			"incident-io", "plugins/incidentio", "api_key",
			incidentio.New(incidentio.Options{Token: "token", Scale: incidentio.SmallScale()}),
			"severities", nil, nil, nil, "name",
		},
	}
}

// TestVendors copies everything of the three connectors, and finds what calls write without a pass.
func TestVendors(t *testing.T) {
	t.Parallel()
	for _, v := range vendors() {
		t.Run(v.connector, func(t *testing.T) {
			t.Parallel()
			h, c := v.open(t)
			done, err := c.Sync(t.Context(), "", "lab", "", copies.SyncOptions{})
			if err != nil {
				t.Fatal(err)
			}
			counts := make(map[string]int)
			for _, s := range done {
				if s.Err != nil || s.More {
					t.Errorf("%s: %+v", s.Entity, s)
				}
				counts[s.Entity] = s.Result.State.Count
			}
			t.Logf("%v", counts)
			if counts[v.entity] == 0 || len(counts) < 20 {
				t.Fatalf("copied %v", counts)
			}
			before := v.records(t, h)
			id := slices.Sorted(maps.Keys(before))[0]
			wrote := func(of host.Call) {
				t.Helper()
				if _, err := h.Execute(t.Context(), "lab", of); err != nil {
					t.Fatal(err)
				}
				if err := c.Settle(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if v.change != nil {
				wrote(v.change(id))
				if now := v.records(t, h); now[id] != "swordfish changed" || len(now) != len(before) {
					t.Errorf("after a change: %q, %d records", now[id], len(now))
				}
			}
			if v.make != nil {
				wrote(v.make(""))
				if now := v.records(t, h); len(now) != len(before)+1 || !slices.Contains(slices.Collect(maps.Values(now)), "swordfish made") {
					t.Errorf("after a new one: %v", now)
				}
			}
			if v.remove != nil {
				wrote(v.remove(id))
				if now := v.records(t, h); now[id] != "" || len(now) != len(before) {
					t.Errorf("after a deletion: %v", now)
				}
			}
			now := v.records(t, h)
			if _, err := c.Sync(t.Context(), "", "lab", v.entity, copies.SyncOptions{Full: true}); err != nil {
				t.Fatal(err)
			}
			if after := v.records(t, h); !maps.Equal(now, after) {
				t.Errorf("before a pass over everything %v\nafter it %v", now, after)
			}
		})
	}
}

func (v *vendor) open(t *testing.T) (*host.Host, *copies.Copies) {
	t.Helper()
	server, err := vendorsim.Start(t.Context(), v.handler, vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	files, err := contextstore.OpenFiles(t.TempDir(), time.Now, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := copies.New(copies.Options{Store: files})
	h, err := host.Open(t.Context(), host.Options{
		Plugins: wasmtest.Folder(t, v.plugin), Cache: wasmtest.Cache(t), Copies: c,
		Connections: host.StaticConnections{"lab": {Connector: v.connector, Server: server.URL, Secrets: map[string]secret.Value{v.credential: secret.New([]byte("token"))}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(h.Close(context.WithoutCancel(t.Context())), c.Close(), files.Close()); err != nil {
			t.Error(err)
		}
		server.Close()
	})
	return h, c
}

// records returns the titles of the copies, by their ids.
func (v *vendor) records(t *testing.T, h *host.Host) map[string]string {
	t.Helper()
	titles := make(map[string]string)
	search := host.Call{Entity: v.entity, Action: "context_store_search", Params: json.RawMessage(fmt.Sprintf(`{"query":{},"limit":7,"fields":["id",%q]}`, v.title))}
	for record, err := range h.Records(t.Context(), "lab", search) {
		if err != nil {
			t.Fatal(err)
		}
		id, _, _ := rawjson.Pointer(record, "/id")
		title, _, _ := rawjson.Pointer(record, "/"+v.title)
		titles[rawjson.Unquote(id)] = strings.TrimSpace(rawjson.Unquote(title))
	}
	return titles
}
