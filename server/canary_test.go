package server

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/canary"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/hashicorp/go-hclog"
)

// No file of the server and no line of its log has a secret in the clear.
//
// threat: K3
func TestNoFileHasASecret(t *testing.T) {
	t.Parallel()
	const password = "canary-of-a-wrong-client-secret"
	var log canary.Buffer
	folder := t.TempDir()
	watch, visible := canary.NewWatch(vendorToken), canary.New("Visible-connector")
	names := make(map[string]bool)
	look := func() {
		err := filepath.WalkDir(folder, func(path string, file fs.DirEntry, err error) error {
			if err != nil || file.IsDir() || file.Name() == store.MasterFile {
				return err
			}
			text, err := os.ReadFile(path)
			watch.See(t, file.Name(), text)
			if _, found := visible.Find(text); found {
				names[file.Name()] = true
			}
			if errors.Is(err, fs.ErrNotExist) { // what waited for the database is there by now
				return nil
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Run("serving", func(t *testing.T) {
		l := newLoginLab(t, func(o *Options) {
			o.Data = folder
			o.Host.Logger = hclog.New(&hclog.LoggerOptions{Output: &log, Level: hclog.Trace})
			o.Host.Audit = config.Audit{File: filepath.Join(folder, "audit.jsonl")}
		})
		master, err := os.ReadFile(filepath.Join(folder, store.MasterFile))
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{string(master[:43]), l.token[strings.LastIndexByte(l.token, '.')+1:], password} {
			watch.For(secret)
		}
		l.everyLogin(watch)
		l.everyKind(folder, password)
		look()
	})
	look() // at what the end wrote
	watch.See(t, "the log", log.Bytes())
	for _, name := range []string{"agenthost.db", "agenthost.db-wal", "backup.db", "audit.jsonl"} {
		if !names[name] {
			t.Errorf("%s was not read: only %v have the name of the connector", name, names)
		}
	}
}

// everyLogin makes calls with tokens that rotate, that are refused and that are lost.
func (l *loginLab) everyLogin(watch *canary.Watch) {
	l.t.Helper()
	for _, ends := range []bool{false, true} {
		account := l.accounts.Add(fmt.Sprintf("client-%t", ends))
		seed := credentialsOf(account)
		watch.For(seed["client_secret"])
		watch.For(seed["refresh_token"])
		id := l.connect("acme", account.ClientID, seed)
		given := func() {
			watch.For(account.Refresh())
			watch.For(account.Access())
		}
		for range 2 {
			l.ok(l.me(id), &answered{})
			given()
			account.Expire()
		}
		if ends {
			account.Seed()
			account.Expire()
		}
		l.ok(l.ask(http.MethodPut, at(airbyteapi.ConnectorPath, id), l.token, `{"name": "`+account.ClientID+`, renamed"}`), &airbyteapi.Record{})
		if r := l.me(id); (r.status == http.StatusOK) == ends {
			l.t.Errorf("%d %s", r.status, r.body)
		}
		if !ends {
			given()
		}
	}
}

// everyKind makes calls that succeed and that fail, and a backup.
func (l *lab) everyKind(folder, password string) {
	l.t.Helper()
	connector := l.create("acme", "Visible-connector")
	run := at(airbyteapi.ExecutePath, connector)
	write := `{"entity": "tags", "action": "create", "params": {"value": "a", "object_type": "account"}}`
	l.ok(l.ask(http.MethodPost, run, l.token, `{"entity": "users", "action": "list"}`), &answered{})
	l.ok(l.ask(http.MethodPost, run, l.token, write, keyHeader, "once"), &answered{})
	l.vendor.Inject(vendorsim.Fault{Count: -1, Effect: vendorsim.Respond(http.StatusUnprocessableEntity, http.Header{"X-Request-Id": {vendorToken}}, `{"errors":["`+vendorToken+`"]}`)})
	l.fails(l.ask(http.MethodPost, run, l.token, `{"entity": "users", "action": "list"}`), http.StatusUnprocessableEntity, "")
	l.fails(l.ask(http.MethodPost, run, l.token, write, keyHeader, "twice"), http.StatusUnprocessableEntity, "")
	l.fails(l.ask(http.MethodPost, airbyteapi.TokenPath, "", `{"client_id": "x", "client_secret": "`+password+`"}`), http.StatusUnauthorized, "")
	l.fails(l.ask(http.MethodPost, run, l.token+"x", write), http.StatusUnauthorized, "")
	if err := l.s.store.Backup(l.t.Context(), filepath.Join(folder, "backup.db")); err != nil {
		l.t.Fatal(err)
	}
}
