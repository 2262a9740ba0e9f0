package hostile_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
)

// source makes hostile things from a seed.
type source struct{ *rand.Rand }

// one returns one of several.
func one[T any](s *source, of ...T) T { return of[s.IntN(len(of))] }

// size is a number of bytes of any order of magnitude up to most.
func (s *source) size(most int) int {
	n := 1
	for n < most && s.IntN(8) > 0 {
		n *= 2 + s.IntN(4)
	}
	return min(n, most)
}

func (s *source) number(most int) string {
	digits := strings.Repeat("9", 1+s.size(most))
	return one(s, "1e99999999", "-1e-99999999", "1E400", "1e401", "-0.0e-0", "9007199254740993", "1.5", digits, "-"+digits, "0."+digits, digits+"e"+digits, "1e"+digits[:min(len(digits), 30)])
}

// text is a JSON string.
func (s *source) text(most int) string {
	part := one(s, "x", "<a", "<a>", "Ⱥ", "%25", "%2525", `\ud83d\ude00`, `\ud83d`, `\u0000`, "\u202e", "\xff", "𝔸", "a{1000}", "(a*)*", "../", `\\`, `\/`, "\u200b", "{id}", "canary-", token)
	return `"` + strings.Repeat(part, 1+s.size(most)/len(part)) + `"`
}

// value is a JSON value of about so many bytes at most, and now and then no JSON.
func (s *source) value(most int) string {
	many := func(part string) string {
		return strings.Repeat(part+",", s.size(most)/(len(part)+1)) + part
	}
	deep := func(open, inside, end string) string {
		n := one(s, 10, 63, 64, 65, 500, 999, 1000, 1001, 10_001)
		n = min(n, max(1, most/(len(open)+len(end))))
		return strings.Repeat(open, n) + inside + strings.Repeat(end, n)
	}
	switch s.IntN(14) {
	case 0:
		return s.number(most)
	case 1:
		return s.text(most)
	case 2:
		return "[" + many(one(s, "1", "{}", "[]", `""`, "null", "1e400", `"a"`, `{"a":1}`, "[1,[2]]")) + "]"
	case 3:
		return "{" + many(one(s, `"a":1`, `"":""`, `"a":{}`, `"\u0061":[]`)) + "}"
	case 4:
		return "{" + s.names(most, "1") + "}"
	case 5:
		return deep("[", "1", "]")
	case 6:
		return deep(`{"a":`, s.text(100), "}")
	case 7:
		return deep(`[{"a":[`, many("1"), `]}]`)
	case 8:
		return deep("[1,", "1", "]")
	case 9:
		return `{"` + strings.Repeat(one(s, "n", "é", `\u0041`), 1+s.size(most)/6) + `":` + s.number(20) + "}"
	case 10:
		whole := s.value(most)
		return whole[:s.IntN(len(whole)+1)] // cut off
	case 11:
		return one(s, "", " ", "null", "true", "-", `"`, "{", "[", "\x00", "\ufeff{}", "NaN", "[1,]", `{"a"}`, "{}{}", "'a'")
	case 12:
		b := make([]byte, s.size(min(most, 4096)))
		for i := range b {
			b[i] = byte(s.Uint32())
		}
		return string(b)
	}
	return one(s, "{}", "[]", "0", `""`, "false")
}

// names are members of different names.
func (s *source) names(most int, value string) string {
	var b strings.Builder
	for i := 0; b.Len() < s.size(most); i++ {
		fmt.Fprintf(&b, `"m%d":%s,`, i, value)
	}
	return b.String() + `"last":` + value
}

// marked returns a document as JSON with a hostile value in the place of one that it has.
func (s *source) marked(document map[string]any, hostile string) string {
	const mark = "@@mark@@"
	replace(s, document, mark)
	b, err := json.Marshal(document)
	if err != nil {
		panic(err) // it is made of plain values
	}
	return strings.Replace(string(b), `"`+mark+`"`, hostile, 1)
}

// replace puts a mark in the place of one value somewhere in an object.
func replace(s *source, in map[string]any, mark string) {
	names := sorted(in)
	name := names[s.IntN(len(names))]
	switch v := in[name].(type) {
	case map[string]any:
		if len(v) > 0 && s.IntN(6) > 0 {
			replace(s, v, mark)
			return
		}
	case []any:
		if len(v) > 0 && s.IntN(6) > 0 {
			i := s.IntN(len(v))
			if m, ok := v[i].(map[string]any); ok {
				replace(s, m, mark)
			} else {
				v[i] = mark
			}
			return
		}
	}
	in[name] = mark
}
