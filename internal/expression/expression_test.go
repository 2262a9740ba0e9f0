package expression

import (
	"reflect"
	"strings"
	"testing"
)

func member(path ...string) Condition { return Condition{Op: Member, Path: path} }

func TestConditions(t *testing.T) {
	t.Parallel()
	a, b, c := member("a"), member("b", "c"), Condition{Op: Equal, Path: []string{"n"}, Literal: Literal{false, "-3"}}
	for text, want := range map[string]Condition{
		"record.a":              a,
		"not record.a":          {Op: Not, Of: []Condition{a}},
		"not not record.a":      {Op: Not, Of: []Condition{{Op: Not, Of: []Condition{a}}}},
		" (record.b.c)\n":       b,
		"record.n == -3":        c,
		"record.n==-3":          c,
		"record.a and record.a": {Op: And, Of: []Condition{a, a}},
		"record.a or record.b.c and not record.n == -3": {Op: Or, Of: []Condition{a, {Op: And, Of: []Condition{b, {Op: Not, Of: []Condition{c}}}}}},
		"(record.a or record.b.c) and record.n == -3":   {Op: And, Of: []Condition{{Op: Or, Of: []Condition{a, b}}, c}},
		`record.s != "it's"`:                            {Op: NotEqual, Path: []string{"s"}, Literal: Literal{true, "it's"}},
		"record.s == ''":                                {Op: Equal, Path: []string{"s"}, Literal: Literal{true, ""}},
		"record.s == null":                              {Op: Equal, Path: []string{"s"}, Literal: Literal{false, "null"}},
		"record.not":                                    member("not"),
		"record.record":                                 member("record"),
	} {
		got, err := ParseCondition(text, "record")
		if err != nil || !reflect.DeepEqual(*got, want) {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}

func TestTexts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]Part{
		"plain":                   {{Constant: "plain"}},
		"{{ record.id }}":         {{Path: []string{"id"}}},
		"{{record.a.b}}{ }":       {{Path: []string{"a", "b"}}, {Constant: "{ }"}},
		"urn:{{ record.id }}:{x}": {{Constant: "urn:"}, {Path: []string{"id"}}, {Constant: ":{x}"}},
		"{{ record.v | replace('customers/', '') | replace(\"'\", '}}') }}": {{Path: []string{"v"}, Replace: [][2]string{{"customers/", ""}, {"'", "}}"}}}},
	} {
		got, err := ParseText(text, "record")
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	got, err := ParseText("{{ ref }}:{{ path }}", "")
	if err != nil || !reflect.DeepEqual(got, []Part{{Path: []string{"ref"}}, {Constant: ":"}, {Path: []string{"path"}}}) {
		t.Errorf("%+v, %v", got, err)
	}
}

// threat: E14
func TestWhatIsNoExpression(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                      "empty",
		"record":                                "without a member",
		"isPrivate":                             "a member such as record.id",
		"record.":                               "the name of a member",
		"record. a":                             "the name of a member",
		"record.a.":                             "the name of a member",
		"record['a']":                           "without a member",
		"record.a record.b":                     "and, or or the end",
		"record.a or":                           "a member such as record.id",
		"not":                                   "a member such as record.id",
		"(record.a":                             `at character 10, it has the end where ) should be`,
		"record.a)":                             `it has ")" where and, or or the end should be`,
		"record.a == record.b":                  "text in quotes, a whole number",
		"record.a == 1.5":                       "and, or or the end",
		"record.a == 99999999999999999999":      "a whole number",
		"record.a == 'x":                        "text in quotes",
		"'x' == record.a":                       "a member",
		"record.a == true and":                  "a member such as record.id",
		"record.a in 'x'":                       "and, or or the end",
		"record.a | lower":                      "and, or or the end",
		"record.__class__.__init__()":           "and, or or the end",
		"config.token":                          "a member such as record.id",
		strings.Repeat("not ", 11) + "record.a": "nested more than 10 deep",
		strings.Repeat("(", 500):                "nested more than 10 deep",
		strings.Repeat("x", MaxText+1):          "1001 bytes, and the limit is 1000",
		"record.\u00fc":                         "the name of a member",
	} {
		if got, err := ParseCondition(text, "record"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %+v, %v, want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"":                                       "empty",
		"{{ record.a":                            "}} or | replace",
		"{{":                                     "the name of a member",
		"{{ }}":                                  "a member such as record.id",
		"record.a }}":                            "}} without {{",
		"x }} {{ record.a }}":                    "}} without {{",
		"{{ {{ record.a }} }}":                   "a member such as record.id",
		"{{ record.a | lower }}":                 "where replace should be",
		"{{ record.a | replace }}":               "where ( should be",
		"{{ record.a | replace('a') }}":          "where , should be",
		"{{ record.a | replace(record.b, '') }}": "text in quotes",
		"{{ record.a | replace('', 'x') }}":      "an empty text to look for",
		"{{ record.a | replace('a', 'b' }}":      "where ) should be",
		"{{ not record.a }}":                     "a member such as record.id",
		"{{ env.HOME }}":                         "a member such as record.id",
		strings.Repeat("{{ record.a }}", 21):     "more than 20 parts",
		"{{ record.a " + strings.Repeat("|replace('a','b')", 21) + "}}": "more than 20 parts",
	} {
		if got, err := ParseText(text, "record"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %+v, %v, want %q", text, got, err, want)
		}
	}
	if _, err := ParseText("{{ a.b }}", ""); err == nil {
		t.Error("a parameter has a member")
	}
}

// What parses has few conditions, and each member has a name.
func FuzzParse(f *testing.F) {
	f.Add("not record.a and (record.b == 'x' or record.c != -1)")
	f.Add("a{{ record.value | replace('customers/', '') }}b")
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := ParseCondition(text, "record"); err == nil {
			if n := count(t, c, 0); n > MaxText {
				t.Errorf("%d conditions", n)
			}
		}
		parts, err := ParseText(text, "record")
		if err != nil {
			return
		}
		size := 0
		for _, p := range parts {
			if size += len(p.Constant); (p.Path == nil) == (p.Constant == "") {
				t.Errorf("a part is %+v", p)
			}
		}
		if size > len(text) {
			t.Errorf("%d bytes of constants", size)
		}
	})
}

func count(t *testing.T, c *Condition, depth int) int {
	if depth > 3*maxDepth+3 || len(c.Of) > 0 != (len(c.Path) == 0) {
		t.Fatalf("%d deep: %+v", depth, c)
	}
	n := 1
	for i := range c.Of {
		n += count(t, &c.Of[i], depth+1)
	}
	return n
}
