package main

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestAims(t *testing.T) {
	t.Parallel()
	ratio := func(worse direction, value float64, g *goal) row {
		return row{Base: "plain Go", Worse: worse, Ratio: value, Seen: 1000, Unit: "ms", Goal: g}
	}
	for _, c := range []struct {
		row           row
		text, reached string
	}{
		{ratio(higher, 1.3, nil), "", ""},
		{ratio(higher, 1.3, ratioGoal(1.25)), "<= 1.25", "no"},
		{ratio(higher, 1.25, ratioGoal(1.25)), "<= 1.25", "yes"},
		{ratio(lower, 0.4, ratioGoal(0.55)), ">= 0.55", "no"},
		{ratio(lower, 0.6, ratioGoal(0.55)), ">= 0.55", "yes"},
		{ratio(higher, 1.3, seenGoal(50)), "<= 50 ms", "no"},
		{ratio(higher, 1.3, seenGoal(5000)), "<= 5000 ms", "yes"},
		{row{Worse: higher, Unit: "KB", Goal: ratioGoal(10)}.with([]float64{11, 12, 13}), "<= 10 KB", "no"},
		{row{Worse: higher, Unit: "goroutines", Goal: ratioGoal(0)}.with([]float64{0}), "<= 0 goroutines", "yes"},
	} {
		if text, reached := c.row.aims(); text != c.text || reached != c.reached {
			t.Errorf("%+v: %q %q, want %q %q", c.row, text, reached, c.text, c.reached)
		}
	}
}

func TestAdd(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	b := &bench{out: &printer{out: &out}, wanted: func(_, row string) bool { return row != "unwanted" }}
	b.add(row{Name: "a"}.with([]float64{1, 2}))
	b.add(row{Name: "unwanted"}.with([]float64{1}))
	b.add(row{Name: "unknown"}.with([]float64{math.NaN()}))
	b.add(row{Name: "a"}.with([]float64{9})) // in another pass
	if len(b.rows) != 1 || !slices.Equal(b.rows[0].Runs, []float64{1, 2, 9}) || b.rows[0].Ratio != 2 || !strings.Contains(out.String(), "unknown: ") {
		t.Errorf("%+v", b.rows)
	}
}

func TestOnly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		only, subject, row string
		want               bool
	}{
		{"", "calls", "get, 1 KB, 1 caller", true},
		{"calls", "calls", "get, 1 KB, 1 caller", true},
		{"calls", "hostile", "benign calls beside 16 endless guests", false},
		{"get, 1 KB", "calls", "get, 1 KB, 1 caller", true},
		{"get, 1 KB", "hosted", "hosted get, 1 KB", true},
		{"get, 1 KB", "calls", "list, 100 records, 98 KB, 1 caller", false},
	} {
		if got := (options{only: c.only}).wants(c.subject, c.row); got != c.want {
			t.Errorf("-only %q wants %q of %s: %v", c.only, c.row, c.subject, got)
		}
	}
}

func TestTables(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		markdown bool
		want     string
	}{
		{false, "a  b\n1  2\n\nc\n33\n"},
		{true, "| a | b |\n| --- | --- |\n| 1 | 2 |\n\n| c |\n| --- |\n| 33 |\n"},
	} {
		var out strings.Builder
		p := &printer{out: &out, markdown: c.markdown}
		for _, lines := range [][][]string{{{"a", "b"}, {"1", "2"}}, {{"empty"}}, {{"c"}, {"33"}}} {
			t1 := p.table(lines[0]...)
			for _, l := range lines[1:] {
				t1.line(l...)
			}
			if err := t1.end(); err != nil {
				t.Fatal(err)
			}
		}
		if out.String() != c.want {
			t.Errorf("printed %q, want %q", out.String(), c.want)
		}
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{0: "0", 1.2345: "1.23", 0.012345: "0.0123", 123.4: "123", 54321: "54321", -1234: "-1234"} {
		if got := number(v); got != want {
			t.Errorf("number(%v) is %s, want %s", v, got, want)
		}
	}
}
