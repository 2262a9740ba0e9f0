// Package redact removes secrets from a vendor's answers. A [Redactor] finds them as they are and
// in the usual encodings; [Tables] bound the memory of many Redactors.
package redact

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/agenthost/agenthost/host/secret"
)

// Lengths in bytes that decide how a secret is searched for.
const (
	// shortest is the length below which a secret is not searched for at all: it
	// would be found in the middle of honest words, and it protects nothing.
	shortest = 4
	// encodable is the length from which a secret is searched for everywhere and in
	// every encoding. A shorter one is searched for as a whole word, as it is or
	// escaped: "test" is taken out of "Bearer test" and left in "latest".
	encodable = 8
)

// redacted takes the place of a secret.
const redacted = secret.Redacted

// rounds limits how often a replacement may create a new occurrence.
const rounds = 8

// Redactor removes secrets from a vendor's answers. It finds a secret
//
//   - as it is, in UTF-8 or UTF-16,
//   - in base64 of either, standard and URL alphabet, padded or not, at each of the
//     three alignments, so also in the middle of a longer encoded text,
//   - in hexadecimal, in lower or upper case,
//   - and each of these with any of its characters escaped for JSON (\u0041, \/, \"),
//     for a URL (%41, %u0041, + for a space) or for HTML (&amp;, &#65;, &#x41;), up to
//     three layers deep, whichever they are.
//
// It cannot stop a vendor that wants to pass the secret on, which could
// encrypt it: a vendor has the secret anyway. It is there for endpoints and error pages
// that echo a request.
//
// Secrets of 4 to 7 bytes are found as whole words only, as they are or escaped;
// shorter ones are not searched for. A Redactor may be used by several goroutines. The
// zero Redactor and a nil one find nothing.
type Redactor struct {
	// tables and couldHold are closures because what prints a struct shows only the address of
	// a function. Texts of a length that could not hold a secret are most headers.
	tables    func() *tables
	couldHold func(length int) bool
	longest   int // bytes of the longest secret
}

// span is a range of a text: the bytes from start up to end.
type span struct{ start, end int }

// New returns a Redactor for the given secrets. Zero Values are ignored. It makes its
// tables, some 30 KB, for the first text that could hold a secret, and keeps them;
// [Tables.NewRedactor] bounds what many Redactors keep.
func New(values ...secret.Value) *Redactor { return (*Tables)(nil).NewRedactor(values...) }

// Redact replaces every secret in b by [secret.Redacted] and reports whether there was one. Without
// one it returns b itself; it never changes b. Valid JSON stays valid: a number that holds a secret
// becomes a string. A document whose structure spells a secret becomes the string
// [secret.Redacted], and so does a text that is too expensive to search.
func (r *Redactor) Redact(b []byte) ([]byte, bool) {
	b, found, err := r.redact(b, func() error { return nil })
	if err != nil {
		return []byte(`"` + redacted + `"`), true
	}
	return b, found
}

// RedactContext is Redact that returns the error of ctx when ctx ends, and [ErrSteps] if the text
// is too expensive to search. It is for texts from outside, which may take seconds.
func (r *Redactor) RedactContext(ctx context.Context, b []byte) ([]byte, bool, error) {
	return r.redact(b, ctx.Err)
}

func (r *Redactor) redact(b []byte, ended func() error) ([]byte, bool, error) {
	if r == nil || r.tables == nil || !r.couldHold(len(b)) {
		return b, false, nil
	}
	tables := r.tables()
	found, err := tables.find(b, ended)
	if err != nil {
		return nil, false, err
	}
	if len(found) == 0 {
		return b, false, nil
	}
	replace := replaceText
	if json.Valid(b) {
		replace = replaceJSON
	}
	// A replacement may complete a secret that has "[redacted]" in it.
	for range rounds {
		b = replace(b, found)
		if found, err = tables.find(b, ended); err != nil {
			return nil, false, err
		}
		if len(found) == 0 {
			return b, true, nil
		}
	}
	return []byte(`"` + redacted + `"`), true, nil
}

// RedactString is Redact for a string.
func (r *Redactor) RedactString(s string) string {
	if r == nil || r.tables == nil || !r.couldHold(len(s)) {
		return s
	}
	if b, found := r.Redact([]byte(s)); found {
		return string(b)
	}
	return s
}

// Format writes a fixed text for every verb and flag.
func (r *Redactor) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "redact.Redactor") }

// merge sorts spans and joins those that overlap or touch.
func merge(spans []span) []span {
	if len(spans) < 2 {
		return spans
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	merged := spans[:1]
	for _, s := range spans[1:] {
		if last := &merged[len(merged)-1]; s.start <= last.end {
			last.end = max(last.end, s.end)
		} else {
			merged = append(merged, s)
		}
	}
	return merged
}

func replaceText(b []byte, found []span) []byte {
	out := make([]byte, 0, len(b)+len(found)*len(redacted))
	at := 0
	for _, s := range found {
		out = append(append(out, b[at:s.start]...), redacted...)
		at = s.end
	}
	return append(out, b[at:]...)
}
