package server

import (
	"database/sql"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/oauthsim"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TestDeletedLoginsAreRevoked: the vendor does not take the login of a connector or of a workspace that
// is deleted, and the trail says so, also where the vendor goes on taking it.
//
// threat: C7
func TestDeletedLoginsAreRevoked(t *testing.T) {
	t.Parallel()
	l := newLoginLab(t, revoking)
	ended := func(workspace string, want store.JobState) store.Job {
		t.Helper()
		return l.job(store.Scope{Organization: l.first.Organization, Workspace: workspace}, revokeJob, want)
	}
	one, all, deaf := l.accounts.Add("one"), l.accounts.Add("all"), l.accounts.Add("deaf")
	id := l.connect("first", "CRM", credentialsOf(one))
	l.ok(l.me(id), &answered{})
	p := l.workspaceID("first")
	l.ok(l.ask(http.MethodDelete, at(airbyteapi.ConnectorPath, id), l.token, nil), &airbyteapi.DeleteAnswer{})
	if ended(p, store.JobSucceeded); one.Refresh() != "" || one.Access() != "" {
		t.Error("the vendor still takes the login of a deleted connector")
	}
	l.ok(l.me(l.connect("second", "CRM", credentialsOf(all))), &answered{})
	p = l.workspaceID("second")
	if r := l.ask(http.MethodDelete, airbyteapi.WorkspacesPath+"/"+p, l.token, nil); r.status >= 300 {
		t.Fatalf("%+v", r)
	}
	if ended(p, store.JobSucceeded); all.Refresh() != "" {
		t.Error("the vendor still takes the login of a deleted workspace")
	}
	id = l.connect("third", "CRM", credentialsOf(deaf))
	l.ok(l.me(id), &answered{})
	deaf.Deafen()
	l.ok(l.ask(http.MethodDelete, at(airbyteapi.ConnectorPath, id), l.token, nil), &airbyteapi.DeleteAnswer{})
	if j := ended(l.workspaceID("third"), store.JobParked); j.Object != id || j.Error == "" {
		t.Errorf("%+v", j)
	}
	l.fails(l.me(id), http.StatusNotFound, "no such connector")
}

// job waits until a job of a kind is in a state, and returns it.
func (l *lab) job(p store.Scope, kind string, state store.JobState) (j store.Job) {
	l.t.Helper()
	for until := time.Now().Add(patience); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		jobs, err := l.s.store.Jobs(l.t.Context(), p, "", store.Page{})
		if err != nil {
			l.t.Fatal(err)
		}
		for _, j = range jobs {
			if j.Kind == kind && j.State == state {
				return j
			}
		}
	}
	l.t.Fatalf("no job %s is %s: the last one is %+v", kind, state, j)
	return j
}

// revoking has the operator say how logins of the vendor end.
func revoking(o *Options) {
	c := o.Connectors["crm"]
	c.OAuth = &config.OAuth{RevokeURL: c.Server + "/revoke"}
	o.Connectors["crm"] = c
}

// parted is a login that waits to end: its connector was deleted at a server that does no jobs.
type parted struct {
	*loginLab
	account *oauthsim.Server
	scope   store.Scope
	job     store.Job
}

func newParted(t *testing.T) *parted {
	t.Helper()
	l := newLoginLab(t, func(o *Options) {
		revoking(o)
		o.Only = true // as a command is
	})
	account := l.accounts.Add("one")
	id := l.connect("first", "CRM", credentialsOf(account))
	l.ok(l.me(id), &answered{})
	l.ok(l.ask(http.MethodDelete, at(airbyteapi.ConnectorPath, id), l.token, nil), &airbyteapi.DeleteAnswer{})
	p := &parted{loginLab: l, account: account, scope: store.Scope{Organization: l.first.Organization, Workspace: l.workspaceID("first")}}
	if p.job = p.until(store.JobWaiting); p.job.Object != id || account.Refresh() == "" {
		t.Fatalf("%+v, and the vendor has %q", p.job, account.Refresh())
	}
	return p
}

// until waits until the job is in a state, and returns it.
func (p *parted) until(state store.JobState) store.Job {
	p.t.Helper()
	return p.lab.job(p.scope, revokeJob, state)
}

// ends waits until the vendor does not take the login.
func (p *parted) ends() {
	p.t.Helper()
	if p.until(store.JobSucceeded); p.account.Refresh() != "" || p.account.Access() != "" {
		p.t.Error("the vendor still takes the login")
	}
}

