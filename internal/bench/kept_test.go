package main

import (
	"slices"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		kept   keptRow
		seen   row
		fails  string // part of the reason, empty if it passes
		silent bool   // there is nothing to say either
	}{
		{name: "the same", kept: keptRow{"a", higher, 1.4, 0.1}, seen: row{Ratio: 1.4, Worse: higher}, silent: true},
		{name: "worse by more than both spreads", kept: keptRow{"a", higher, 1.4, 0.1}, seen: row{Ratio: 1.6, Spread: 0.15, Worse: higher}, fails: "kept 1.4 (spread 0.1), seen 1.6 (spread 0.15): worse by 0.2, more than 0.15"},
		{name: "worse within the kept spread", kept: keptRow{"a", higher, 1.4, 0.3}, seen: row{Ratio: 1.6, Spread: 0.01, Worse: higher}, silent: true},
		{name: "worse within the seen spread", kept: keptRow{"a", higher, 1.4, 0.01}, seen: row{Ratio: 1.6, Spread: 0.3, Worse: higher}, silent: true},
		{name: "worse by less than counts", kept: keptRow{"a", higher, 1.4, 0}, seen: row{Ratio: 1.44, Worse: higher}, silent: true},
		{name: "worse by a little more than counts", kept: keptRow{"a", higher, 1.4, 0}, seen: row{Ratio: 1.45, Worse: higher}, fails: "worse by"},
		{name: "worse within what the row says is least", kept: keptRow{"a", higher, 0, 0}, seen: row{Ratio: 0.4, Worse: higher, least: 0.5}, silent: true},
		{name: "worse than zero", kept: keptRow{"a", higher, 0, 0}, seen: row{Ratio: 1, Worse: higher, least: 0.05}, fails: "worse by 1,"},
		{name: "better by far", kept: keptRow{"a", higher, 1.4, 0.1}, seen: row{Ratio: 0.2, Worse: higher}, silent: true},
		{name: "a rate that fell", kept: keptRow{"a", lower, 0.5, 0.02}, seen: row{Ratio: 0.4, Spread: 0.03, Worse: lower}, fails: "worse by 0.1"},
		{name: "a rate that fell within the spread", kept: keptRow{"a", lower, 0.5, 0.12}, seen: row{Ratio: 0.4, Spread: 0.03, Worse: lower}, silent: true},
		{name: "a rate that rose", kept: keptRow{"a", lower, 0.5, 0.02}, seen: row{Ratio: 0.9, Worse: lower}, silent: true},
		{name: "another direction", kept: keptRow{"a", lower, 0.5, 0.02}, seen: row{Ratio: 0.5, Worse: higher}, fails: "worse direction"},
		{name: "never kept", kept: keptRow{"b", higher, 1, 1}, seen: row{Ratio: 9, Worse: higher}},
	} {
		c.seen.Name = "a"
		k := &kept{Rows: []keptRow{c.kept}}
		found := k.check([]row{c.seen}, func(string) bool { return false })
		failed := len(found) == 1 && found[0].worse
		switch {
		case c.silent && len(found) > 0, !c.silent && len(found) != 1, failed != (c.fails != ""):
			t.Errorf("%s: found %+v", c.name, found)
		case failed && !strings.Contains(found[0].reason, c.fails):
			t.Errorf("%s: the reason is %q, want %q in it", c.name, found[0].reason, c.fails)
		}
	}
}

func TestCheckMissesRows(t *testing.T) {
	t.Parallel()
	k := &kept{Rows: []keptRow{{"a", higher, 1, 0}, {"b", higher, 1, 0}}}
	seen := []row{{Name: "a", Worse: higher, Ratio: 1}}
	if found := k.check(seen, func(string) bool { return true }); len(found) != 1 || found[0].name != "b" || !found[0].worse {
		t.Errorf("a kept row was not measured, and check found %+v", found)
	}
	if found := k.check(seen, func(string) bool { return false }); len(found) != 0 {
		t.Errorf("nobody wanted row b, and check found %+v", found)
	}
}

