package pathtemplate

import (
	"regexp"
	"strings"
	"testing"
)

func template(t testing.TB, source string) Template {
	t.Helper()
	tmpl, err := ParseTemplate(source)
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

// A connector's update may not reach more by a template that only looks like the one
// that was approved.
// threat: C10
func TestCovers(t *testing.T) {
	for _, test := range []struct {
		wide, narrow string
		want, back   bool
	}{
		{"/issues/{id}", "/issues/{id}", true, true},
		{"/issues/{id}", "/issues/{issue_id}", true, true},
		{"/issues/{id}", "/issues/export", true, false},
		{"/issues/{id}", "/issues/export-{id}", true, false},
		{"/issues/{id}", "/issues/{id}.json", true, false},
		{"/{a}/{b}", "/issues/{id}", true, false},
		{"/{a}-{b}", "/x-{b}", true, false},
		{"/{a}-{b}", "/{a}-{b}-{c}", true, false},
		{"/{a}-{b}", "/{a}_{b}", false, false},
		{"/{a}", "/issues/{id}", false, false},
		{"/{a}", "/", false, false},
		{"/issues/{id}", "/issues/", false, false},
		{"/issues/{id}", "/issues/{id}/", false, false},
		{"/issues/{id}", "/issues/{id}/messages", false, false},
		{"/issues", "/issues/", false, false},
		{"/x{a}", "/{a}x", false, false},
		{"/x{a}x", "/xx", false, false},
		{"/x{a}x", "/xx{b}xx", true, false},
	} {
		wide, narrow := template(t, test.wide), template(t, test.narrow)
		if got := wide.Covers(narrow); got != test.want {
			t.Errorf("%s covers %s: %v", wide, narrow, got)
		}
		if got := narrow.Covers(wide); got != test.back {
			t.Errorf("%s covers %s: %v", narrow, wide, got)
		}
	}
	if (Template{}).Covers(Template{}) || template(t, "/").Covers(Template{}) {
		t.Error("something covers the zero template")
	}
}

// FuzzMatch compares the matcher with regular expressions, and asks of every pair of
// templates whether the one that covers really holds what the other expands to.
// threat: A7, C10
func FuzzMatch(f *testing.F) {
	f.Add("/i/{id}", "/i/{x}.json", "a", "/i/a.json")
	f.Add("/{a}-{b}", "/x-{b}", "-", "/x--")
	f.Add("/i/{id}", "/i/..", "%2f", "/i/%2e%2E")
	f.Add("/", "/{a}/{b}", "x/y", "/x%2Fy")
	f.Fuzz(func(t *testing.T, source, other, value, path string) {
		tmpl, err := ParseTemplate(source)
		if err != nil {
			return
		}
		expression := "(?s)^"
		for _, p := range tmpl.parts {
			if p.param != "" {
				expression += "[^/]+"
			} else {
				expression += regexp.QuoteMeta(p.literal)
			}
		}
		// A regular expression reads runes, and the matcher bytes.
		if ascii(path) {
			if want, got := regexp.MustCompile(expression+`\z`).MatchString(path), tmpl.Holds(path); want != got {
				t.Fatalf("%s holds %q: %v", source, path, got)
			}
		}
		if tmpl.Match(path) && (!tmpl.Holds(path) || strings.Count(path, "/") != strings.Count(source, "/")) {
			t.Fatalf("%s matches %q", source, path)
		}
		inner, err := ParseTemplate(other)
		if err != nil {
			return
		}
		values := map[string]string{}
		for _, name := range inner.Params() {
			values[name] = value
		}
		expanded, err := inner.Expand(values)
		if err != nil {
			return
		}
		if !inner.Holds(expanded) {
			t.Fatalf("%s does not hold its expansion %q", other, expanded)
		}
		if tmpl.Covers(inner) && !tmpl.Holds(expanded) {
			t.Fatalf("%s covers %s and does not hold %q", source, other, expanded)
		}
		if tmpl.Covers(inner) && inner.Match(expanded) && !tmpl.Match(expanded) {
			t.Fatalf("%s covers %s and does not match %q", source, other, expanded)
		}
	})
}

func ascii(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= 0x80 }) < 0
}
