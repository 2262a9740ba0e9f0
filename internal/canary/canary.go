// Package canary finds a secret in what a program wrote: whole or in pieces, as it is or in
// any encoding that programs use. Tests plant a secret and look for it wherever something
// comes out.
package canary

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// piece is how many bytes of a secret give it away.
const piece = 12

// Canary is a planted secret. It is safe for concurrent use.
type Canary struct {
	needles []needle
	// first says which pairs of bytes a needle starts with, and at which needles.
	first map[[2]byte][]int
	may   [1 << 16]bool
}

type needle struct {
	text []byte
	form string
}

// New returns the canary of a secret, which has at least 8 bytes.
func New(secret string) *Canary {
	c := &Canary{first: make(map[[2]byte][]int)}
	seen := make(map[string]bool)
	add := func(form string, text []byte) {
		if len(text) < 8 || seen[string(text)] {
			return
		}
		seen[string(text)] = true
		key := [2]byte(text)
		c.first[key] = append(c.first[key], len(c.needles))
		c.may[int(key[0])<<8|int(key[1])] = true
		c.needles = append(c.needles, needle{text, form})
	}
	for i := 0; i == 0 || i+piece <= len(secret); i++ {
		part := []byte(secret[i:min(i+piece, len(secret))])
		for form, encode := range encodings() {
			add(form, encode(part))
		}
	}
	for lead := range 3 {
		for form, encoding := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64, URL alphabet": base64.RawURLEncoding} {
			// Characters at the edges depend on the neighbours too.
			text := encoding.EncodeToString(append(make([]byte, lead), secret...))
			text = text[(lead*8+5)/6 : (lead+len(secret))*8/6]
			const size = piece*8/6 - 2
			for i := 0; i == 0 || i+size <= len(text); i++ {
				add(form, []byte(text[i:min(i+size, len(text))]))
			}
		}
	}
	for lead := range 5 {
		text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(append(make([]byte, lead), secret...))
		text = text[(lead*8+4)/5 : (lead+len(secret))*8/5]
		add("base32", []byte(text[:min(len(text), piece*8/5)]))
	}
	return c
}

// encodings are those in which a piece of a secret does not depend on what stands around it.
func encodings() map[string]func([]byte) []byte {
	each := func(format string) func([]byte) []byte {
		return func(b []byte) []byte {
			var out []byte
			for _, c := range b {
				out = fmt.Appendf(out, format, c)
			}
			return out
		}
	}
	text := func(encode func(string) string) func([]byte) []byte {
		return func(b []byte) []byte { return []byte(encode(string(b))) }
	}
	quoted := func(s string) string { return strings.Trim(strconv.Quote(s), `"`) }
	wide := func(low, high int) func([]byte) []byte {
		return func(b []byte) []byte {
			var out []byte
			for _, u := range utf16.Encode([]rune(string(b))) {
				pair := [2]byte{}
				pair[low], pair[high] = byte(u), byte(u>>8)
				out = append(out, pair[:]...)
			}
			return out
		}
	}
	return map[string]func([]byte) []byte{
		"as it is":                func(b []byte) []byte { return b },
		"reversed":                func(b []byte) []byte { r := bytes.Clone(b); slices.Reverse(r); return r },
		"in lower case":           bytes.ToLower,
		"in upper case":           bytes.ToUpper,
		"hexadecimal":             text(func(s string) string { return hex.EncodeToString([]byte(s)) }),
		"upper-case hexadecimal":  each("%02X"),
		"hexadecimal with spaces": func(b []byte) []byte { return fmt.Appendf(nil, "% x", b) },
		"decimal":                 func(b []byte) []byte { return bytes.Trim(fmt.Appendf(nil, "%d", b), "[]") },
		"Go syntax of bytes": func(b []byte) []byte {
			return bytes.TrimPrefix(bytes.TrimSuffix(fmt.Appendf(nil, "%#v", b), []byte("}")), []byte("[]byte{"))
		},
		"quoted":                  text(quoted),
		"quoted twice":            text(func(s string) string { return quoted(quoted(s)) }),
		"JSON":                    text(marshalled),
		"JSON in JSON":            text(func(s string) string { return marshalled(marshalled(s)) }),
		"every character in JSON": each(`\u%04x`),
		"backslash x":             each(`\x%02x`),
		"octal":                   each(`\%03o`),
		"query":                   text(url.QueryEscape),
		"query, twice":            text(func(s string) string { return url.QueryEscape(url.QueryEscape(s)) }),
		"path":                    text(url.PathEscape),
		"every byte in a URL":     each("%%%02X"),
		"HTML":                    text(html.EscapeString),
		"UTF-16, little end":      wide(0, 1),
		"UTF-16, big end":         wide(1, 0),
	}
}

func marshalled(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return s
	}
	return strings.Trim(string(b), `"`)
}

// Find returns the form in which the secret, or a piece of it, is in data.
func (c *Canary) Find(data []byte) (form string, found bool) {
	for i := 0; i+1 < len(data); i++ {
		if !c.may[int(data[i])<<8|int(data[i+1])] {
			continue
		}
		for _, n := range c.first[[2]byte(data[i:])] {
			if bytes.HasPrefix(data[i:], c.needles[n].text) {
				return c.needles[n].form, true
			}
		}
	}
	return "", false
}
