package redact

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/agenthost/agenthost/host/secret"
)

// encodings are ways in which an endpoint may echo a text. Each gives back valid text
// for the inside of a JSON string where inJSON is set.
var encodings = []struct {
	name   string
	encode func(string) string
}{
	{"raw", func(s string) string { return s }},
	{"json", jsonEscape},
	{"json twice", func(s string) string { return jsonEscape(jsonEscape(s)) }},
	{"json three times", func(s string) string { return jsonEscape(jsonEscape(jsonEscape(s))) }},
	{"json with solidus", func(s string) string { return strings.ReplaceAll(jsonEscape(s), "/", `\/`) }},
	{"json all \\u", unicodeEscape},
	{"json all \\u upper", func(s string) string { return strings.ReplaceAll(strings.ToUpper(unicodeEscape(s)), `\U`, `\u`) }},
	{"json every second", func(s string) string {
		var b strings.Builder
		for i, r := range s {
			if i%2 == 0 && r < 0x80 {
				fmt.Fprintf(&b, `\u%04x`, r)
			} else {
				b.WriteString(jsonEscape(string(r)))
			}
		}
		return b.String()
	}},
	{"query", url.QueryEscape},
	{"query lower", func(s string) string { return lowerHex(url.QueryEscape(s)) }},
	{"path", url.PathEscape},
	{"path lower", func(s string) string { return lowerHex(url.PathEscape(s)) }},
	{"percent all", percentAll},
	{"percent twice", func(s string) string { return url.QueryEscape(percentAll(s)) }},
	{"percent thrice", func(s string) string { return url.QueryEscape(url.QueryEscape(percentAll(s))) }},
	{"hex", func(s string) string { return hex.EncodeToString([]byte(s)) }},
	{"hex upper", func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) }},
	{"base64 in a query", func(s string) string { return url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(s))) }},
	{"base64 with solidus", func(s string) string {
		return strings.ReplaceAll(base64.StdEncoding.EncodeToString([]byte(s)), "/", `\/`)
	}},
	{"base64 with \\u002B", func(s string) string {
		return strings.ReplaceAll(base64.StdEncoding.EncodeToString([]byte(s)), "+", `\u002B`)
	}},
	{"html", html.EscapeString},
	{"html twice", func(s string) string { return html.EscapeString(html.EscapeString(s)) }},
	{"html decimal", func(s string) string { return htmlNumbers(s, "&#%d;") }},
	{"html hexadecimal", func(s string) string { return htmlNumbers(s, "&#x%x;") }},
	{"html with zeros", func(s string) string { return htmlNumbers(s, "&#X%08X;") }},
	{"html names", htmlNames},
	{"html in json", func(s string) string { return jsonEscape(htmlNumbers(s, "&#%d;")) }},
	{"html in json in json", func(s string) string { return jsonEscape(jsonEscape(html.EscapeString(s))) }},
	{"html in a query", func(s string) string { return url.QueryEscape(htmlNumbers(s, "&#%d;")) }},
	{"html in a path", func(s string) string { return url.PathEscape(html.EscapeString(s)) }},
	{"names of html in a path", func(s string) string { return url.PathEscape(htmlNames(s)) }},
	{"html in a query in json", func(s string) string { return unicodeEscape(url.QueryEscape(htmlNames(s))) }},
	{"a query in html", func(s string) string { return htmlNumbers(percentAll(s), "&#%d;") }},
	{"json in a query", func(s string) string { return url.QueryEscape(jsonEscape(s)) }},
	{"a query in json", func(s string) string { return unicodeEscape(url.QueryEscape(s)) }},
	{"json in html", func(s string) string { return html.EscapeString(jsonEscape(s)) }},
	{"javascript", javaScriptEscape},
	{"utf-16", func(s string) string { return string(inUTF16(binary.LittleEndian, []byte(s))) }},
	{"utf-16, big end first", func(s string) string { return string(inUTF16(binary.BigEndian, []byte(s))) }},
	{"utf-16 in a query", func(s string) string { return percentAll(string(inUTF16(binary.LittleEndian, []byte(s)))) }},
	{"utf-16 in base64", func(s string) string {
		return base64.StdEncoding.EncodeToString(inUTF16(binary.LittleEndian, []byte(s)))
	}},
	{"utf-16 in base64 in a query", func(s string) string {
		return url.QueryEscape(base64.StdEncoding.EncodeToString(inUTF16(binary.BigEndian, []byte(s))))
	}},
}

