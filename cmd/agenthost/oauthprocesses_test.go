package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/oauthsim"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

// oauthLab is a vendor with OAuth 2.0, and a folder to run commands in.
type oauthLab struct {
	*oauthsim.Server
	dir   string
	env   []string
	given chan struct{} // something is in it when a token was given out
}

func newOAuthLab(t *testing.T, grace bool) *oauthLab {
	t.Helper()
	l := &oauthLab{dir: t.TempDir(), given: make(chan struct{}, 1)}
	vendor := &oauthsim.Accounts{Lifetime: time.Hour, Given: func() {
		select {
		case l.given <- struct{}{}:
		default:
		}
	}}
	l.Server = vendor.Add("crm")
	l.Grace = grace
	server, err := vendorsim.Start(t.Context(), vendor, vendorsim.Options{LogSize: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	plugins := wasmtest.Folder(t, "cmd/agenthost/testdata/oauthcrm")
	config := fmt.Sprintf(`plugins: %[1]s
connections:
  crm: {connector: oauthcrm, server: %[2]s, credentials: {client_id: env:CRM_ID, client_secret: env:CRM_SECRET, refresh_token: env:CRM_SEED}}
  app: {connector: oauthcrm, server: %[2]s, credentials: {client_id: env:CRM_ID, client_secret: env:CRM_SECRET, app: env:CRM_ID}}
`, plugins, server.URL)
	if err := os.WriteFile(filepath.Join(l.dir, "agenthost.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	l.env = append(os.Environ(), "CRM_ID=crm", "CRM_SECRET="+l.ClientSecret, "CRM_SEED="+l.Seed(),
		"HOME="+l.dir, "XDG_CONFIG_HOME="+filepath.Join(l.dir, "config"), "XDG_CACHE_HOME="+wasmtest.Home(t), firstPartyVariable+"="+asFirstParty(t, plugins))
	return l
}

// start starts a call in a process of its own.
func (l *oauthLab) start(t *testing.T, connection string) (*exec.Cmd, *strings.Builder) {
	t.Helper()
	said := &strings.Builder{}
	cmd := exec.CommandContext(t.Context(), plainCommand(t), "exec", connection, "me", "get")
	cmd.Dir, cmd.Env, cmd.Stderr = l.dir, l.env, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, said
}

// all runs calls at a time, which all have to succeed.
func (l *oauthLab) all(t *testing.T, connection string, calls int) {
	t.Helper()
	var group sync.WaitGroup
	for range calls {
		cmd, said := l.start(t, connection)
		group.Go(func() {
			if err := cmd.Wait(); err != nil {
				t.Errorf("%v: %s", err, said)
			}
		})
	}
	group.Wait()
}

// TestLoginsOfKilledProcesses kills processes between the answer of a refresh and the moment
// in which the new tokens are on the disk, or a little earlier or later. The login is not
// lost, with a vendor that accepts the last refresh token but one, as RFC 9700 advises; and
// processes that are not killed refresh once for all of them.
//
// threat: C4
func TestLoginsOfKilledProcesses(t *testing.T) {
	random := seeded(t)
	l := newOAuthLab(t, true)
	l.all(t, "crm", 1)
	rounds := max(3, *kills/5)
	for range rounds {
		l.Expire()
		before := l.Refreshes()
		l.all(t, "crm", 3)
		if n := l.Refreshes() - before; n != 1 {
			t.Errorf("%d refreshes for three processes", n)
		}
		l.Expire()
		killAmid(t, l, random)
		l.all(t, "crm", 1)
	}
	l.Expire()
	l.all(t, "crm", 2)
	for _, grant := range l.Grants() {
		if grant != "refresh_token" {
			t.Errorf("the grant %s was used", grant)
		}
	}
	t.Logf("%d rounds, %d refreshes", rounds, l.Refreshes())
}

// killAmid starts processes that want a new token and kills them all soon after one got it.
func killAmid(t *testing.T, l *oauthLab, random *rand.Rand) {
	t.Helper()
	select {
	case <-l.given:
	default:
	}
	var started []*exec.Cmd
	for range 3 {
		cmd, _ := l.start(t, "crm")
		started = append(started, cmd)
	}
	select {
	case <-l.given:
	case <-time.After(30 * time.Second):
		t.Error("nobody asked for a token")
	}
	time.Sleep(time.Duration(random.IntN(3000)) * time.Microsecond)
	for _, cmd := range started {
		_ = cmd.Process.Kill()
	}
	for _, cmd := range started {
		_ = cmd.Wait()
	}
}

// TestClientCredentialsOfManyProcesses: as many processes as may be use one token.
func TestClientCredentialsOfManyProcesses(t *testing.T) {
	l := newOAuthLab(t, false)
	l.all(t, "app", 12)
	l.all(t, "app", 12)
	if n := len(l.Grants()); n != 1 {
		t.Errorf("%d tokens for 24 calls", n)
	}
	l.Expire()
	l.all(t, "app", 3)
	if n := len(l.Grants()); n != 2 {
		t.Errorf("%d tokens after the vendor forgot the first one", n)
	}
}