// retry has the job tried now.
func (p *parted) retry() {
	p.t.Helper()
	if _, err := p.s.store.RetryJob(p.t.Context(), p.scope, p.job.ID); err != nil {
		p.t.Fatal(err)
	}
}

// TestRevocationAfterARestart: a login ends that no server could end when its connector was deleted. The
// vendor was away, or the server was killed.
//
// threat: C7
func TestRevocationAfterARestart(t *testing.T) {
	t.Parallel()
	l := newParted(t)
	l.restart(t, revoking)
	l.ends()
}

// TestRevocationWithoutItsData: who can write to the database has no login count as ended that was not.
//
// threat: C7
func TestRevocationWithoutItsData(t *testing.T) {
	t.Parallel()
	l := newParted(t)
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(l.folder, "agenthost.db"))
	if err == nil {
		_, err = db.ExecContext(t.Context(), "DELETE FROM job_data")
	}
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	l.restart(t, revoking)
	if j := l.until(store.JobParked); !strings.Contains(j.Error, "not in the database any more") {
		t.Errorf("%+v", j)
	}
}

// TestRevocationElsewhere: the login of a deleted connector is not sent to a server that the operator
// named since.
//
// threat: C7
func TestRevocationElsewhere(t *testing.T) {
	t.Parallel()
	l := newParted(t)
	l.restart(t, func(o *Options) {
		c := o.Connectors["crm"]
		c.Server = "https://elsewhere.example.com"
		o.Connectors["crm"] = c
		revoking(o)
	})
	if j := l.until(store.JobParked); !strings.Contains(j.Error, "another address") {
		t.Errorf("%+v", j)
	}
}

// TestRevocationThatNothingDescribes: the job of a login is not done where nothing says any more how to
// end it, as the operator or the connector changed.
//
// threat: C7
func TestRevocationThatNothingDescribes(t *testing.T) {
	t.Parallel()
	l := newParted(t)
	l.restart(t)
	if j := l.until(store.JobParked); !strings.Contains(j.Error, "how to end the login") || l.account.Refresh() == "" {
		t.Errorf("%+v", j)
	}
	l.restart(t, revoking)
	l.retry()
	l.ends()
}

// TestRevocationWithoutTheConnector: the job of a login waits where its connector is missing, as another
// server may have it.
//
// threat: C7
func TestRevocationWithoutTheConnector(t *testing.T) {
	t.Parallel()
	l := newParted(t)
	l.restart(t, func(o *Options) {
		delete(o.Connectors, "crm")
		if err := os.Remove(filepath.Join(o.Host.Plugins, "crm.wasm")); err != nil {
			t.Fatal(err)
		}
	})
	j := l.job
	l.eventually("the job was tried", func() bool {
		var err error
		if j, err = l.s.store.Job(t.Context(), l.scope, j.ID); err != nil {
			t.Fatal(err)
		}
		return j.Error != ""
	})
	if j.State != store.JobWaiting || !strings.Contains(j.Error, "no connector") {
		t.Errorf("%+v", j)
	}
	l.restart(t, revoking)
	l.retry()
	l.ends()
}

// TestLoginsAreForTheirRevocation: a login does not open for a connector that would send it elsewhere to
// end it.
//
// threat: C7
func TestLoginsAreForTheirRevocation(t *testing.T) {
	t.Parallel()
	origins := func(revoke string) string {
		k := new(kind)
		k.Manifest, k.Auth = new(abi.Manifest), &abi.AuthSchema{Schemes: []abi.AuthScheme{{
			ID: "login", Type: abi.AuthOAuth2, Origins: []string{"https://api.crm.example"},
			OAuth2: &abi.OAuth2{Grant: abi.GrantRefreshToken, TokenURL: "https://login.crm.example/token", RevokeURL: revoke},
		}}}
		all, err := k.origins(nil, "login", new(host.Connection))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(all, " ")
	}
	usual := origins("")
	for revoke, same := range map[string]bool{
		"https://api.crm.example/revoke": true, "https://login.crm.example/revoke": true,
		"https://evil.example/revoke": false, "https://login.crm.example:8443/revoke": false, "https://login.crm.example.evil.example/": false,
	} {
		if is := origins(revoke); (is == usual) != same {
			t.Errorf("with %s it is for %s", revoke, is)
		}
	}
	if origins("https://one.example/revoke") == origins("https://two.example/revoke") {
		t.Error("a login that ends in one place opens for another one")
	}
}
