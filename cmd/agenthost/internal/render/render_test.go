package render_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

// list writes records in a format.
func list(t *testing.T, o render.Options, meta string, records ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := render.New(&b, o)
	for _, record := range records {
		if err := w.Record(json.RawMessage(record)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.End(json.RawMessage(meta)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func single(t *testing.T, o render.Options, data, meta string) string {
	t.Helper()
	var b bytes.Buffer
	if err := render.New(&b, o).Single(json.RawMessage(data), json.RawMessage(meta)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestJSON(t *testing.T) {
	pipe := render.Options{Format: render.JSON}
	person := render.Options{Format: render.JSON, Terminal: true}
	for _, c := range []struct{ name, got, want string }{
		{"list", list(t, pipe, `{"a":1}`, `{"n":1.50}`, `{"n":2}`), "{\"data\":[\n{\"n\":1.50},\n{\"n\":2}\n],\"meta\":{\"a\":1}}\n"},
		{"empty list", list(t, pipe, ``), "{\"data\":[],\"meta\":{}}\n"},
		{"single", single(t, pipe, `{"a" : 1}`, `null`), "{\"data\":{\"a\" : 1},\"meta\":{}}\n"},
		{"list for a person", list(t, person, `{}`, `{"n":1.50}`), "{\n  \"data\": [\n    {\n      \"n\": 1.50\n    }\n  ],\n  \"meta\": {}\n}\n"},
		{"single for a person", single(t, person, "{\"a\":\"\u202e\"}", `{}`), "{\n  \"data\": {\n    \"a\": \"\\u202e\"\n  },\n  \"meta\": {}\n}\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, c.got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if !json.Valid([]byte(c.got)) {
				t.Error("not JSON")
			}
		})
	}
}

func TestNDJSON(t *testing.T) {
	got := list(t, render.Options{Format: render.NDJSON}, `{"a":1}`, "{\n \"a\": 1\r\n}", `{"b":"\n"}`)
	if want := "{\"a\":1}\n{\"b\":\"\\n\"}\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTable(t *testing.T) {
	records := []string{
		`{"body_html":"<p>Hello &amp; welcome</p>","id":"iss_1","number":7,"title":"Login fails","assignee":{"id":"u1","email":"a@example.com"},"tags":["x","y"],"messages":[{"id":1}],"empty":null}`,
		`{"id":"iss_2","number":12345678901234567890,"title":"日本語のタイトル","assignee":null,"tags":[],"closed":true}`,
		`{"id":"iss_3","title":"a\tb\nc\u001b[31m\u202e","number":-1.50}`,
	}
	for _, c := range []struct {
		width  int
		fields []string
		want   string
	}{
		{120, nil, `
ID     NUMBER                TITLE                ASSIGNEE.EMAIL  TAGS  CLOSED  BODY_HTML
iss_1  7                     Login fails          a@example.com   x, y          Hello & welcome
iss_2  12345678901234567890  日本語のタイトル                           true
iss_3  -1.50                 a b c\x1b[31m\u202e
`},
		{40, nil, `
ID     NUMBER                TITLE
iss_1  7                     Login fails
iss_2  12345678901234567890  日本語のタ…
iss_3  -1.50                 a b c\x1b[…
`},
		{40, []string{"title", "assignee.id", "nothing"}, `
TITLE               ASSIGNEE.ID  NOTHING
Login fails         u1
日本語のタイトル
a b c\x1b[31m\u20…
`},
	} {
		t.Run(fmt.Sprint(c.width, c.fields), func(t *testing.T) {
			got := list(t, render.Options{Format: render.Table, Width: c.width, Fields: c.fields}, "{}", records...)
			if diff := cmp.Diff(strings.TrimPrefix(c.want, "\n"), got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestTableOfOneRecord(t *testing.T) {
	got := single(t, render.Options{Format: render.Table}, `{"id":"a","owner":{"name":"Sam","team":{"id":"t"}},"tags":["x"],"items":[{},{}],"text":"<b>bold</b>","\u001b[2J":1}`, "{}")
	want := "id             a\nowner.name     Sam\nowner.team.id  t\ntags           x\nitems          2 items\ntext           bold\n\\x1b[2J        1\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestTableOfOddRecords(t *testing.T) {
	for _, c := range []struct{ record, want string }{
		{`"text"`, "text\n"}, {`12`, "12\n"}, {`null`, "\n"}, {`{}`, "0 fields\n"}, {`[1,2]`, "1, 2\n"},
	} {
		if got := list(t, render.Options{Format: render.Table}, "{}", c.record); got != c.want {
			t.Errorf("%s: got %q, want %q", c.record, got, c.want)
		}
	}
	if got := list(t, render.Options{Format: render.Table}, "{}"); got != "" {
		t.Errorf("no records: got %q", got)
	}
}

// TestTableOfManyRecords shows that a long list comes out while it comes in, each line
// as wide as the first.
func TestTableOfManyRecords(t *testing.T) {
	var b bytes.Buffer
	w := render.New(&b, render.Options{Format: render.Table, Width: 40})
	for i := range 5000 {
		before := b.Len()
		if err := w.Record(json.RawMessage(fmt.Sprintf(`{"id":%d,"title":%q}`, i, strings.Repeat("x", i%100)))); err != nil {
			t.Fatal(err)
		}
		if i >= 100 && b.Len() == before {
			t.Fatalf("record %d was held back", i)
		}
	}
	if err := w.End(nil); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if len(lines) != 5001 {
		t.Errorf("%d lines, want 5001", len(lines))
	}
	for i, line := range lines {
		if n := utf8.RuneCountInString(line); n > 40 {
			t.Fatalf("line %d has %d columns: %s", i, n, line)
		}
	}
}

// TestYAML checks that a YAML reader gets back what went in.
func TestYAML(t *testing.T) {
	for _, text := range []string{
		"", " ", "a", "a b", "yes", "No", "null", "~", "true", "0x10", "1e3", "12", "-1", "- a", "a: b", "a #b", "#a", "&a", "*a", "!a", "|", ">", "%a", "@a", "`a",
		"'", `"`, `\`, "{", "[", "a,b", "2026-06-01", "12:30", "é", "日本語", "😀", "\u202e", "\x00\x07\x1b", "\u0085", "\u2028", "line\nbreak", "tab\t", "a ", " a", "?", "-", "---", "...", ".inf", "0o7", "=", "<<",
	} {
		record, err := json.Marshal(map[string]any{"k": text, "l": []any{text, map[string]any{"m": text}}, text: 1})
		if err != nil {
			t.Fatal(err)
		}
		out := list(t, render.Options{Format: render.YAML}, `{"next_cursor":null}`, string(record))
		var got struct{ Data []map[string]any }
		if err := yaml.Unmarshal([]byte(out), &got); err != nil {
			t.Errorf("%q: %v\n%s", text, err, out)
			continue
		}
		want := map[string]any{"k": text, "l": []any{text, map[string]any{"m": text}}, text: uint64(1)}
		if len(got.Data) != 1 || !reflect.DeepEqual(got.Data[0], want) {
			t.Errorf("%q: got %#v\n%s", text, got.Data, out)
		}
		if strings.ContainsAny(out, "\x00\x07\x1b\u202e\u0085\u2028") {
			t.Errorf("%q: a control character in %q", text, out)
		}
	}
}

func TestYAMLShapes(t *testing.T) {
	got := single(t, render.Options{Format: render.YAML}, `{"n":1.50e2,"big":12345678901234567890,"e":{},"l":[],"o":{"a":[[1,2],{"b":null}]}}`, ``)
	want := `data:
  "n": 1.50e2
  big: 12345678901234567890
  e: {}
  l: []
  o:
    a:
      -
        - 1
        - 2
      - b: null
meta: {}
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// threat: A5
func FuzzVisible(f *testing.F) {
	f.Add("plain", []byte(`{"a":"b"}`))
	f.Add("\x1b]0;title\x07\u202e\ufeff\U000e0041\xff", []byte("[\"\u202e\\u202e\u007f\", \"😀\"]"))
	f.Fuzz(func(t *testing.T, text string, raw []byte) {
		if seen := render.Visible(text); !utf8.ValidString(seen) || strings.ContainsAny(seen, "\x00\x07\x1b\x7f\n\r\u009b\u202e\u2066\u200b\ufeff\U000e0041") {
			t.Errorf("Visible(%q) = %q", text, seen)
		}
		if !json.Valid(raw) || !utf8.Valid(raw) {
			return
		}
		escaped := render.EscapeJSON(raw)
		if bytes.ContainsAny(escaped, "\x1b\x7f\u009b\u202e\u2066\u200b\ufeff\U000e0041") {
			t.Errorf("EscapeJSON(%q) = %q", raw, escaped)
		}
		var before, after any
		if json.Unmarshal(raw, &before) != nil {
			return // a number that is too large
		}
		if err := json.Unmarshal(escaped, &after); err != nil || !reflect.DeepEqual(before, after) {
			t.Errorf("EscapeJSON(%q) = %q, which means something else: %v", raw, escaped, err)
		}
	})
}

// FuzzFormats checks that no format fails on any record, and that each is safe to show.
func FuzzFormats(f *testing.F) {
	f.Add([]byte(`{"id":"a","x":{"name":"<b>\u001b"},"y":[{"z":[1]}]}`), 40)
	f.Add([]byte(`[[],{},"\u202e"]`), 1)
	f.Add([]byte("0\r"), 1) // found by fuzzing
	f.Fuzz(func(t *testing.T, record []byte, width int) {
		if !json.Valid(record) {
			return
		}
		for _, format := range render.Formats() {
			o := render.Options{Format: render.Format(format), Terminal: true, Width: width % 200}
			for _, out := range []string{list(t, o, `{}`, string(record)), single(t, o, string(record), `{}`)} {
				if strings.ContainsAny(out, "\x00\x07\x1b\x7f\r\u009b\u202e\u2066\u200b\ufeff") {
					t.Errorf("%s of %q: %q", format, record, out)
				}
				switch render.Format(format) {
				case render.JSON:
					if !json.Valid([]byte(out)) {
						t.Errorf("not JSON: %s", out)
					}
				case render.NDJSON:
					if strings.Count(out, "\n") != 1 {
						t.Errorf("more than one line: %q", out)
					}
				}
			}
		}
	})
}

func TestProgress(t *testing.T) {
	var b bytes.Buffer
	now := time.Unix(0, 0)
	p := &render.Progress{W: &b, Now: func() time.Time { return now }}
	p.Page(1)
	p.Page(5) // too soon to be drawn
	now = now.Add(time.Second)
	p.Page(5)
	p.Clear()
	p.Clear()
	if want := "\r\x1b[K1 record, 1 page\r\x1b[K11 records, 3 pages\r\x1b[K"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
	var none *render.Progress
	none.Page(1)
	none.Clear()
}

func ExampleNew() {
	w := render.New(os.Stdout, render.Options{Format: render.Table})
	for _, record := range []string{
		`{"id":"acc_1","name":"Acme","owner":{"email":"sam@example.com"}}`,
		`{"id":"acc_2","name":"Blue \u001b[31mBottle"}`,
	} {
		if err := w.Record(json.RawMessage(record)); err != nil {
			fmt.Println(err)
		}
	}
	if err := w.End(nil); err != nil {
		fmt.Println(err)
	}
	// Output:
	// ID     NAME                 OWNER.EMAIL
	// acc_1  Acme                 sam@example.com
	// acc_2  Blue \x1b[31mBottle
}

// TestHidden checks that each field with a value is a column or is counted, unless the caller
// chose the columns.
func TestHidden(t *testing.T) {
	t.Parallel()
	records := []string{
		`{"id":1,"state":"open","owner":{"id":7},"items":[{"a":1}],"none":null,"empty":"","long":"` + strings.Repeat("x", 40) + `"}`,
		`{"id":2,"later":true,"\u001b[2J":3}`,
	}
	for _, c := range []struct {
		name   string
		o      render.Options
		hidden []string
	}{
		{"narrow", render.Options{Format: render.Table, Width: 12}, []string{"owner", "items", "long", "later", "\x1b[2J"}},
		{"wide", render.Options{Format: render.Table, Width: 300}, []string{"items"}},
		{"chosen", render.Options{Format: render.Table, Width: 12, Fields: []string{"id"}}, nil},
		{"JSON", render.Options{Format: render.JSON}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := render.New(io.Discard, c.o)
			for _, r := range records {
				if err := w.Record(json.RawMessage(r)); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.End(nil); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.hidden, render.Hidden(w)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
