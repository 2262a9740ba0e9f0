package anonymous

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The kinds of values, as people read them.
const (
	kindName       = "name"
	kindUser       = "user name"
	kindEmail      = "email address"
	kindPhone      = "phone number"
	kindAddress    = "postal address"
	kindBirth      = "date of birth"
	kindNumber     = "number"
	kindPlace      = "position"
	kindLink       = "link to a person"
	kindIP         = "IP address"
	kindMAC        = "hardware address"
	kindUUID       = "UUID"
	kindHex        = "hexadecimal id or key"
	kindToken      = "token or key"
	kindJWT        = "JWT"
	kindPEM        = "private key"
	kindConnection = "value of the connection"
)

// values are the values that were found, each with what takes its place.
type values struct {
	byValue map[string]string
	kinds   map[string]string // by value
	number  map[string]int    // how many of a kind there are
	// all are the values that are replaced wherever they stand, by the same in lower case. Spread are
	// their forms, the longest first, by the first word: however many values begin alike, a place in a
	// text is compared with few of them.
	all    map[string]string
	spread map[string][]form
}

func newValues() *values {
	return &values{byValue: make(map[string]string), kinds: make(map[string]string), number: make(map[string]int), spread: make(map[string][]form), all: make(map[string]string)}
}

// of returns what takes the place of a value. Everywhere says that the value is replaced in all texts
// too.
func (v *values) of(kind, value string, everywhere bool) string {
	if kind == kindEmail {
		value = strings.ToLower(value) // one mailbox, however it is written
	}
	replacement, known := v.byValue[value]
	if !known {
		v.number[kind]++
		replacement = made(kind, value, v.number[kind])
		v.byValue[value], v.kinds[value] = replacement, kind
	}
	if everywhere {
		v.everywhere(value)
	}
	return replacement
}

// alias gives a value the replacement of another: the parts of a name are the same person.
func (v *values) alias(value, replacement string) {
	if _, known := v.byValue[value]; !known {
		v.byValue[value] = replacement
	}
	v.everywhere(value)
}

// form is how many bytes a value has, and how many of them are before its first word.
type form struct{ length, before int }

func (v *values) everywhere(value string) {
	lower := strings.ToLower(value)
	if v.all[lower] != "" || len(lower) != len(value) {
		return
	}
	for word := range words(lower) {
		v.all[lower] = value
		first, f := lower[word.start:word.end], form{len(lower), word.start}
		if !slices.Contains(v.spread[first], f) {
			v.spread[first] = append(v.spread[first], f)
			slices.SortFunc(v.spread[first], func(a, b form) int { return cmp.Or(cmp.Compare(b.length, a.length), cmp.Compare(a.before, b.before)) })
		}
		return
	}
}

func (v *values) counts() map[string]int {
	counts := make(map[string]int)
	for _, kind := range v.kinds {
		counts[kind]++
	}
	return counts
}

func (v *values) originals() []string {
	replacements := make(map[string]bool)
	for _, replacement := range v.byValue {
		replacements[replacement] = true
	}
	return slices.DeleteFunc(slices.Sorted(maps.Values(v.all)), func(value string) bool { return replacements[value] })
}

// made is the replacement of the nth value of a kind. It has the form of the value where a schema may
// ask for it: a phone number has as many digits, a UUID is one.
func made(kind, value string, n int) string {
	switch kind {
	case kindName:
		return fmt.Sprintf("Person %d", n)
	case kindUser:
		return fmt.Sprintf("person%d", n)
	case kindEmail:
		return fmt.Sprintf("person%d@example.com", n)
	case kindPhone, kindNumber:
		return digits(value, n)
	case kindAddress:
		return fmt.Sprintf("Address %d", n)
	case kindBirth:
		if len(value) >= 10 && value[4] == '-' && value[7] == '-' {
			return "1970-01-01" + value[10:]
		}
		return digits(value, n)
	case kindPlace:
		return fmt.Sprintf("0.%d", n)
	case kindLink:
		return fmt.Sprintf("https://people.example/%d", n)
	case kindIP:
		if strings.Contains(value, ":") {
			return fmt.Sprintf("2001:db8::%x", n)
		}
		return fmt.Sprintf("192.0.2.%d", n%256)
	case kindMAC:
		return fmt.Sprintf("02:00:00:00:%02x:%02x", n>>8&0xff, n&0xff)
	case kindUUID:
		return fmt.Sprintf("00000000-0000-4000-8000-%012x", n)
	case kindHex:
		return fmt.Sprintf("%0*x", len(value), n)
	case kindJWT:
		return fmt.Sprintf("eyJhbGciOiJub25lIn0.%s.none", strings.Repeat("A", 4*n))
	case kindPEM:
		return fmt.Sprintf("(private key %d)", n)
	case kindConnection:
		return fmt.Sprintf("example%d", n)
	}
	return token(value, n)
}

// digits writes a number in place of all digits of a value: 1, zeros, and n.
func digits(value string, n int) string {
	count := strings.Count(strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return '0'
		}
		return '-'
	}, value), "0")
	if count == 0 {
		return fmt.Sprintf("number %d", n)
	}
	number := fmt.Sprintf("%0*d", count, n)
	if len(number) > count {
		number = number[len(number)-count:]
	}
	if count > len(fmt.Sprint(n)) {
		number = "1" + number[1:]
	}
	at := 0
	return strings.Map(func(r rune) rune {
		if !unicode.IsDigit(r) {
			return r
		}
		at++
		return rune(number[at-1])
	}, value)
}

// token has the length of a value if that is long, and its prefix if it has one: iss_ of iss_01J8Z.
func token(value string, n int) string {
	prefix := ""
	if at := strings.IndexByte(value, '_'); at > 0 && at <= 8 && strings.Trim(value[:at], "abcdefghijklmnopqrstuvwxyz") == "" {
		prefix = value[:at+1]
	}
	number := fmt.Sprint(n)
	filler := utf8.RuneCountInString(value) - len(prefix) - len("example") - len(number)
	return prefix + "example" + strings.Repeat("0", max(filler, 0)) + number
}
