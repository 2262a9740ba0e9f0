package server

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/store"
)

// A master key may come to where the server reads it after another process has rotated with it, as
// where a file is copied to many machines. Until then calls fail, and no connector needs a new login.
func TestAMasterKeyThatComesLater(t *testing.T) {
	t.Parallel()
	newest, old := secret.New([]byte(strings.Repeat("n", 32))), secret.New([]byte(strings.Repeat("o", 32)))
	var came atomic.Bool
	var later atomic.Int64
	folder := t.TempDir()
	l := newLab(t, func(o *Options) {
		o.Data = folder
		o.Host.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
		o.MasterKeys = func(context.Context) ([]secret.Value, error) {
			if came.Load() {
				return []secret.Value{newest, old}, nil
			}
			return []secret.Value{old}, nil
		}
	})
	id := l.create("acme", "Pylon")
	other, err := store.JoinSQLite(t.Context(), folder, store.Options{Masters: store.ReadMasters(folder, func(context.Context) ([]secret.Value, error) {
		return []secret.Value{newest, old}, nil
	})})
	if err != nil {
		t.Fatal(err)
	}
	_, err = other.RotateMaster(t.Context())
	if err := errors.Join(err, other.Close()); err != nil {
		t.Fatal(err)
	}
	run := func() reply { return l.ask(http.MethodPost, at(airbyteapi.ExecutePath, id), l.token, listUsers) }
	state := func() string {
		var one airbyteapi.Record
		l.ok(l.ask(http.MethodGet, at(airbyteapi.ConnectorPath, id), l.token, nil), &one)
		return one.State
	}
	l.fails(run(), http.StatusInternalServerError, "")
	if got := state(); got != string(store.Ready) {
		t.Errorf("the state is %s", got)
	}
	came.Store(true)
	later.Add(int64(time.Minute))
	l.ok(run(), &answered{})
}

// After a rotation of the master key, a start makes a new key for tokens: whoever had the old master
// key and a backup could sign some. Those that clients have stay good.
func TestARotationRenewsTheSigningKey(t *testing.T) {
	t.Parallel()
	newest, old := secret.New([]byte(strings.Repeat("n", 32))), secret.New([]byte(strings.Repeat("o", 32)))
	folder := t.TempDir()
	start := func(t *testing.T, keys ...secret.Value) *lab {
		return newLab(t, func(o *Options) {
			o.Data, o.MasterKeys = folder, func(context.Context) ([]secret.Value, error) { return keys, nil }
		})
	}
	var token string
	var signs []string
	for _, keys := range [][]secret.Value{{old}, {old}, {newest, old}, {newest}} {
		t.Run("start", func(t *testing.T) {
			l := start(t, keys...)
			if l.token != "" {
				token = l.token
			}
			l.ok(l.ask(http.MethodGet, airbyteapi.WorkspacesPath, token, nil), &airbyteapi.WorkspaceRecords{})
			found, err := l.s.store.SigningKeys(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			signs = append(signs, found[0].ID)
		})
	}
	if signs[0] != signs[1] || signs[1] == signs[2] || signs[2] != signs[3] {
		t.Errorf("the keys that sign are %q, want another one after the rotation only", signs)
	}
}
