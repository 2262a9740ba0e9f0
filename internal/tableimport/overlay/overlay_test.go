package overlay

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/tableimport"
)

const document = `{"name":"x","operations":[
{"entity":"a","action":"list","effect":"write","params":{"q":{"in":"query"},"odd 'name'":{"in":"query"},"n":{"in":"query","enum":["a"]}},"examples":[{"q":"1"}]},
{"entity":"a","action":"get","effect":"read","params":{"id":{"in":"path"}},"description":"Gets.","idempotent":true,"n":2},
{"entity":"b","action":"list","effect":"read"}],"servers":[{"id":"main"}]}`

func read(t testing.TB, text string) tableimport.Map {
	t.Helper()
	m, err := tableimport.Read([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// compact is JSON without blanks and lines.
func compact(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestApply(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		actions  string // in flow style
		from, to string // of the document
		places   int
	}{
		"a member":               {`[{target: "$.operations[?(@.entity=='a' && @.action=='list')]", update: {effect: read}}]`, `"effect":"write"`, `"effect":"read"`, 1},
		"a new member":           {`[{target: "$.operations[1]", update: {title: "Get"}}]`, `"idempotent":true,"n":2`, `"idempotent":true,"n":2,"title":"Get"`, 1},
		"a text":                 {`[{target: "$.operations[?(@.action=='get')].description", update: "Gets one."}]`, "Gets.", "Gets one.", 1},
		"deep inside":            {`[{target: "$.operations[0]", update: {params: {q: {required: true}, n: {enum: [b]}, new: {in: body}}}}]`, `{"q":{"in":"query"},"odd 'name'":{"in":"query"},"n":{"in":"query","enum":["a"]}}`, `{"q":{"in":"query","required":true},"odd 'name'":{"in":"query"},"n":{"in":"query","enum":["a","b"]},"new":{"in":"body"}}`, 1},
		"one element more":       {`[{target: "$.operations[0].examples", update: {q: "2"}}]`, `[{"q":"1"}]`, `[{"q":"1"},{"q":"2"}]`, 1},
		"a list as an element":   {`[{target: "$.operations[0].examples", update: [1]}]`, `[{"q":"1"}]`, `[{"q":"1"},[1]]`, 1},
		"an operation more":      {`[{target: "$.operations", update: {entity: c}}]`, `"effect":"read"}],"servers"`, `"effect":"read"},{"entity":"c"}],"servers"`, 1},
		"the whole table":        {`[{target: "$", update: {title: T}}]`, `"servers":[{"id":"main"}]`, `"servers":[{"id":"main"}],"title":"T"`, 1},
		"remove a member":        {`[{target: "$.operations[0].params['odd \\'name\\'']", remove: true}]`, `"odd 'name'":{"in":"query"},`, ``, 1},
		"remove an element":      {`[{target: "$.operations[?@.entity=='b']", remove: true}]`, `,{"entity":"b","action":"list","effect":"read"}`, ``, 1},
		"a name in other quotes": {`[{target: '$["operations"][0]["entity"]', update: z}]`, `{"entity":"a","action":"list"`, `{"entity":"z","action":"list"`, 1},
		"a number and a boolean": {`[{target: "$.operations[?(@.n==2 && @.idempotent==true)].n", remove: true}]`, `,"n":2`, ``, 1},
		"every one":              {`[{target: "$.operations[*].effect", update: read}]`, `"effect":"write"`, `"effect":"read"`, 3},
		"every member":           {`[{target: "$.operations[0].params[*].in", update: query}]`, ``, ``, 3},
		"those that meet":        {`[{target: "$.operations[0].params[?(@.in=='query')]", update: {in: body}}]`, `{"q":{"in":"query"},"odd 'name'":{"in":"query"},"n":{"in":"query",`, `{"q":{"in":"body"},"odd 'name'":{"in":"body"},"n":{"in":"body",`, 3},
		"to replace a list":      {`[{target: "$.operations[0].examples", remove: true}, {target: "$.operations[0]", update: {examples: []}}]`, `"examples":[{"q":"1"}]`, `"examples":[]`, 1},
		"a scalar by a mapping":  {`[{target: "$.operations[1].n", update: {a: null}}]`, `"n":2`, `"n":{"a":null}`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, before := read(t, document), compact(t, read(t, document))
			if !strings.Contains(before, tt.from) {
				t.Fatalf("the document has no %s", tt.from)
			}
			edits, err := Apply(&m, "x.overlay.yaml", []byte("overlay: 1.0.0\ninfo: {title: T, version: 1.0.0}\nactions: "+tt.actions+"\n"))
			if err != nil {
				t.Fatal(err)
			}
			if got, want := compact(t, m), strings.Replace(before, tt.from, tt.to, 1); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if e := edits[len(edits)-1]; e.Places != tt.places || e.Line != 3 || e.Target == "" {
				t.Errorf("%+v, want %d places", e, tt.places)
			}
		})
	}
}

// An importer puts one value into several places; an action changes one of them.
func TestSharedValues(t *testing.T) {
	t.Parallel()
	shared := tableimport.Map{{Key: "in", Value: "query"}, {Key: "enum", Value: append(make([]any, 0, 4), "a")}}
	m := tableimport.Map{{Key: "a", Value: shared}, {Key: "b", Value: shared}}
	_, err := Apply(&m, "x", []byte(`{"overlay":"1.0.0","actions":[{"target":"$.a","update":{"in":"body","enum":["b"],"x":{"y":[1]}}},{"target":"$['b'].enum","update":"c"},{"target":"$[*].x","update":{"z":2}}]}`))
	if want := `{"a":{"in":"body","enum":["a","b"],"x":{"y":[1],"z":2}},"b":{"in":"query","enum":["a","c"]}}`; err != nil || compact(t, m) != want {
		t.Errorf("%v: %s, want %s", err, compact(t, m), want)
	}
}

// threat: E14
func TestWhatIsWrongWithAnOverlay(t *testing.T) {
	t.Parallel()
	one := func(target string) string {
		return "overlay: 1.0.0\nactions:\n  - target: $.name\n    update: y\n  - target: " + target + "\n    update: {a: b}\n"
	}
	list := "overlay: 1.0.0\nactions:\n"
	for text, want := range map[string]string{
		"":                       "is empty",
		"- a":                    "is no mapping",
		"actions: [{target: $}]": "x.yaml:1: overlay: is missing; begin with overlay: 1.0.0, and then actions:",
		"overlay: 1.0.0\n\nactions: {target: $, update: {}}":        "x.yaml:3: actions: needs a list, has a mapping; begin each action with a dash",
		"overlay: 1.0.0\nactions: $":                                "x.yaml:2: actions: needs a list, has one value",
		"# why\noverlay:\nactions: []":                              `x.yaml:2: overlay: is ""; write overlay: 1.0.0`,
		"overlay: 2.0.0\nactions: []":                               `overlay: is "2.0.0"`,
		"overlay: 1.0.0\n":                                          "x.yaml:1: actions: is missing",
		"overlay: 1.0.0\nactions: []":                               "x.yaml:2: actions: has 0 actions",
		"overlay: 1.0.0\nactons: []":                                "x.yaml:2: actons: unknown key; did you mean actions?",
		"overlay: &a\n  b: *a\n":                                    "nested too deeply, or an alias refers to itself",
		list + "  - 7\n":                                            "x.yaml:3: actions[0]: is no mapping",
		list + "  - {target: $}\n":                                  "x.yaml:3: actions[0]: needs either update or remove: true",
		list + "  - {target: $.name, update: 1, remove: true}\n":    "needs either update or remove",
		list + "  - {target: $.name, remove: yes}\n":                "remove: is neither true nor false",
		list + "  - {target: $.name, removed: true}\n":              "actions[0].removed: unknown key; did you mean remove?",
		list + "  - {target: $, remove: true}\n":                    "cannot be removed",
		list + "  - {target: $, update: []}\n":                      "x.yaml:3: actions[0].update: is no mapping, but the target is one",
		one("$.operation[0]"):                                       "x.yaml:5: actions[1].target: $.operation[0] matches nothing: $ is there, but .operation is not; the import has changed",
		one(`$.operations[?(@.entity=='a' && @.action=='create')]`): "$.operations is there, but [?(@.entity=='a' && @.action=='create')] is not",
		one("$.operations[0].title"):                                "to add a member, write target: $.operations[0] and update: {title: ...}",
		one("$.operations[9]"):                                      "[9] is not",
		one("$.name.x"):                                             "$.name is there, but .x is not",
		one("operations"):                                           "does not begin with $",
		one("$..effect"):                                            "only .name",
		one("$.*"):                                                  "only .name",
		one("$.operations[-1]"):                                     "needs a number from 0",
		one("$.operations[0:2]"):                                    "needs a number from 0",
		one("$.operations[0"):                                       "needs a number from 0",
		one("$.operations[99999999999999999999]"):                   "needs a number from 0",
		one(`$["a]`):                                                "a quote is missing",
		one(`"$['a\\x']"`):                                          "a backslash stands only before",
		one("$.operations[?(@.entity)]"):                            "== should be here",
		one("$.operations[?(@.entity==a)]"):                         "a text in quotes, a number",
		one("$.operations[?(@.entity=='a'"):                         "the condition should end here",
		one("$.operations[?(@.entity=='a' || @.b=='c')]"):           "the condition should end here",
		one("$.operations[?(@[0]=='a')]"):                           "a condition needs a member",
		one("$.operations[?(length(@)==1)]"):                        "@ should be here",
		one("$ .a"):                                                 "a dot or [ should be here",
		one("$." + strings.Repeat("a", maxTarget)):                  "the limit is 1000",
	} {
		m := read(t, document)
		_, err := Apply(&m, "x.yaml", []byte(text))
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80q: %v, want %q", text, err, want)
		}
	}
}

// threat: E14
//
// What a file of 1 MB can ask for is bounded.
func TestHostileOverlays(t *testing.T) {
	t.Parallel()
	var bomb strings.Builder
	bomb.WriteString("x-a: &a0 [" + strings.Repeat("x,", 9) + "x]\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&bomb, "x-%d: &a%d [%s*a%d]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d,", i-1), 9), i-1)
	}
	operations := strings.TrimSuffix(strings.Repeat(`{"entity":"a","tags":[]},`, 1000), ",")
	long := strings.Repeat("x", 900_000)
	var deep strings.Builder
	deep.WriteString("overlay: 1.0.0\nactions:\n")
	for i := range 400 {
		fmt.Fprintf(&deep, "  - {target: \"$%s\", update: {a: {}}}\n", strings.Repeat(".a", i))
	}
	for name, text := range map[string]string{
		"a bomb of aliases":          "overlay: 1.0.0\n" + bomb.String() + "actions: [{target: $, update: {a: *a11}}]\n",
		"too large":                  "overlay: 1.0.0\n# " + strings.Repeat("x", MaxFile),
		"many actions":               "overlay: 1.0.0\nactions:\n" + strings.Repeat("- {target: $.name, update: y}\n", maxActions+1),
		"many copies":                "overlay: 1.0.0\nactions:\n" + strings.Repeat("- {target: '$.operations[*].tags', update: {"+strings.Repeat("a", 10)+": [1,2,3,4,5,6,7,8,9]}}\n", 1900),
		"many copies of a long text": "overlay: 1.0.0\nactions: [{target: '$.operations[*]', update: {text: " + long + "}}]\n",
		"nested":                     "overlay: 1.0.0\nactions: [{target: $, update: " + strings.Repeat("[", 10_000) + "}]\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := read(t, `{"name":"x","operations":[`+operations+`]}`)
			start := time.Now()
			_, err := Apply(&m, "x.yaml", []byte(text))
			var e *Error
			if !errors.As(err, &e) {
				t.Errorf("%v", err)
			}
			if took := time.Since(start); took > 30*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
	m := read(t, `{"name":"x"}`)
	if _, err := Apply(&m, "x.yaml", []byte(deep.String())); err != nil {
		t.Errorf("400 levels: %v", err)
	}
	if _, _, err := tableimport.Write(m); err == nil {
		t.Error("a table of 400 levels is written")
	}
}

func FuzzApply(f *testing.F) {
	f.Add("overlay: 1.0.0\nactions:\n  - {target: \"$.operations[?(@.entity=='a')].params[*]\", update: {in: body, a: [1]}}\n  - {target: \"$['name']\", remove: true}\n")
	f.Add("overlay: 1.0.0\nactions: [{target: $.servers, update: &a [x]}, {target: $, update: {b: {c: null}}}]\n")
	f.Fuzz(func(t *testing.T, text string) {
		m := read(t, document)
		edits, err := Apply(&m, "x.yaml", []byte(text))
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("%v is no *Error", err)
		}
		for _, edit := range edits {
			if edit.Places == 0 {
				t.Errorf("%+v did nothing", edit)
			}
		}
		if err == nil && !json.Valid([]byte(compact(t, m))) {
			t.Error("no JSON")
		}
	})
}
