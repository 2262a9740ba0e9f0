// Package syncertest copies what a simulated vendor has, through failures and in pieces, and compares the
// copies with those of a pass over everything that nothing disturbed.
package syncertest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/connector/synctest"
	"github.com/agenthost/agenthost/internal/contextstore"
	"github.com/agenthost/agenthost/internal/contextstore/query"
	"github.com/agenthost/agenthost/internal/contextstore/syncer"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Lab copies the records of a vendor into two folders: one through failures, the other undisturbed.
type Lab struct {
	t         testing.TB
	connector *connector.Connector
	execute   synctest.Execute
	now       func() time.Time
	random    *rand.Rand
	folder    string
	ids       int
	failures  int
}

// New returns a lab. Failures come by the seed.
func New(t testing.TB, c *connector.Connector, now func() time.Time, seed uint64, execute synctest.Execute) *Lab {
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 3)) //nolint:gosec // failures come again with the seed
	return &Lab{t: t, connector: c, execute: execute, now: now, random: random, folder: t.TempDir()}
}

func (l *Lab) syncer(store contextstore.Store, failing bool) *syncer.Syncer {
	return &syncer.Syncer{
		Store: store, Workspace: "workspace", Connection: "connection", Now: l.now,
		NewID: func() (string, error) { l.ids++; return fmt.Sprint("pass ", l.ids), nil },
		Call: func(_ context.Context, op *connector.Operation, params json.RawMessage) (data, meta json.RawMessage, err error) {
			if failing && l.random.IntN(20) == 0 {
				l.failures++
				return nil, nil, &abi.Error{Kind: abi.KindRateLimited, Message: "too many requests", Retryable: true}
			}
			var given map[string]json.RawMessage
			if err := json.Unmarshal(params, &given); err != nil {
				return nil, nil, err
			}
			data, meta, err = l.execute(op.Entity, op.Action, given)
			if failing && l.random.IntN(20) == 0 { // the answer is lost
				l.failures++
				return nil, nil, &abi.Error{Kind: abi.KindNetwork, Message: "the connection broke", Retryable: true}
			}
			return data, meta, err
		},
	}
}

// open opens copies in a folder.
func (l *Lab) open(folder string) *contextstore.Files {
	l.t.Helper()
	files, err := contextstore.OpenFiles(folder, l.now, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	return files
}

// Pass copies all entities, through failures: after each, another process goes on.
func (l *Lab) Pass(full bool) {
	l.t.Helper()
	for _, of := range l.order() {
		for tries := 0; ; tries++ {
			files := l.open(l.folder)
			_, err := l.syncer(files, true).Sync(l.t.Context(), of, full)
			if closing := files.Close(); closing != nil {
				l.t.Fatal(closing)
			}
			if err == nil {
				break
			}
			if tries == 10_000 {
				l.t.Fatalf("%s does not end: %v", of.Entity, err)
			}
		}
	}
}

// order is the entities, those that others are lists of before them.
func (l *Lab) order() []*connector.Sync {
	var all []*connector.Sync
	var add func(of *connector.Sync)
	add = func(of *connector.Sync) {
		if of.Each != nil && of.Each.Of != nil {
			add(of.Each.Of)
		}
		if !slices.Contains(all, of) {
			all = append(all, of)
		}
	}
	for _, of := range l.connector.Syncs() {
		add(of)
	}
	return all
}

// Equal compares the copies with those of an undisturbed pass over everything, and returns how many
// there are of each entity. Entities that a pass over changes cannot follow are not compared unless
// everything is.
func (l *Lab) Equal(everything bool) map[string]int {
	l.t.Helper()
	undisturbed := l.open(l.t.TempDir())
	disturbed := l.open(l.folder)
	defer func() { _, _ = undisturbed.Close(), disturbed.Close() }()
	counts := make(map[string]int)
	for _, of := range l.order() {
		s := l.syncer(undisturbed, false)
		if _, err := s.Sync(l.t.Context(), of, true); err != nil {
			l.t.Fatalf("%s: %v", of.Entity, err)
		}
		if !everything && !of.Incremental() {
			continue
		}
		want, got := l.all(undisturbed, s.Target(of)), l.all(disturbed, s.Target(of))
		for _, record := range slices.Sorted(maps.Keys(want)) {
			if got[record] != want[record] {
				l.t.Errorf("%s: %d copies of %.200s, want %d", of.Entity, got[record], record, want[record])
			}
		}
		for _, record := range slices.Sorted(maps.Keys(got)) {
			if want[record] == 0 {
				l.t.Errorf("%s: the vendor has no %.200s", of.Entity, record)
			}
		}
		for _, n := range got {
			counts[of.Entity] += n
		}
	}
	l.t.Logf("%d failures", l.failures)
	return counts
}

// all returns the copies of an entity.
func (l *Lab) all(store contextstore.Store, t contextstore.Target) map[string]int {
	l.t.Helper()
	found := make(map[string]int)
	for cursor := ""; ; {
		search := map[string]any{"query": map[string]any{}, "limit": query.MostRecords}
		if cursor != "" {
			search["cursor"] = cursor
		}
		params, err := json.Marshal(search)
		if err != nil {
			l.t.Fatal(err)
		}
		q, err := query.Parse(params, t.Fields)
		if err != nil {
			l.t.Fatal(err)
		}
		answer, err := store.Search(l.t.Context(), t, q)
		if err != nil {
			l.t.Fatal(err)
		}
		for _, record := range answer.Records {
			found[string(record)]++
		}
		if cursor = answer.Cursor; cursor == "" {
			return found
		}
	}
}

// Do runs an operation of the vendor, undisturbed, and returns its data.
func (l *Lab) Do(entity, action string, params any) json.RawMessage {
	l.t.Helper()
	data, _, err := l.execute(entity, action, params)
	if err != nil {
		l.t.Fatalf("%s.%s: %v", entity, action, err)
	}
	return data
}

// Key returns the key of the first record that an operation lists.
func (l *Lab) Key(entity, action string, params any) json.RawMessage {
	l.t.Helper()
	var records []json.RawMessage
	if err := json.Unmarshal(l.Do(entity, action, params), &records); err != nil || len(records) == 0 {
		l.t.Fatalf("%s.%s has no record: %v", entity, action, err)
	}
	key, ok := l.connector.Sync(entity).KeyOf(records[0])
	if !ok {
		l.t.Fatalf("%s: no key in %.200s", entity, records[0])
	}
	return key
}
