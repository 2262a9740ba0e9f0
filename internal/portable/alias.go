package portable

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// maxName is the longest name of a parameter that every provider takes.
const maxName = 64

// portableName reports whether every provider takes the name of a parameter.
func portableName(name string) bool {
	if name == "" || len(name) > maxName || name == "__proto__" {
		return false
	}
	for i := range len(name) {
		if !nameByte(name[i]) {
			return false
		}
	}
	return true
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '-'
}

// aliases returns names for those that are not portable. No alias is one of the names, one
// that is reserved, or another alias, even in another case.
func aliases(names, reserved []string) map[string]string {
	var out map[string]string
	used := make(map[string]bool)
	for _, name := range slices.Concat(reserved, names) {
		used[strings.ToLower(name)] = true
	}
	for _, name := range names {
		if portableName(name) {
			continue
		}
		alias := plain(name)
		if used[strings.ToLower(alias)] {
			sum := sha256.Sum256([]byte(name))
			for n := 8; used[strings.ToLower(alias)] && n <= 2*len(sum); n += 8 {
				alias = plain(name)[:min(len(plain(name)), maxName-1-n%56)] + "_" + hex.EncodeToString(sum[:])[:min(n, 40)]
			}
		}
		used[strings.ToLower(alias)] = true
		if out == nil {
			out = make(map[string]string)
		}
		out[name] = alias
	}
	return out
}

// plain writes a name with the characters that a portable one may have.
func plain(name string) string {
	var b strings.Builder
	for i := range len(name) {
		switch c := name[i]; {
		case nameByte(c):
			b.WriteByte(c)
		case !strings.HasSuffix(b.String(), "_"):
			b.WriteByte('_')
		}
	}
	out := b.String()
	out = strings.Trim(out[:min(len(out), maxName)], "_")
	return cmp.Or(out, "parameter")
}

// quote writes the name of a parameter into a description.
func quote(name string) string { return Clip(strconv.Quote(name), 200) }
