package budget_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/agenthost/agenthost/internal/budget"
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

// TestFitRecords holds that records which are made when they are needed, and as far as they
// are needed, give what Fit makes of all of them.
func TestFitRecords(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	for range 40 {
		type record struct {
			Names []string `json:"names"`
			Text  string   `json:"text"`
		}
		records := make([]record, random.IntN(12))
		for i := range records {
			records[i].Names = make([]string, []int{0, 1, 4, 6, 21, 101, 999, 1000, 1001, 1500}[random.IntN(10)])
			for j := range records[i].Names {
				records[i].Names[j] = strings.Repeat("ä", random.IntN(4))
			}
			records[i].Text = strings.Repeat("x", random.IntN(300))
		}
		whole, err := json.Marshal(records)
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range []int{-1, 0, 1, 30, random.IntN(1000), random.IntN(30_000), utf8.RuneCount(whole), utf8.RuneCount(whole) - 1} {
			want, wantLeft := budget.Fit(whole, size)
			asked := 0
			got, left := budget.FitRecords(len(records), func(i, elements int) []byte {
				asked++
				r := records[i]
				r.Names = r.Names[:min(len(r.Names), elements)]
				text, err := json.Marshal(r)
				if err != nil {
					t.Fatal(err)
				}
				return text
			}, size)
			if string(got) != string(want) || !reflect.DeepEqual(left, wantLeft) {
				t.Fatalf("%d records in %d characters: got %.300s, left out %+v\nwant %.300s, left out %+v", len(records), size, got, left, want, wantLeft)
			}
			if limit := 6 * (size/len(`{"names":[],"text":""}`) + 1); size > 0 && asked > limit {
				t.Errorf("%d records were made for %d characters, want at most %d", asked, size, limit)
			}
		}
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

// What a vendor answers took the square of its members, of its depth or of the length of
// its names: minutes, for each of these.
func TestFitLargeAnswers(t *testing.T) {
	t.Parallel()
	var members strings.Builder
	for i := range 200_000 {
		fmt.Fprintf(&members, `"m%d":%d,`, i, i)
	}
	long := strings.Repeat("x", 3000)
	for name, data := range map[string]string{
		"many members":       "{" + members.String() + `"last":1}`,
		"deep":               strings.Repeat(`{"a":[`, 499) + `"` + strings.Repeat("deep ", 1<<20) + `"` + strings.Repeat("]}", 499),
		"texts below a name": `{"` + strings.Repeat("n", 1<<20) + `":[` + strings.Repeat(`"`+long+`",`, 999) + `1]}`,
		"texts below names":  strings.Repeat(`{"`+strings.Repeat("n", 1000)+`":`, 400) + `[` + strings.Repeat(`"`+long+`",`, 999) + `1]` + strings.Repeat("}", 400),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			short, left := budget.Fit(json.RawMessage(data), 1000)
			if !json.Valid(short) || utf8.RuneCount(short) > 1000 || left.Nothing() {
				t.Errorf("%d characters, left out %+v", utf8.RuneCount(short), left)
			}
		})
	}
}

// What is kept beside the answer grows with the budget and not with the number of records or
// members, each of which has two bytes in the answer and took a hundred in memory.
func TestFitManySmallParts(t *testing.T) {
	var object bytes.Buffer
	object.WriteString(`{"longest":"12345","second":1`)
	object.WriteString(strings.Repeat(`,"":1`, 200_000) + "}")
	for name, c := range map[string]struct {
		data string
		left budget.LeftOut
	}{
		"records": {"[" + strings.Repeat("1,", 500_000) + "1]", budget.LeftOut{Records: 500_001 - 499}},
		"members": {object.String(), budget.LeftOut{Fields: []string{"longest", "second"}}},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		short, left := budget.Fit(json.RawMessage(c.data), 1000)
		runtime.ReadMemStats(&after)
		if !json.Valid(short) || len(short) > 1000 || !reflect.DeepEqual(*left, c.left) {
			t.Errorf("%s: %d bytes, %+v", name, len(short), *left)
		}
		// shorten copies an object for each of its levels.
		if made := after.TotalAlloc - before.TotalAlloc; made > uint64(8*len(c.data)+(1<<20)) {
			t.Errorf("%s: %d bytes of memory for %d", name, made, len(c.data))
		}
	}
}

// TestDropFieldsInTheirOrder: the longest go first, and of several the first ones.
func TestDropFieldsInTheirOrder(t *testing.T) {
	t.Parallel()
	for size, want := range map[int]string{
		0: `{}`, 1: `{}`, 8: `{"c":3}`, 14: `{"b":2,"c":3}`, 20: `{"a":1,"b":2,"c":3}`,
	} {
		got, _ := budget.Fit(json.RawMessage(`{"a":1,"long":1234567,"b":2,"c":3,"longer":"123456789"}`), size)
		if string(got) != want {
			t.Errorf("%d characters: got %s, want %s", size, got, want)
		}
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		`{"a" : [1, 2.50, 1e5, null, true], "b":{} }`:                 `{"a":[1,2.50,1e5,null,true],"b":{}}`,
		`[9007199254740992,-9007199254740992]`:                        `[9007199254740992,-9007199254740992]`,
		`[9007199254740993,-9007199254740993,123456789012345678901]`:  `["9007199254740993","-9007199254740993","123456789012345678901"]`,
		`[1e400,-1e400,1e-400,0.12345678901234567890]`:                `["1e400","-1e400",1e-400,0.12345678901234567890]`,
		`"\u200b \ud800 \ud83d\udd11 \u000a\n\u0009 \b\f \/ \\u200b"`: `"\\u200b \ufffd 🔑 \n\n\t \\u0008\\u000c / \\u200b"`,
		"{\"\u202e\":\"\U000e0041\xff\"}":                             `{"\\u202e":"\\udb40\\udc41\ufffd"}`,
	} {
		want = strings.ReplaceAll(want, `\ufffd`, "\ufffd")
		got := budget.Clean(json.RawMessage(given))
		if string(got) != want {
			t.Errorf("%s becomes %s, want %s", given, got, want)
		}
		if again := budget.Clean(got); string(again) != string(got) {
			t.Errorf("%s is cleaned again to %s", got, again)
		}
	}
}