func TestKeep(t *testing.T) {
	t.Parallel()
	k := &kept{Rows: []keptRow{{"a", higher, 1, 0.1}, {"b", lower, 2, 0.2}}}
	k.keep([]row{{Name: "b", Worse: higher, Ratio: 1.23456, Spread: 0.00123456}, {Name: "c", Worse: lower}})
	want := []keptRow{{"a", higher, 1, 0.1}, {"b", higher, 1.235, 0.001235}, {"c", lower, 0, 0}}
	if !slices.Equal(k.Rows, want) {
		t.Errorf("kept %v, want %v", k.Rows, want)
	}
	text, err := k.text()
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(text), "\n"); lines != 5+len(want) {
		t.Errorf("%d lines, want one for each row:\n%s", lines, text)
	}
	again, err := parseKept(text)
	if err != nil || again.Machine != k.Machine || !slices.Equal(again.Rows, k.Rows) {
		t.Errorf("read %+v, %v; written was %+v", again, err, k)
	}
}

func TestParseKept(t *testing.T) {
	t.Parallel()
	const good = `{"name":"a","worse":"higher","ratio":1,"spread":0}`
	for _, c := range []struct{ name, text, fails string }{
		{"good", `{"machine":"m","rows":[` + good + `]}`, ""},
		{"no JSON", `rows`, "invalid character"},
		{"cut off", `{"rows":[` + good, "EOF"},
		{"more after it", `{"rows":[` + good + `]}{}`, "more after the end"},
		{"an unknown key", `{"rows":[` + good + `],"note":""}`, `unknown field "note"`},
		{"an unknown key of a row", `{"rows":[{"name":"a","worse":"higher","ratio":1,"spread":0,"goal":1}]}`, `unknown field "goal"`},
		{"no rows", `{"machine":"m","rows":[]}`, "no rows"},
		{"no name", `{"rows":[{"worse":"higher","ratio":1,"spread":0}]}`, "row 1 (\"\") has no name"},
		{"a name twice", `{"rows":[` + good + `,` + good + `]}`, `row 2 ("a") comes twice`},
		{"no direction", `{"rows":[{"name":"a","ratio":1,"spread":0}]}`, `worse is ""`},
		{"a wrong direction", `{"rows":[{"name":"a","worse":"up","ratio":1,"spread":0}]}`, `worse is "up"`},
		{"no ratio", `{"rows":[{"name":"a","worse":"lower","spread":0}]}`, "ratio must be"},
		{"a ratio below 0", `{"rows":[{"name":"a","worse":"lower","ratio":-1,"spread":0}]}`, "ratio must be"},
		{"no spread", `{"rows":[{"name":"a","worse":"lower","ratio":1}]}`, "spread must be"},
		{"a spread below 0", `{"rows":[{"name":"a","worse":"lower","ratio":1,"spread":-0.1}]}`, "spread must be"},
		{"text for a number", `{"rows":[{"name":"a","worse":"lower","ratio":"1","spread":0}]}`, "cannot unmarshal string"},
	} {
		_, err := parseKept([]byte(c.text))
		switch {
		case err == nil && c.fails != "":
			t.Errorf("%s: was read", c.name)
		case err != nil && (c.fails == "" || !strings.Contains(err.Error(), c.fails)):
			t.Errorf("%s: %v, want %q in it", c.name, err, c.fails)
		}
	}
}

// The file that make bench-check reads is one that it can read.
func TestKeptFile(t *testing.T) {
	t.Parallel()
	if _, err := readKept("ratios.json"); err != nil {
		t.Error(err)
	}
}

func FuzzParseKept(f *testing.F) {
	f.Add([]byte(`{"machine":"m","rows":[{"name":"a","worse":"higher","ratio":1.5,"spread":0.1}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		k, err := parseKept(text)
		if err != nil {
			return
		}
		again, err := k.text()
		if err != nil {
			t.Fatal(err)
		}
		if read, err := parseKept(again); err != nil || !slices.Equal(read.Rows, k.Rows) {
			t.Errorf("written and read again: %v, %v, was %v", read, err, k)
		}
	})
}
