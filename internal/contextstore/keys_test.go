package contextstore

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// testKeys: records come in the order of their keys, in parts, also while others change.
func testKeys(t *testing.T, s Store, workspace string) {
	ctx := t.Context()
	at := target(workspace)
	keys := func(at Target, after string, since time.Time, limit int) (found []string) {
		t.Helper()
		n := ok(s.Keys(ctx, at, after, since, limit, func(key string, record []byte) error {
			if !strings.Contains(string(record), `"`+key+`"`) {
				t.Errorf("%s has the record %s", key, record)
			}
			found = append(found, key)
			return nil
		}))(t)
		if n != len(found) {
			t.Errorf("%d records, and %d keys", n, len(found))
		}
		return found
	}
	if found := keys(at, "", time.Time{}, 10); len(found) != 0 {
		t.Errorf("nothing has %q", found)
	}
	other := at
	other.Entity = "others"
	var b Batch
	for i := range 100 { // the newest is the first one
		r := simple(fmt.Sprintf("k%02d", i), 100-i)
		r.Updated = clock().Add(-time.Duration(i) * time.Minute)
		b.Put = append(b.Put, r)
	}
	ok(s.Apply(ctx, at, b))(t)
	ok(s.Apply(ctx, other, Batch{Put: []Record{simple("k05x", 1)}}))(t)

	var all []string
	for after := ""; ; {
		found := keys(at, after, time.Time{}, 7)
		if len(found) == 0 {
			break
		}
		all = append(all, found...)
		after = found[len(found)-1]
	}
	if !slices.IsSorted(all) || len(all) != 100 {
		t.Errorf("%q", all)
	}
	if got, want := keys(at, "k02", clock().Add(-4*time.Minute), 10), []string{"k03", "k04"}; !slices.Equal(got, want) {
		t.Errorf("the keys of what was updated since are %q, want %q", got, want)
	}
	stop := errors.New("stop")
	if n, err := s.Keys(ctx, at, "", time.Time{}, 10, func(string, []byte) error { return stop }); !errors.Is(err, stop) || n != 1 {
		t.Errorf("%d, %v", n, err)
	}
	if found := keys(at, "", time.Time{}, 1); len(found) != 1 {
		t.Errorf("after an error: %q", found)
	}
}
