package pathtemplate

import (
	"errors"
	"net/url"
	"strings"
	"testing"
)

func TestParseTemplate(t *testing.T) {
	for _, good := range []string{"/", "/me", "/issues/{id}", "/issues/{id}/messages/{message_id}", "/files/{name}.json", "/v1:search", "/x/", "/{a}-{b}"} {
		tmpl, err := ParseTemplate(good)
		if err != nil {
			t.Errorf("%q: %v", good, err)
		} else if tmpl.String() != good {
			t.Errorf("%q prints as %q", good, tmpl)
		}
	}
	for bad, want := range map[string]string{
		"":                                     "does not start with a slash",
		"issues":                               "does not start with a slash",
		"https://x/y":                          "does not start with a slash",
		"//evil.example":                       "empty segment",
		"/a//b":                                "empty segment",
		"/a/../b":                              `segment 2 is ".."`,
		"/.":                                   `segment 1 is "."`,
		"/a?b=c":                               "cannot stand in a path",
		"/a#b":                                 "cannot stand in a path",
		"/a%2fb":                               "cannot stand in a path",
		"/a b":                                 "cannot stand in a path",
		"/a\\b":                                "cannot stand in a path",
		"/a;b":                                 "cannot stand in a path",
		"/a\nb":                                "cannot stand in a path",
		"/é":                                   "cannot stand in a path",
		"/a}":                                  "cannot stand in a path",
		"/{id":                                 "not closed",
		"/{}":                                  "not a name",
		"/{i d}":                               "not a name",
		"/{1a}":                                "not a name",
		"/{a{b}}":                              "not a name",
		"/{a}/{a}":                             "appears twice",
		"/{a}{b}":                              "nothing divides",
		"/" + strings.Repeat("a", MaxTemplate): "longer than",
	} {
		if _, err := ParseTemplate(bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", bad, err, want)
		}
	}
}

func TestExpand(t *testing.T) {
	type values = map[string]string
	for _, test := range []struct {
		template string
		values   values
		want     string // the path, or ! and a part of the error
	}{
		{"/me", nil, "/me"},
		{"/issues/{id}", values{"id": "42"}, "/issues/42"},
		{"/a/{x}/b/{y}.json", values{"x": "1", "y": "2"}, "/a/1/b/2.json"},
		{"/i/{id}", values{"id": "a/b"}, "/i/a%2Fb"},
		{"/i/{id}", values{"id": "100%"}, "/i/100%25"},
		{"/i/{id}", values{"id": "%2e%2e"}, "/i/%252e%252e"},
		{"/i/{id}", values{"id": "a?b#c;d"}, "/i/a%3Fb%23c%3Bd"},
		{"/i/{id}", values{"id": `a\b`}, "/i/a%5Cb"},
		{"/i/{id}", values{"id": "é @:+&="}, "/i/%C3%A9%20%40%3A%2B%26%3D"},
		{"/i/{id}", values{"id": "..."}, "/i/..."},
		{"/i/{id}", values{"id": "a..b"}, "/i/a..b"},
		{"/i/{id}", values{"id": strings.Repeat("a", MaxValue)}, "/i/" + strings.Repeat("a", MaxValue)},
		{"/i/{id}", values{"id": " ~"}, "/i/%20~"},
		{"/i/{id}", nil, `!"id" is missing`},
		{"/i/{id}", values{"id": ""}, `!"id" is empty`},
		{"/i/{id}", values{"id": "."}, `!"id" makes a segment`},
		{"/i/{id}", values{"id": ".."}, `!"id" makes a segment`},
		{"/i/.{id}", values{"id": "."}, `!"id" makes a segment`},
		{"/i/{id}.", values{"id": "."}, `!"id" makes a segment`},
		{"/i/{id}/x", values{"id": ".."}, `!"id" makes a segment`},
		{"/i/{id}", values{"id": "../../users/1"}, `!"id" has a step`},
		{"/i/{id}", values{"id": `..\users`}, `!"id" has a step`},
		{"/i/{id}", values{"id": "a\nb"}, `!"id" has a control`},
		{"/i/{id}", values{"id": "a\x00"}, `!"id" has a control`},
		{"/i/{id}", values{"id": "a\u0085"}, `!"id" has a control`},
		{"/i/{id}", values{"id": "a\xff"}, `!"id" is not UTF-8`},
		{"/i/{id}", values{"id": strings.Repeat("a", MaxValue+1)}, `!"id" is too long`},
		{"/i/{id}", values{"id": "1", "other": "2"}, `!"other" is not in the template`},
		{"/me", values{"id": "1"}, `!"id" is not in the template`},
	} {
		tmpl, err := ParseTemplate(test.template)
		if err != nil {
			t.Fatal(err)
		}
		got, err := tmpl.Expand(test.values)
		if part, fails := strings.CutPrefix(test.want, "!"); fails {
			var param *ParamError
			if !errors.As(err, &param) || !strings.Contains(err.Error(), part) {
				t.Errorf("%s with %q: %q, %v, want error %q", test.template, test.values, got, err, part)
			}
		} else if err != nil || got != test.want {
			t.Errorf("%s with %q: %q, %v, want %q", test.template, test.values, got, err, test.want)
		} else if !tmpl.Match(got) && !strings.Contains(got, "%2F") && !strings.Contains(got, "%25") && !strings.Contains(got, "%5C") {
			t.Errorf("%s does not match its own expansion %q", test.template, got)
		}
	}
}