func jsonEscape(s string) string {
	b, _ := json.Marshal(s)
	return string(b[1 : len(b)-1])
}

func unicodeEscape(s string) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, `\u%04x`, u)
	}
	return b.String()
}

func htmlNumbers(s, format string) string {
	var b strings.Builder
	for _, r := range s {
		fmt.Fprintf(&b, format, r)
	}
	return b.String()
}

// htmlNames writes every character that has a name in HTML by it.
func htmlNames(s string) string {
	names := make(map[byte]string)
	for _, name := range slices.Sorted(maps.Keys(entities)) {
		names[entities[name]] = name
	}
	var b strings.Builder
	for i := range len(s) {
		if name, ok := names[s[i]]; ok {
			b.WriteString("&" + name + ";")
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// javaScriptEscape is what JavaScript's escape writes.
func javaScriptEscape(s string) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(s)) {
		switch {
		case u >= 0x80:
			fmt.Fprintf(&b, "%%u%04X", u)
		case isWord(byte(u)) || strings.ContainsRune("@*_+-./", rune(u)):
			b.WriteByte(byte(u))
		default:
			fmt.Fprintf(&b, "%%%02X", u)
		}
	}
	return b.String()
}

func percentAll(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, "%%%02X", s[i])
	}
	return b.String()
}

func lowerHex(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:], bytes.ToLower(b[i+1:i+3]))
		}
	}
	return string(b)
}

