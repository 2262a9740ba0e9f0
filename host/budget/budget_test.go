package budget_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/agenthost/agenthost/host/budget"
)

func Example() {
	issues := json.RawMessage(`[{"id":1,"body":"` + strings.Repeat("long ", 500) + `"},{"id":2,"body":"short"}]`)
	short, left := budget.Fit(issues, 800)
	fmt.Println(utf8.RuneCount(short) <= 800, left.Text, left.TextLength, left.Records)
	// Output: true [body] 500 0
}

func TestFit(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for name, c := range map[string]struct {
		data string
		size int
		want string
		left budget.LeftOut
	}{
		"what fits stays as it is":    {`[ {"a": 1} ]`, 20, `[ {"a": 1} ]`, budget.LeftOut{}},
		"characters, not bytes":       {`["ääää"]`, 8, `["ääää"]`, budget.LeftOut{}},
		"text before records":         {`[{"a":"` + long + `"},{"a":"b"}]`, 300, `[{"a":"` + long[:200] + `... [4800 more characters]"},{"a":"b"}]`, budget.LeftOut{Text: []string{"a"}, TextLength: 200}},
		"records from the end":        {`[1,22,333,4444]`, 11, `[1,22,333]`, budget.LeftOut{Records: 1}},
		"at least one record":         {`[{"a":1,"bb":22},{}]`, 10, `[{"a":1}]`, budget.LeftOut{Records: 1, Fields: []string{"bb"}}},
		"arrays in a record":          {`{"a":[` + strings.Repeat("1,", 499) + `1]}`, 100, `{"a":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}`, budget.LeftOut{Elements: []string{"a"}}},
		"the longest fields first":    {`{"a.b":[11,22,33,44],"c":1}`, 10, `{"c":1}`, budget.LeftOut{Elements: []string{`a\.b`}, Fields: []string{`a\.b`}}},
		"nothing fits":                {`{"aaaaaaaa":123456789}`, 1, `{}`, budget.LeftOut{Fields: []string{"aaaaaaaa"}}},
		"a mark longer than the rest": {`{"a":"` + strings.Repeat("y", 20) + `"}`, 25, `{}`, budget.LeftOut{Fields: []string{"a"}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, left := budget.Fit(json.RawMessage(c.data), c.size)
			if string(got) != c.want || !reflect.DeepEqual(*left, c.left) {
				t.Errorf("got %s, left out %+v\nwant %s, left out %+v", got, *left, c.want, c.left)
			}
		})
	}
}

func TestTextFrom(t *testing.T) {
	got := budget.TextFrom(json.RawMessage(`[{"a":"0123456789","b":"äöüß","c":[1,"01234"],"d":{}}]`), 4)
	if want := `[{"a":"456789","b":"äöüß","c":[1,"4"],"d":{}}]`; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestEscape(t *testing.T) {
	for name, hidden := range map[string]rune{
		"bidi override": '\u202e', "bidi isolate": '\u2066', "zero-width space": '\u200b', "zero-width joiner": '\u200d',
		"byte order mark": '\ufeff', "soft hyphen": '\u00ad', "tag": '\U000e0041', "variation selector": '\ufe0f',
		"C1 control": '\u009b', "delete": '\u007f', "line separator": '\u2028', "private": '\ue000', "Hangul filler": '\u3164',
		"Arabic letter mark": '\u061c', "Braille blank": '\u2800',
	} {
		data := `{"a` + string(hidden) + `":"b` + string(hidden) + `ä"}`
		got := budget.Escape(json.RawMessage(data))
		if strings.ContainsRune(string(got), hidden) {
			t.Errorf("%s: %q", name, got)
		}
		var before, after any
		if json.Unmarshal([]byte(data), &before) != nil || json.Unmarshal(got, &after) != nil || !reflect.DeepEqual(before, after) {
			t.Errorf("%s: %v became %v", name, before, after)
		}
	}
	plain := `{"a": "ä € 漢字 עברית emoji 😀\n"}`
	if got := budget.Escape(json.RawMessage(plain)); string(got) != plain {
		t.Errorf("got %s", got)
	}
}

func FuzzFit(f *testing.F) {
	f.Add(`[{"a":"`+strings.Repeat("long ", 100)+`"},{"b":[1,2,3]}]`, 50)
	f.Add(`{"a":{"b":"\u202e`+"\u202e"+`"}}`, 3)
	f.Add(`"text"`, 0)
	f.Fuzz(func(t *testing.T, data string, size int) {
		if !json.Valid([]byte(data)) || !utf8.ValidString(data) {
			t.Skip()
		}
		escaped := budget.Escape(json.RawMessage(data))
		got, left := budget.Fit(escaped, size)
		if !json.Valid(got) {
			t.Fatalf("Fit(%q, %d) is no JSON: %q", escaped, size, got)
		}
		if n := utf8.RuneCount(got); n > size && n > len("[null]") {
			t.Fatalf("Fit(%q, %d) has %d characters: %q", escaped, size, n, got)
		}
		for _, r := range string(got) {
			if r != '\n' && r != '\t' && r != '\r' && budget.Hidden(r) {
				t.Fatalf("Fit(%q, %d) shows %U", escaped, size, r)
			}
		}
		if utf8.RuneCount(escaped) <= size && !left.Nothing() {
			t.Fatalf("Fit(%q, %d) left out %+v", escaped, size, left)
		}
	})
}
