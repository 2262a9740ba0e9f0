package policy

import (
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host/grant"
)

func TestRequestRulesThatAreRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                          "not a method and a path",
		"GET":                       "not a method and a path",
		"GET  /a":                   "not a method and a path",
		"GET /a b":                  "not a method and a path",
		"TRACE /a":                  "not a supported method",
		"get /a":                    "not a supported method",
		"GET https://a.example":     "the URL has no path",
		"GET https:///a":            "host",
		"GET ftp://a.example/":      "ftp",
		"GET https://u@a.example/b": "",
		"GET /a/*":                  "the segment *",
		"GET /a/**/b":               "the segment **",
		"GET a":                     "",
		"GET /a?b=c":                "",
	} {
		_, err := parseRequestRule(text)
		if err == nil || !strings.Contains(err.Error(), want) || want != "the URL has no path" && strings.Contains(err.Error(), "has no path") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	for _, text := range []string{"GET /a", "* /a/{id}", "GET /**", "GET /a/**", "GET https://a.example/b", "DELETE https://a.example/**"} {
		if _, err := parseRequestRule(text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestMatcherInWords(t *testing.T) {
	t.Parallel()
	values := func(n int) grant.ParamRule {
		var list []any
		for i := range n {
			list = append(list, i)
		}
		return grant.ParamRule{Values: list}
	}
	for _, test := range []struct {
		rule        grant.ParamRule
		text, asked string
	}{
		{values(1), "0", "[0]"},
		{values(2), "one of 0, 1", "[0, 1]"},
		{values(10), "one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9", "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"},
		{values(11), "one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 or 1 others", "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ...]"},
		{values(13), "one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 or 3 others", "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ...]"},
		{grant.ParamRule{Pattern: "a+"}, "a text that matches a+", `{pattern: "a+"}`},
	} {
		m, err := newMatcher(test.rule)
		if err != nil || m.String() != test.text || m.config() != test.asked {
			t.Errorf("%v: %q and %q, %v; want %q and %q", test.rule, m.String(), m.config(), err, test.text, test.asked)
		}
	}
}