var secrets = []string{
	"pylon_api_0123456789abcdef",
	"12345678",
	"p+ss/w=rd?&x",
	`quo"te\back/slash`,
	`ends with backslash\`,
	`\starts with one`,
	"%41%42%43%44",
	"pass word with spaces",
	"<script>&'\"",
	"ünïcödé-töken",
	"emoji 😀 token",
	"line\nbreak\ttab",
	"aaaaaaaaaaaaaaaa",
	strings.Repeat("long-", 60),
	"\x01\x02\x03\x04\x05\x06\x07\x08binary",
}

// threat: N11
func TestRedactorFindsEveryEncoding(t *testing.T) {
	for _, s := range secrets {
		r := New(secret.New([]byte(s)))
		for _, e := range encodings {
			encoded := e.encode(s)
			for _, around := range []struct{ before, after string }{
				{"", ""}, {"x", "x"}, {"before ", " after"}, {`{"echo":"`, `"}`}, {"A", "=="}, {`\`, `\`}, {"%", "41"}, {`\u00`, `41`},
			} {
				text := around.before + encoded + around.after
				out, found := r.Redact([]byte(text))
				if !found || !bytes.Contains(out, []byte(redacted)) || bytes.Contains(out, []byte(encoded)) {
					t.Errorf("%q as %s in %q gives %q", s, e.name, text, out)
				}
				if json.Valid([]byte(text)) && !json.Valid(out) {
					t.Errorf("%q as %s in %s is no longer JSON: %s", s, e.name, text, out)
				}
			}
		}
	}
}

// threat: N11
func TestRedactorFindsBase64AtEveryOffset(t *testing.T) {
	alphabets := map[string]*base64.Encoding{
		"std": base64.StdEncoding, "raw std": base64.RawStdEncoding, "url": base64.URLEncoding, "raw url": base64.RawURLEncoding,
	}
	for _, s := range secrets {
		r := New(secret.New([]byte(s)))
		for name, encoding := range alphabets {
			for lead := range 7 {
				for tail := range 4 {
					encoded := encoding.EncodeToString([]byte(strings.Repeat("u", lead) + s + strings.Repeat("v", tail)))
					out, found := r.Redact([]byte(`{"authorization":"Basic ` + encoded + `"}`))
					if !found || !json.Valid(out) {
						t.Fatalf("%q in %s with %d before and %d after gives %s", s, name, lead, tail, out)
					}
					rest, _, _ := strings.Cut(strings.TrimPrefix(string(out), `{"authorization":"Basic `), `"}`)
					decoded, err := encoding.WithPadding(base64.NoPadding).DecodeString(strings.Trim(strings.ReplaceAll(rest, redacted, ""), "="))
					if err == nil && strings.ContainsAny(string(decoded), strings.Map(noFiller, s)) && len(s) > 10 && len(decoded) > lead+tail {
						t.Errorf("%q in %s with %d before and %d after leaves %q", s, name, lead, tail, decoded)
					}
				}
			}
		}
	}
}

func noFiller(r rune) rune {
	if r == 'u' || r == 'v' {
		return -1
	}
	return r
}

func TestRedactorLeavesTheRest(t *testing.T) {
	r := New(secret.New([]byte("tok/en-123456")), secret.New([]byte("other-secret")), secret.Value{})
	for in, want := range map[string]string{
		`{"a":"x tok/en-123456 y","b":1}`:          `{"a":"x [redacted] y","b":1}`,
		`{"a":"tok\/en-123456"}`:                   `{"a":"[redacted]"}`,
		`{"a":"Basic dG9rL2VuLTEyMzQ1Njo=","b":2}`: `{"a":"Basic [redacted]o=","b":2}`,
		`tok%2Fen-123456&x=other-secret`:           `[redacted]&x=[redacted]`,
		`["tok/en-123456other-secret"]`:            `["[redacted]"]`,
		`{"tok/en-123456":"key"}`:                  `{"[redacted]":"key"}`,
	} {
		if out, found := r.Redact([]byte(in)); string(out) != want || !found {
			t.Errorf("%s gives %s, %v, want %s", in, out, found, want)
		}
	}
	in := []byte(`{"a":"nothing \n \"here\" tok/en-12345 %41 \u0041","b":[1,2,3]}`)
	out, found := r.Redact(in)
	if found || &out[0] != &in[0] {
		t.Errorf("a text without secrets is not returned as it is: %s", out)
	}
	if got := r.RedactString("x other-secret"); got != "x [redacted]" {
		t.Errorf("got %q", got)
	}
}

// The structure of a document may spell a secret. It must neither survive nor break the
// document.
func TestRedactorKeepsJSONValid(t *testing.T) {
	for _, test := range []struct{ secret, in, want string }{
		{"12345678", `{"n":12345678}`, `{"n":"[redacted]"}`},
		{"12345678", `{"n":-912345678.5e+3,"m":2}`, `{"n":"[redacted]","m":2}`},
		{"12345678", `12345678`, `"[redacted]"`},
		{`a","b":"c`, `{"x":"a","b":"c"}`, `"[redacted]"`},
		{`[1,2,3,4,5]`, `{"x":[1,2,3,4,5]}`, `"[redacted]"`},
		{`n123456789`, `{"x":"\n123456789"}`, `{"x":"[redacted]"}`},
		{`41bcdefgh`, `{"x":"\u0041bcdefgh"}`, `{"x":"[redacted]"}`},
		{`abcdefgh\`, `{"x":"abcdefgh\\"}`, `{"x":"[redacted]"}`},
		{`abcdefgh\`, `{"x":"abcdefgh\n"}`, `{"x":"[redacted]"}`},
		{`"abcdefgh`, `{"x":"abcdefgh"}`, `{"x":"[redacted]"}`},
		{`abcdefgh"`, `{"x":"abcdefgh","y":1}`, `{"x":"[redacted]","y":1}`},
		{"\xa9abcdefgh", "{\"x\":\"éabcdefgh\"}", `{"x":"[redacted]"}`},
		{"true,false", `[true,false]`, `"[redacted]"`},
		{"   \n    ", "[1,   \n    2]", `"[redacted]"`},
		{"x[redacted]y", `{"a":"xx[redacted]yy"}`, `{"a":"[redacted]"}`},
	} {
		out, found := New(secret.New([]byte(test.secret))).Redact([]byte(test.in))
		if !found || string(out) != test.want || !json.Valid(out) {
			t.Errorf("%q in %s gives %s, want %s", test.secret, test.in, out, test.want)
		}
	}
}

func TestShortSecrets(t *testing.T) {
	r := New(secret.New([]byte("test")), secret.New([]byte("abc")), secret.New([]byte("redacted")))
	for in, want := range map[string]string{
		`Bearer test`:          `Bearer [redacted]`,
		`{"t":"test"}`:         `{"t":"[redacted]"}`,
		`{"t":"\u0074est"}`:    `{"t":"[redacted]"}`,
		`the latest testament`: `the latest testament`,
		`dGVzdA==`:             `dGVzdA==`,
		`abc`:                  `abc`,
		`redacted`:             `redacted`,
	} {
		if got := r.RedactString(in); got != want {
			t.Errorf("%s gives %s, want %s", in, got, want)
		}
	}
	var none *Redactor
	if got, found := none.Redact([]byte("x")); found || string(got) != "x" {
		t.Error("a nil Redactor finds something")
	}
	if got := (&Redactor{}).RedactString("x"); got != "x" {
		t.Error("the zero Redactor finds something")
	}
}

