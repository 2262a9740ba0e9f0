package provenance

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Newer reports whether a version comes after another one, as Semantic Versioning orders them. What is no
// such version is not newer and not older: a person decides.
func Newer(version, than string) bool {
	a, ok := readVersion(version)
	b, also := readVersion(than)
	return ok && also && a.compare(b) > 0
}

type semantic struct {
	numbers [3]uint64
	before  []string // the parts of a pre-release
}

func readVersion(text string) (v semantic, ok bool) {
	text, _, _ = strings.Cut(text, "+")
	core, before, early := strings.Cut(text, "-")
	parts := strings.Split(core, ".")
	if len(parts) != len(v.numbers) {
		return v, false
	}
	for i, part := range parts {
		n, isNumber := number(part)
		if !isNumber {
			return v, false
		}
		v.numbers[i] = n
	}
	if early {
		v.before = strings.Split(before, ".")
	}
	return v, !slices.Contains(v.before, "")
}

// number reads a number without zeros before it.
func number(text string) (uint64, bool) {
	n, err := strconv.ParseUint(text, 10, 64)
	return n, err == nil && strconv.FormatUint(n, 10) == text
}

func (v semantic) compare(w semantic) int {
	if c := slices.Compare(v.numbers[:], w.numbers[:]); c != 0 {
		return c
	}
	if len(v.before) == 0 || len(w.before) == 0 { // a release comes after what came before it
		return cmp.Compare(len(w.before), len(v.before))
	}
	return slices.CompareFunc(v.before, w.before, func(a, b string) int {
		n, isNumber := number(a)
		m, also := number(b)
		switch {
		case isNumber && also:
			return cmp.Compare(n, m)
		case isNumber:
			return -1
		case also:
			return 1
		}
		return strings.Compare(a, b)
	})
}