// threat: N7
func TestMatch(t *testing.T) {
	for _, test := range []struct {
		template, path string
		want           bool
	}{
		{"/me", "/me", true},
		{"/me", "/me/", false},
		{"/me", "/mee", false},
		{"/i/{id}", "/i/1", true},
		{"/i/{id}", "/i/", false},
		{"/i/{id}", "/i/1/2", false},
		{"/i/{id}", "/i/..", false},
		{"/i/{id}", "/i/%2e%2e", false},
		{"/i/{id}", "/i/a%2Fb", false},
		{"/i/{id}", "/i/a%2fb", false},
		{"/i/{id}", "/i/a%5cb", false},
		{"/i/{id}", "/i/a%252e", false},
		{"/i/{id}", "/i/a%0a", false},
		{"/i/{id}", "/i/a%4", false},
		{"/i/{id}", "/i/a%zz", false},
		{"/i/{id}", "/i/a%20b", true},
		{"/i/{id}", "/i/a?b", false},
		{"/i/{id}/m", "/i/1/m", true},
		{"/i/{id}/m", "/i/1/2/m", false},
		{"/{a}-{b}", "/x-y-z", true},
		{"/{a}-{b}", "/-y", false},
		{"/{a}-{b}", "/--y", true},
		{"/f/{n}.json", "/f/a.json.json", true},
		{"/f/{n}.json", "/f/.json", false},
		{"/", "/", true},
	} {
		tmpl, err := ParseTemplate(test.template)
		if err != nil {
			t.Fatal(err)
		}
		if got := tmpl.Match(test.path); got != test.want {
			t.Errorf("%s matches %q: %v", test.template, test.path, got)
		}
	}
	if (Template{}).Match("") {
		t.Error("the zero template matches")
	}
}

// FuzzTemplate checks that whatever a template and a value are, the path that comes out
// has the segments of the template, and gives the value back when it is unescaped.
// threat: A7
func FuzzTemplate(f *testing.F) {
	f.Add("/i/{id}/m", "a/b")
	f.Add("/{a}.json", "..")
	f.Add("/.{a}", ".")
	f.Add("/x", "%2e%2e%2f")
	f.Fuzz(func(t *testing.T, source, value string) {
		tmpl, err := ParseTemplate(source)
		if err != nil {
			return
		}
		values := map[string]string{}
		for _, name := range tmpl.Params() {
			values[name] = value
		}
		path, err := tmpl.Expand(values)
		if err != nil {
			return
		}
		if strings.Count(path, "/") != strings.Count(source, "/") {
			t.Fatalf("%q with %q has other segments: %q", source, value, path)
		}
		u, err := url.ParseRequestURI(path)
		if err != nil || u.RawQuery != "" || u.Fragment != "" || u.Host != "" || u.EscapedPath() != path {
			t.Fatalf("%q with %q: %q does not survive the URL parser: %v", source, value, path, err)
		}
		for i, segment := range strings.Split(path, "/") {
			if segment == "." || segment == ".." || segment == "" && i > 0 && path != "/" && i < strings.Count(path, "/") {
				t.Fatalf("%q with %q: segment %q in %q", source, value, segment, path)
			}
		}
		want := source
		for _, name := range tmpl.Params() {
			want = strings.Replace(want, "{"+name+"}", value, 1)
		}
		if len(values) <= 1 && u.Path != want {
			t.Fatalf("%q with %q unescapes to %q", source, value, u.Path)
		}
		if Plain(path) && !tmpl.Match(path) {
			t.Fatalf("%q does not match its expansion %q", source, path)
		}
	})
}
