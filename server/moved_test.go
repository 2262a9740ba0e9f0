package server

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"net/netip"
	"path/filepath"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
)

// A credential that somebody moved in the database, to another workspace, connector or field, is
// sent nowhere.
//
// threat: K2
func TestMovedRows(t *testing.T) {
	t.Parallel()
	vendor, err := vendorsim.Start(t.Context(), pylon.New(pylon.Options{Token: vendorToken, Seed: 7, Scale: pylon.SmallScale()}), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = vendor.Close() })
	for name, statement := range map[string]string{
		"to another connector":               "UPDATE credential SET sealed = (SELECT sealed FROM credential WHERE connection = ?1) WHERE connection = ?2",
		"with its key to another connector":  "UPDATE credential SET (sealed, data_key) = (SELECT sealed, data_key FROM credential WHERE connection = ?1) WHERE connection = ?2",
		"to another field":                   "UPDATE credential SET field = 'other' WHERE connection = ?2 AND ?1 <> ''",
		"the connector to another workspace": "UPDATE connection SET name = 'moved', workspace = (SELECT workspace FROM connection WHERE id = ?1) WHERE id = ?2",
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			there := func(o *Options) {
				o.Data = folder
				o.Connectors = map[string]host.Connection{"pylon": {Server: vendor.URL}}
			}
			var token, from, to string
			run := func(l *lab, id string) reply {
				return l.ask(http.MethodPost, at(airbyteapi.ExecutePath, id), token, listUsers)
			}
			t.Run("before", func(t *testing.T) {
				l := newLab(t, there)
				token, from, to = l.token, l.create("acme", "Pylon"), l.create("umbrella", "Pylon")
				l.ok(run(l, to), &answered{})
			})
			db, err := sql.Open("sqlite3", "file:"+filepath.Join(folder, "agenthost.db"))
			if err != nil {
				t.Fatal(err)
			}
			result, err := db.ExecContext(t.Context(), statement, from, to)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := result.RowsAffected(); n != 1 || err != nil {
				t.Fatalf("%d rows, %v", n, err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			t.Run("after", func(t *testing.T) {
				l := newLab(t, there)
				vendor.Reset()
				l.fails(run(l, to), http.StatusUnauthorized, "no credential that is good")
				if sent := vendor.Requests(); len(sent) > 0 {
					t.Errorf("the vendor got %d requests", len(sent))
				}
				l.ok(run(l, from), &answered{})
			})
		})
	}
}

// Whoever writes the address of a server into the database gets no credential.
//
// threat: K2
func TestAServerInTheDatabase(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	there := func(o *Options) { o.Data, o.Connectors, o.Host.Resolver = folder, nil, noNames{} }
	var token, id string
	t.Run("before", func(t *testing.T) {
		l := newLab(t, there)
		token, id = l.token, l.create("acme", "Pylon")
	})
	thief, err := vendorsim.Start(t.Context(), pylon.New(pylon.Options{Token: vendorToken, Seed: 7, Scale: pylon.SmallScale()}), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = thief.Close() })
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(folder, "agenthost.db"))
	if err == nil {
		_, err = db.ExecContext(t.Context(), "UPDATE connection SET server = ?1", thief.URL)
	}
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	newLab(t, there).ask(http.MethodPost, at(airbyteapi.ExecutePath, id), token, listUsers)
	if n := len(thief.Requests()); n > 0 {
		t.Errorf("the thief got %d requests", n)
	}
}

// noNames knows no name: no test asks a vendor.
type noNames struct{}

// LookupNetIP implements the resolver of a host.
func (noNames) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return nil, errors.New("there are no names")
}

// Whoever removes a field of a credential in the database does not have the others sent as another
// way to authenticate wants it, perhaps elsewhere.
//
// threat: K2
func TestAFieldIsRemoved(t *testing.T) {
	t.Parallel()
	l := newLoginLab(t)
	account := l.accounts.Add("app")
	id := l.connect("acme", "App", map[string]string{"client_id": "app", "client_secret": account.ClientSecret, "app": "yes"})
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(l.folder, "agenthost.db"))
	if err == nil {
		_, err = db.ExecContext(t.Context(), "DELETE FROM credential WHERE field = 'app'")
	}
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	l.fails(l.me(id), http.StatusUnauthorized, "no credential that is good")
	l.needsLogin(id, account)
}
