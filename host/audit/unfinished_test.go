package audit

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestUnfinished: calls that began and have no end, in order, however many have one and
// whatever stands between.
func TestUnfinished(t *testing.T) {
	t.Parallel()
	var lines []byte
	at := func(event Event, id int, connection string) {
		r := full()
		r.Event, r.ID, r.Connection, r.Time = event, fmt.Sprint(id), connection, r.Time.Add(time.Duration(id)*time.Second)
		lines = appendLine(lines, r)
	}
	for i := range 1000 {
		at(EventStart, i, "a")
		if i%250 != 7 {
			at(EventCall, i, "a")
		}
	}
	lines = append(lines, "half a li\n"...)
	at(EventStart, 2000, "b")
	at(EventCall, 3000, "b") // which has no start
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	if err := os.WriteFile(path, lines, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		filter Filter
		want   string
	}{
		{Filter{}, "! 7 257 507 757 2000"},
		{Filter{Connection: "b"}, "! 2000"},
		{Filter{Until: full().Time.Add(300 * time.Second)}, "! 7 257"},
		{Filter{Since: full().Time.Add(300 * time.Second)}, "! 507 757 2000"},
	} {
		var got []string
		for r, err := range Unfinished(path, test.filter) {
			if err != nil {
				got = append(got, "!")
				continue
			}
			got = append(got, r.ID)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%+v: %q, want %q", test.filter, got, test.want)
		}
	}
}
