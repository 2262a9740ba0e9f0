// Package pathtemplate parses path templates such as /issues/{id}/messages and fills in
// their parameters, so that a value can never leave its place. The code that checks a
// manifest and the code that sends a request share it, so that they cannot disagree.
package pathtemplate

import (
	"fmt"
	"slices"
	"strings"
)

// Limits of a template and of what it expands to, in bytes.
const (
	MaxTemplate = 1024
	MaxValue    = 1024
)

// Template is a parsed path template. Get one from [ParseTemplate]; the zero Template
// expands to nothing. It is immutable and may be used by several goroutines.
type Template struct {
	source string
	parts  []part
}

// part is literal text, or a parameter where literal is empty.
type part struct {
	literal, param string
}

// ParamError says what is wrong with the value of a parameter.
type ParamError struct {
	// Param is the name of the parameter.
	Param string
	// Problem completes the sentence "path parameter X ...".
	Problem string
}

// Error implements error. It does not repeat the value.
func (e *ParamError) Error() string { return fmt.Sprintf("path parameter %q %s", e.Param, e.Problem) }

// ParseTemplate reads a path template. It starts with a slash; its literal text consists
// of the characters that stand for themselves in a path (RFC 3986, pchar without percent
// escapes); a parameter is a name in braces and fills a segment or a part of one. Names
// have letters, digits and underscores, and do not start with a digit.
//
// # Errors
//
// An error says what is wrong and at which byte.
func ParseTemplate(s string) (Template, error) {
	if !strings.HasPrefix(s, "/") {
		return Template{}, fmt.Errorf("path template %.60q does not start with a slash", s)
	}
	if len(s) > MaxTemplate {
		return Template{}, fmt.Errorf("path template is longer than %d bytes", MaxTemplate)
	}
	t := Template{source: s, parts: make([]part, 0, 1+2*strings.Count(s, "{"))}
	for at := 0; at < len(s); {
		if s[at] == '{' {
			name, _, ok := strings.Cut(s[at+1:], "}")
			switch {
			case !ok:
				return Template{}, fmt.Errorf("path template %q: the brace at byte %d is not closed", s, at)
			case !validName(name):
				return Template{}, fmt.Errorf("path template %q: %q at byte %d is not a name of letters, digits and underscores", s, name, at)
			case slices.Contains(t.parts, part{param: name}):
				return Template{}, fmt.Errorf("path template %q: parameter %q appears twice", s, name)
			case len(t.parts) > 0 && t.parts[len(t.parts)-1].literal == "":
				return Template{}, fmt.Errorf("path template %q: nothing divides the parameters at byte %d", s, at)
			}
			t.parts = append(t.parts, part{param: name})
			at += len(name) + 2
			continue
		}
		end := at
		for end < len(s) && s[end] != '{' {
			if !isLiteral(s[end]) {
				return Template{}, fmt.Errorf("path template %q: byte %d (%q) cannot stand in a path", s, end, s[end])
			}
			end++
		}
		t.parts = append(t.parts, part{literal: s[at:end]})
		at = end
	}
	number := 0
	for segment := range strings.SplitSeq(s[1:], "/") {
		if number++; segment == "." || segment == ".." {
			return Template{}, fmt.Errorf("path template %q: segment %d is %q", s, number, segment)
		}
	}
	if strings.Contains(s, "//") {
		return Template{}, fmt.Errorf("path template %q has an empty segment", s)
	}
	return t, nil
}

// String returns the template as it was written.
func (t Template) String() string { return t.source }

// Params returns the names of the parameters, in the order of the template.
func (t Template) Params() []string {
	var names []string
	for _, p := range t.parts {
		if p.param != "" {
			names = append(names, p.param)
		}
	}
	return names
}

func (t Template) has(name string) bool {
	return slices.ContainsFunc(t.parts, func(p part) bool { return p.param == name })
}

func validName(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c != '_' && !isLetter(c) && (i == 0 || !isDigit(c)) {
			return false
		}
	}
	return s != ""
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// isUnreserved reports whether c is in the unreserved set of RFC 3986, section 2.3.
func isUnreserved(c byte) bool {
	return isLetter(c) || isDigit(c) || c == '-' || c == '.' || c == '_' || c == '~'
}

// isLiteral reports whether c may stand in the literal text of a template. A semicolon
// may not: some servers cut a segment off there.
func isLiteral(c byte) bool {
	return isUnreserved(c) || strings.IndexByte("/!$&'()*+,=:@", c) >= 0
}
