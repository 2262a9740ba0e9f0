package redact

import (
	"slices"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host/secret"
)

// oneByOne is what a scanner finds, the slow way.
func oneByOne(needles []needle, b []byte) []span {
	var found []span
	for _, n := range needles {
		found = n.findAll(b, found)
	}
	return merge(found)
}

// Wherever a needle lies in a text, and whatever it is surrounded by, a place that the
// scanner looks at is in it.
func TestScannerMissesNoPlace(t *testing.T) {
	all := slices.Clone(secrets)
	for length := shortWindow; length < 40; length++ {
		all = append(all, "pylon_api_0123456789abcdefABCDEF01234567"[:length])
	}
	for _, s := range all {
		needles := needlesOf([]byte(s))
		scanner := newScanner(needles)
		for i, n := range needles {
			for j, filler := range []string{"x", string(n.text[:1]), string(n.text[:len(n.text)-1]), string(n.text[1:])} {
				for lead := range 5 * scanner.stride {
					tail := filler[:(i+j+lead)%2*len(filler)] // at the end of the text, and not
					text := []byte(strings.Repeat(filler, 1+lead/len(filler))[:lead] + string(n.text) + tail)
					if got, want := merge(scanner.find(text, nil)), oneByOne(needles, text); !slices.Equal(got, want) {
						t.Fatalf("in %q: found %v, want %v", text, got, want)
					}
				}
			}
		}
	}
}

// FuzzScanner compares the scanner with a search for one needle after the other.
// threat: N11
func FuzzScanner(f *testing.F) {
	for i, s := range secrets {
		f.Add(s, "another secret", "before", "after", uint8(i))
	}
	f.Fuzz(func(t *testing.T, one, other, before, after string, which uint8) {
		needles := slices.Concat(needlesOf([]byte(one)), needlesOf([]byte(other)))
		if len(needles) == 0 {
			return
		}
		n := needles[int(which)%len(needles)]
		text := []byte(before + string(n.text) + after + string(n.text[:len(n.text)-1]))
		if got, want := merge(newScanner(needles).find(text, nil)), oneByOne(needles, text); !slices.Equal(got, want) {
			t.Fatalf("%q in %q: found %v, want %v", n.text, text, got, want)
		}
	})
}

// FuzzEscapes compares the search for escaped needles with one that saves no work.
// threat: N11
func FuzzEscapes(f *testing.F) {
	for i, s := range secrets {
		f.Add(s, "before", "after", uint8(i))
		f.Add(s, "&amp;", "%26", uint8(i))
	}
	f.Add("0000", "%3", " ", uint8(5)) // a digit of an escape was itself escaped
	f.Fuzz(func(t *testing.T, s, before, after string, which uint8) {
		needles := needlesOf([]byte(s))
		if len(needles) == 0 {
			return
		}
		text := []byte(before + encodings[int(which)%len(encodings)].encode(s) + after)
		e := newEscapes(needles)
		all := &unescaper{text, 2 * freeSteps}
		var want []span
		for at, c := range text {
			if isMark(c) {
				want = e.findAt(all, at, want)
			}
		}
		if all.left < freeSteps {
			return // find may take the text as a whole
		}
		got, err := e.find(text, t.Context().Err, nil)
		if want = merge(want); err != nil || !slices.Equal(merge(got), want) {
			t.Fatalf("%q in %q: found %v, %v, want %v", s, text, merge(got), err, want)
		}
	})
}

// BenchmarkRedactHostile is a megabyte made to be slow to search.
func BenchmarkRedactHostile(b *testing.B) {
	const s = "pylon_api_0123456789abcdefABCDEF01234567"
	for name, unit := range map[string]string{
		"backslashes": `\`, "almost": s[:39], "almost escaped": `\u0070` + s[1:39], "first character": `\u0070`, "percent signs": "%25", "ampersands": "&amp;",
		"digits": "&#x0000000", "one character": "p", "grams": "pylo",
	} {
		text := []byte(strings.Repeat(unit, 1+1<<20/len(unit)))
		b.Run(name, func(b *testing.B) {
			r := New(secret.New([]byte(s)))
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				r.Redact(text)
			}
		})
	}
}
