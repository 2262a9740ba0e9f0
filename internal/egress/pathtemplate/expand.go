package pathtemplate

import (
	"strings"
	"unicode/utf8"
)

const hexDigits = "0123456789ABCDEF"

// Expand returns the path with the values filled in, escaped for the wire. Every byte
// of a value other than letters, digits and "-._~" is escaped, so a value stays inside
// its segment.
//
// # Errors
//
// All are *[ParamError]: a parameter without a value; a value without a parameter; a
// value that is empty, longer than [MaxValue], not UTF-8 or has control characters; a
// value that makes a whole segment "." or "..", and one that has such a step between
// slashes or backslashes of its own, because some servers unescape first and resolve
// then.
func (t Template) Expand(values map[string]string) (string, error) {
	var b strings.Builder
	b.Grow(len(t.source) + 32)
	for _, p := range t.parts {
		if p.param == "" {
			b.WriteString(p.literal)
			continue
		}
		value, ok := values[p.param]
		if !ok {
			return "", &ParamError{p.param, "is missing"}
		}
		if problem := check(value); problem != "" {
			return "", &ParamError{p.param, problem}
		}
		escape(&b, value)
	}
	if err := t.refuseOthers(values); err != nil {
		return "", err
	}
	path := b.String()
	if param := t.dotSegment(path); param != "" {
		return "", &ParamError{param, `makes a segment of the path "." or ".."`}
	}
	return path, nil
}

// refuseOthers returns an error if values has a name that is not in the template.
func (t Template) refuseOthers(values map[string]string) error {
	extra := ""
	for name := range values {
		if !t.has(name) && (extra == "" || name < extra) {
			extra = name
		}
	}
	if extra == "" {
		return nil
	}
	if len(extra) > 64 {
		extra = extra[:64]
	}
	return &ParamError{extra, "is not in the template " + t.source}
}

// dotSegment returns the parameter that makes a segment of path "." or "..", if any.
// Dots are never escaped, so the segments can be told from the escaped path.
func (t Template) dotSegment(path string) string {
	if !strings.Contains(path, "/.") {
		return ""
	}
	for i, segment := range strings.Split(path, "/") {
		if segment != "." && segment != ".." {
			continue
		}
		// Values add no slash, so the segments of path and of the template agree.
		_, rest, _ := strings.Cut(strings.Split(t.source, "/")[i], "{")
		name, _, _ := strings.Cut(rest, "}")
		return name
	}
	return ""
}

// check returns what is wrong with a value, or "".
func check(value string) string {
	switch {
	case value == "":
		return "is empty"
	case len(value) > MaxValue:
		return "is too long"
	case !utf8.ValidString(value):
		return "is not UTF-8"
	}
	for _, r := range value {
		if r < 0x20 || r >= 0x7f && r < 0xa0 {
			return "has a control character"
		}
	}
	if strings.ContainsAny(value, `/\`) {
		for _, step := range strings.FieldsFunc(value, func(r rune) bool { return r == '/' || r == '\\' }) {
			if step == "." || step == ".." {
				return `has a step "." or ".."`
			}
		}
	}
	return ""
}

func escape(b *strings.Builder, value string) {
	for i := 0; i < len(value); i++ {
		if c := value[i]; isUnreserved(c) {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		}
	}
}
