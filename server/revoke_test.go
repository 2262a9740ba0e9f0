package server

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/store"
)

// TestDeletedLoginsAreRevoked: the vendor does not take the login of a connector or of a workspace that
// is deleted, and the trail says so, also where the vendor goes on taking it.
//
// threat: C7
func TestDeletedLoginsAreRevoked(t *testing.T) {
	t.Parallel()
	l := newLoginLab(t, func(o *Options) {
		c := o.Connectors["crm"]
		c.OAuth = &config.OAuth{RevokeURL: c.Server + "/revoke"}
		o.Connectors["crm"] = c
	})
	ended := func(workspace, want string) {
		t.Helper()
		for range 300 {
			records, err := l.s.store.Audit(t.Context(), store.Scope{Organization: l.first.Organization, Workspace: workspace}, store.Page{})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range records {
				if strings.Contains(string(r.Record), `"action":"revoke"`) {
					if !strings.Contains(string(r.Record), `"state":"`+want+`"`) {
						t.Errorf("%s, want %s", r.Record, want)
					}
					return
				}
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Fatal("nothing says how the login ended")
	}
	one, all, deaf := l.accounts.Add("one"), l.accounts.Add("all"), l.accounts.Add("deaf")
	id := l.connect("first", "CRM", credentialsOf(one))
	l.ok(l.me(id), &answered{})
	p := l.workspaceID("first")
	l.ok(l.ask(http.MethodDelete, at(airbyteapi.ConnectorPath, id), l.token, nil), &airbyteapi.DeleteAnswer{})
	if ended(p, "succeeded"); one.Refresh() != "" || one.Access() != "" {
		t.Error("the vendor still takes the login of a deleted connector")
	}
	l.ok(l.me(l.connect("second", "CRM", credentialsOf(all))), &answered{})
	p = l.workspaceID("second")
	if r := l.ask(http.MethodDelete, airbyteapi.WorkspacesPath+"/"+p, l.token, nil); r.status >= 300 {
		t.Fatalf("%+v", r)
	}
	if ended(p, "succeeded"); all.Refresh() != "" {
		t.Error("the vendor still takes the login of a deleted workspace")
	}
	id = l.connect("third", "CRM", credentialsOf(deaf))
	l.ok(l.me(id), &answered{})
	deaf.Deafen()
	l.ok(l.ask(http.MethodDelete, at(airbyteapi.ConnectorPath, id), l.token, nil), &airbyteapi.DeleteAnswer{})
	ended(l.workspaceID("third"), "failed")
	l.fails(l.me(id), http.StatusNotFound, "no such connector")
}

// TestRevocationOfAKilledServer: the job is there before the connector is deleted. A server that starts
// ends the jobs that another one left.
//
// threat: C7
func TestRevocationOfAKilledServer(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var statements []string
	revoking := func(o *Options) {
		c := o.Connectors["crm"]
		c.OAuth = &config.OAuth{RevokeURL: c.Server + "/revoke"}
		o.Connectors["crm"] = c
		o.onQuery = func(name string) {
			mu.Lock()
			defer mu.Unlock()
			statements = append(statements, name)
		}
	}
	l := newLoginLab(t, revoking)
	id := l.connect("first", "CRM", credentialsOf(l.accounts.Add("one")))
	l.ok(l.me(id), &answered{})
	l.ok(l.ask(http.MethodDelete, at(airbyteapi.ConnectorPath, id), l.token, nil), &airbyteapi.DeleteAnswer{})
	mu.Lock()
	if job, deletion := slices.Index(statements, "job.create"), slices.Index(statements, "connection.delete"); job < 0 || deletion < job {
		t.Errorf("the job is made at %d, and the connector is deleted at %d: %q", job, deletion, statements)
	}
	mu.Unlock()
	scope := store.Scope{Organization: l.first.Organization, Workspace: l.workspaceID("first")}
	j, err := l.s.store.CreateJob(t.Context(), scope, revokeJob) // as one that a kill left
	if err != nil {
		t.Fatal(err)
	}
	l.restart(t, revoking)
	if j, err = l.s.store.Job(t.Context(), scope, j.ID); err != nil || j.State != store.JobFailed || !strings.Contains(j.Error, "the server ended before") {
		t.Errorf("%+v, %v", j, err)
	}
}