// A regression: a secret of backslashes in a text of backslashes took minutes, because
// each can be read in many ways.
func TestRedactorBoundsItsWork(t *testing.T) {
	for _, s := range []string{strings.Repeat(`\`, 100), strings.Repeat("%25", 100), strings.Repeat("A", 200)} {
		r := New(secret.New([]byte(s)))
		for _, unit := range []string{`\`, "%25", `\u0041`, "%", "&amp;", "&#37;", "&&#x", "&#x0000000", `\u0026`, `\\\"`} {
			text := strings.Repeat(unit, 20000)
			if out := r.RedactString(text); strings.Contains(out, s) {
				t.Errorf("%.10s... survives in %.10s...", s, text)
			}
		}
	}
}

// tired is a context that ends when somebody has looked at it some times.
type tired struct {
	context.Context
	looks int
}

func (c *tired) Err() error {
	if c.looks--; c.looks < 0 {
		return context.Canceled
	}
	return nil
}

func TestRedactorStopsWithItsContext(t *testing.T) {
	r := New(secret.New([]byte("pylon_api_0123456789abcdef")))
	slow := []byte(strings.Repeat(`\u0070`, 1<<15))
	patient := &tired{t.Context(), 1 << 30}
	if out, found, err := r.RedactContext(patient, slow); err != nil || found || len(out) != len(slow) {
		t.Fatal(len(out), found, err)
	}
	looks := 1<<30 - patient.looks
	if looks < 5 {
		t.Fatalf("the context is looked at %d times in a text that is slow to search", looks)
	}
	for _, n := range []int{0, looks / 2} {
		ctx := &tired{t.Context(), n}
		if out, found, err := r.RedactContext(ctx, slow); !errors.Is(err, context.Canceled) || found || out != nil || ctx.looks != -1 {
			t.Errorf("after %d looks: %d bytes, %v, %v; looked %d times more", n, len(out), found, err, -ctx.looks)
		}
	}
	echo := []byte(`{"echo":"pylon_api_0123456789abcdef"}`)
	if out, found, err := r.RedactContext(&tired{t.Context(), 0}, echo); err != nil || !found || string(out) != `{"echo":"[redacted]"}` {
		t.Errorf("%s %v %v", out, found, err)
	}
}

// FuzzRedactor checks that a secret survives in no encoding, whatever stands around it,
// and that JSON stays JSON.
// threat: N11
func FuzzRedactor(f *testing.F) {
	for i, s := range secrets {
		f.Add(s, "before", "after", uint8(i))
	}
	f.Fuzz(func(t *testing.T, s, before, after string, which uint8) {
		if len(s) < encodable || !utf8.ValidString(s) || strings.Contains(redacted, s) {
			return
		}
		r := New(secret.New([]byte(s)))
		e := encodings[int(which)%len(encodings)]
		text := before + e.encode(s) + after
		out, found := r.Redact([]byte(text))
		if !found || bytes.Contains(out, []byte(e.encode(s))) {
			t.Fatalf("%q as %s in %q gives %q", s, e.name, text, out)
		}
		if _, again := r.Redact(out); again {
			t.Fatalf("%q as %s in %q survives in %q", s, e.name, text, out)
		}
		document := `{"k":"` + jsonEscape(before) + e.encode(s) + jsonEscape(after) + `"}`
		out, found = r.Redact([]byte(document))
		if !found {
			t.Fatalf("%q as %s survives in %s", s, e.name, out)
		}
		if json.Valid([]byte(document)) && !json.Valid(out) {
			t.Fatalf("%q as %s in %s: no longer JSON: %s", s, e.name, document, out)
		}
	})
}

func BenchmarkRedactNothing(b *testing.B) {
	record := `{"id":"iss_01HQ3","title":"Printer \"on fire\"","body":"<p>line one\nline two</p>","url":"https:\/\/x.example\/a%20b","tags":["a","b"],"n":12345.5},`
	body := []byte("[" + strings.Repeat(record, 1<<20/len(record)) + "{}]")
	for name, s := range map[string]string{"token of 40": "pylon_api_0123456789abcdefABCDEF01234567", "token of 10": "tok/en+123", "token of 4": "test"} {
		b.Run(name, func(b *testing.B) {
			r := New(secret.New([]byte(s)))
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				r.Redact(body)
			}
		})
	}
}
