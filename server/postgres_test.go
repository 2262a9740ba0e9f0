package server

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/store/pgtest"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/pdk/abi"
)

// What one server writes into PostgreSQL, the next one with the same master key serves.
func TestPostgres(t *testing.T) {
	if os.Getenv("AGENTHOST_TEST_POSTGRES") == "" {
		t.Skip("make test-postgres runs it")
	}
	connection := pgtest.Start(t) + " dbname=postgres"
	address := secret.New([]byte(connection))
	old, fresh := secret.New([]byte("canary-of-the-old-master-key-32b")), secret.New([]byte("canary-of-the-new-master-key-32b"))
	vendor, err := vendorsim.Start(t.Context(), pylon.New(pylon.Options{Token: vendorToken, Seed: 7, Scale: pylon.SmallScale()}), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = vendor.Close() })
	on := func(keys ...secret.Value) func(*Options) {
		return func(o *Options) {
			o.Database, o.MasterKeys = address, func(context.Context) ([]secret.Value, error) { return keys, nil }
			o.Connectors = map[string]host.Connection{"pylon": {Server: vendor.URL}}
		}
	}
	var token, execute string
	list := func(l *lab) {
		l.ok(l.ask(http.MethodPost, execute, token, `{"entity": "users", "action": "list"}`), &answered{})
	}
	t.Run("the first start", func(t *testing.T) {
		l := newLab(t, on(old))
		token, execute = l.token, at(airbyteapi.ExecutePath, l.create("acme", "Pylon"))
		list(l)
		l.ok(l.ask(http.MethodPost, execute, token, `{"entity": "tags", "action": "create", "params": {"value": "a", "object_type": "account"}}`), &answered{})
	})
	t.Run("another master key", func(t *testing.T) { list(newLab(t, on(fresh, old))) })
	t.Run("the new one alone", func(t *testing.T) { list(newLab(t, on(fresh))) })
	o := Options{Data: filepath.Join(t.TempDir(), "data"), URL: publicURL}
	on(old)(&o)
	if s, err := New(t.Context(), o); err == nil {
		_ = s.Close(t.Context())
		t.Error("the old master key opens the database")
	} else if e, ok := errors.AsType[*abi.Error](err); !ok || e.Field != "master_key" {
		t.Error(err)
	}
}
