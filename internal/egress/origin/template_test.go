package origin

import (
	"errors"
	"strings"
	"testing"
)

// values makes the argument of Expand. A name that ends with a dot may have dots.
func values(pairs map[string]string) func(string) (string, bool, bool) {
	return func(name string) (string, bool, bool) {
		if text, ok := pairs[name]; ok {
			return text, false, true
		}
		text, ok := pairs[name+"."]
		return text, true, ok
	}
}

func TestTemplateExpand(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		template string
		given    map[string]string
		want     string
	}{
		{"https://api.vendor.example/v1", nil, "https://api.vendor.example/v1"},
		{"https://{tenant}.vendor.example/api/v2", map[string]string{"tenant": "acme-1"}, "https://acme-1.vendor.example/api/v2"},
		{"https://sell-{region}.vendor.example", map[string]string{"region": "na"}, "https://sell-na.vendor.example"},
		{"https://{a}-{b}.{c}.vendor.example:8443", map[string]string{"a": "x", "b": "y", "c": "0"}, "https://x-y.0.vendor.example:8443"},
		{"https://{account}.vendor.example", map[string]string{"account.": "xy1.eu-west-1"}, "https://xy1.eu-west-1.vendor.example"},
		{"https://{tenant}.vendor.example", map[string]string{"tenant": strings.Repeat("a", 63)}, "https://" + strings.Repeat("a", 63) + ".vendor.example"},
	} {
		tmpl, err := ParseTemplate(test.template)
		if err != nil {
			t.Errorf("%s: %v", test.template, err)
			continue
		}
		if got, err := tmpl.Expand(values(test.given)); got != test.want || err != nil {
			t.Errorf("%s: %q, %v", test.template, got, err)
		}
	}
}

// TestServerVariableStaysInTheDomain has values that would lead elsewhere.
//
// threat: C11, N10
func TestServerVariableStaysInTheDomain(t *testing.T) {
	t.Parallel()
	for _, dots := range []string{"", "."} {
		for _, value := range []string{
			"", "evil.example/", "evil.example/x", "a/..", "/", "evil@", "a@b", "a:80", ":", "a%2eb", "%2f", "a?b", "a#b", `a\b`, "a b", "a\tb", "a\nb", "a\x00b",
			"xn--bcher-kva", "xn--", "XN--A", "bücher", "b\u200bx", "evil\u3002example", "evil\uff0eexample", "evil\uff0fexample", "а", "a.", ".a", ".", "..", "a..b",
			"-a", "a-", "-", "A", "Acme", "a_b", "{a}", "}", "a*", "*", "[::1]", strings.Repeat("a", 64), strings.Repeat("a.", 130) + "a", "ab--c",
		} {
			tmpl, err := ParseTemplate("https://{tenant}.vendor.example/v1")
			if err != nil {
				t.Fatal(err)
			}
			if got, err := tmpl.Expand(values(map[string]string{"tenant" + dots: value})); err == nil {
				t.Errorf("dots %q: %q makes %s", dots, value, got)
			}
		}
	}
	tmpl, err := ParseTemplate("https://x{tenant}.vendor.example")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := tmpl.Expand(values(map[string]string{"tenant": "n--bcher-kva"})); err == nil {
		t.Errorf("a value completes a name in another script: %s", got)
	}
	tmpl, _ = ParseTemplate("https://{tenant}.vendor.example")
	for _, value := range []string{"a.b", "evil.example"} {
		if got, err := tmpl.Expand(values(map[string]string{"tenant": value})); err == nil {
			t.Errorf("%q has dots and makes %s", value, got)
		}
	}
	var missing *VariableError
	if _, err := tmpl.Expand(values(nil)); !errors.As(err, &missing) || missing.Variable != "tenant" {
		t.Errorf("without a value: %v", err)
	}
}

// TestVariablesBeforeEverybodysNames has suffixes of the private section: one label is a
// tenant of the vendor's, as in myshopify.com, and more may lead to anybody.
//
// threat: C11
func TestVariablesBeforeEverybodysNames(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		template, value string
		allowed         bool
	}{
		{"https://{a}.myshopify.com", "acme", true},
		{"https://{a}.github.io", "acme", true},
		{"https://{a}.amazonaws.com", "kms", true},
		{"https://{a}.amazonaws.com", "kms.eu-west-1", true},
		{"https://{a}.amazonaws.com", "s3", false},
		{"https://{a}.amazonaws.com", "evil.s3", false},
		{"https://evil.{a}.amazonaws.com", "s3", false},
		{"https://{a}.windows.net", "evil.blob.core", false},
	} {
		tmpl, err := ParseTemplate(test.template)
		if err != nil {
			t.Fatal(err)
		}
		got, err := tmpl.Expand(values(map[string]string{"a.": test.value}))
		if test.allowed != (err == nil) || err != nil && !strings.Contains(err.Error(), "everybody") {
			t.Errorf("%s with %s: %q, %v", test.template, test.value, got, err)
		}
	}
}

// threat: C11
func TestParseTemplateRefuses(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"https://{host}", "https://{host}/v1", "https://{a}.example", "https://a.{b}", "https://vendor.{tld}/v1", "https://{a}example.com", "https://api-{a}",
		"http://{a}.vendor.example", "HTTPS://{a}.vendor.example", "{scheme}://a.vendor.example", "{url}/v1", "//{a}.vendor.example",
		"https://{a}.vendor.example:{port}", "https://{a}.vendor.example/{version}", "https://a.vendor.example/{version}", "https://vendor.example?x={a}",
		"https://user@{a}.vendor.example", "https://{a}@evil.example", "https://{a}{b}.vendor.example", "https://{}.vendor.example", "https://{A}.vendor.example",
		"https://{a.vendor.example", "https://a}.vendor.example", "https://{a}}.vendor.example", "https://{{a}}.vendor.example", "https://{a.b}.vendor.example",
		"https://{a}..vendor.example", "https://{a}.vendor.example.", "https://{a}.-vendor.example", "https://{a}.vendor.example:0", "https://{a}.vendor.example/../x",
		"https://{a}.10.0", "https://{a}.0.1", "https://{a}.bücher.example", "https://{a}.VENDOR.example", "https://{a}.{b}.{c}.{d}.{e}.{f}.vendor.example", "https://xn-{a}-b.vendor.example/{",
	} {
		if tmpl, err := ParseTemplate(bad); err == nil {
			t.Errorf("%q is taken, for %v in %s", bad, tmpl.Variables(), tmpl.Suffix())
		}
	}
}

// threat: C11, A7
func FuzzTemplate(f *testing.F) {
	f.Add("https://{a}.vendor.example/v1", "tenant", false)
	f.Add("https://x-{a}.{b}.vendor.example:8443", "a.b", true)
	f.Add("https://{a}.vendor.example", "evil.example/", true)
	f.Fuzz(func(t *testing.T, s, value string, dots bool) {
		tmpl, err := ParseTemplate(s)
		if err != nil || len(tmpl.Variables()) == 0 {
			return
		}
		expanded, err := tmpl.Expand(func(string) (string, bool, bool) { return value, dots, true })
		if err != nil {
			return
		}
		o, _, err := ParseServer(expanded)
		if err != nil || o.Scheme != "https" || !strings.HasSuffix(o.Host, "."+tmpl.Suffix()) || strings.Count(tmpl.Suffix(), ".") < 1 {
			t.Errorf("%q with %q is %q, %+v, %v", s, value, expanded, o, err)
		}
	})
}
