package origin

import (
	"fmt"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// maxVariables is how many variables a template may have.
const maxVariables = 5

// Template is the URL of a server whose host has variables: https://{tenant}.vendor.example/v1.
// All variables are before a literal suffix of at least two labels, so that no value leads out
// of the vendor's domain. Get one from [ParseTemplate].
type Template struct {
	host   []part
	suffix string // the labels behind the last variable
	tail   string // port and base path
	fixed  string // the whole URL, if it has no variable
}

// part is a literal text of a host, or a variable.
type part struct {
	text     string
	variable bool
}

// VariableError says which variable has a wrong value, and what is wrong with it.
type VariableError struct{ Variable, Problem string }

// Error returns both.
func (e *VariableError) Error() string { return e.Variable + " " + e.Problem }

// ParseTemplate reads the URL of a server, with or without variables.
func ParseTemplate(s string) (Template, error) {
	if !strings.ContainsAny(s, "{}") {
		_, _, err := ParseServer(s)
		return Template{fixed: s}, err
	}
	rest, https := strings.CutPrefix(s, "https://")
	if !https {
		return Template{}, fmt.Errorf("%.100q has a variable, and does not start with https://", s)
	}
	end := strings.IndexAny(rest, ":/?#\\@")
	if end < 0 {
		end = len(rest)
	}
	t := Template{tail: rest[end:]}
	if strings.ContainsAny(t.tail, "{}") {
		return Template{}, fmt.Errorf("%.100q has a variable outside of the host; for one in the path, declare a parameter with in: path and config", s)
	}
	if err := t.parseHost(rest[:end]); err != nil {
		return Template{}, fmt.Errorf("%.100q %w", s, err)
	}
	// The literal parts must make a URL with any value.
	_, err := t.Expand(func(string) (string, bool, bool) { return "a", false, true })
	return t, err
}

func (t *Template) parseHost(host string) error {
	var names []string
	for rest := host; rest != ""; {
		literal, after, found := strings.Cut(rest, "{")
		if strings.Contains(literal, "}") {
			return fmt.Errorf("has a } without {")
		}
		if literal != "" {
			t.host = append(t.host, part{text: literal})
		}
		if !found {
			t.suffix = literal
			break
		}
		name, behind, closed := strings.Cut(after, "}")
		switch {
		case !closed || !isName(name):
			return fmt.Errorf("has a variable that is not a name in braces; use lower-case letters, digits and underscores")
		case literal == "" && len(names) > 0:
			return fmt.Errorf("has {%s} directly behind another variable; put a dot or a dash between them", name)
		case len(names) == maxVariables:
			return fmt.Errorf("has more than %d variables", maxVariables)
		}
		names, rest = append(names, name), behind
		t.host = append(t.host, part{text: name, variable: true})
	}
	_, suffix, _ := strings.Cut(t.suffix, ".")
	if t.suffix = suffix; !strings.Contains(suffix, ".") {
		return fmt.Errorf("has a variable that is not before a fixed domain of at least two parts, such as .vendor.example; " +
			"write each address as a server of its own, or set operator: true on a server with one address")
	}
	return nil
}

func isName(s string) bool {
	if s == "" || len(s) > 63 || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// Variables returns the names of the variables, in order.
func (t Template) Variables() []string {
	var names []string
	for _, p := range t.host {
		if p.variable {
			names = append(names, p.text)
		}
	}
	return names
}

// Suffix is the domain that every value of the variables stays in. It is empty if there is no
// variable.
func (t Template) Suffix() string { return t.suffix }

// Everybodys reports whether everybody can have a name under the suffix, as under github.io, and whether
// registries give these names, as under co.uk.
func (t Template) Everybodys() (everybodys, registry bool) {
	public, registry := publicsuffix.PublicSuffix(t.suffix)
	everybodys = t.suffix != "" && public == t.suffix
	return everybodys, everybodys && registry
}

// Expand returns the URL with the values of the variables. It is in the domain of
// [Template.Suffix], and not under a part of it where everybody can have a name. value returns
// the value of a variable, and whether it may have dots; false means that there is no value.
//
// # Errors
//
// A [*VariableError] for a value that is missing or that cannot be part of a host.
func (t Template) Expand(value func(name string) (text string, dots, ok bool)) (string, error) {
	if t.fixed != "" {
		return t.fixed, nil
	}
	var b strings.Builder
	labels := 1 // of the host, without those that a value adds
	for _, p := range t.host {
		if !p.variable {
			labels += strings.Count(p.text, ".")
			b.WriteString(p.text)
			continue
		}
		text, dots, ok := value(p.text)
		if !ok {
			return "", &VariableError{p.text, "has no value"}
		}
		if problem := valueProblem(text, dots); problem != "" {
			return "", &VariableError{p.text, problem}
		}
		labels += strings.Count(text, ".")
		b.WriteString(text)
	}
	host := b.String()
	for _, label := range strings.Split(strings.TrimSuffix(host, t.suffix), ".") {
		// RFC 5891, section 4.2.3.1: such labels mean something else than they show, as xn-- does.
		if len(label) > 3 && label[2:4] == "--" {
			return "", &VariableError{t.Variables()[0], fmt.Sprintf("makes %.63q of a part of the host, which may stand for other characters", label)}
		}
		if len(label) > 63 {
			return "", &VariableError{t.Variables()[0], "makes a part of the host longer than 63 characters"}
		}
	}
	expanded := "https://" + host + t.tail
	// The values were checked. This looks at what was made of them, with the code that sends.
	o, _, err := ParseServer(expanded)
	if err != nil {
		return "", err
	}
	if o.Scheme != "https" || o.Host != host || !strings.HasSuffix(host, "."+t.suffix) || strings.Count(host, ".")+1 != labels {
		return "", fmt.Errorf("%.100q is not in the domain %s", expanded, t.suffix)
	}
	if o.Everybodys(t.suffix) {
		return "", &VariableError{t.Variables()[0], fmt.Sprintf("makes %.100q, and everybody can have a name there", host)}
	}
	return expanded, nil
}

// valueProblem says why a value cannot be part of a host, and "" if it can.
func valueProblem(text string, dots bool) string {
	if text == "" {
		return "is empty"
	}
	if len(text) > 253 {
		return "is longer than 253 characters"
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '.' && !dots:
			return "has a dot; give one part of the host only"
		case c >= 'A' && c <= 'Z':
			return "has a capital letter; write it in lower case"
		case c != '.' && c != '-' && (c < 'a' || c > 'z') && (c < '0' || c > '9'):
			return "has a character other than letters, digits and dashes; give only the variable part of the host, not a URL"
		}
	}
	for _, label := range strings.Split(text, ".") {
		if label == "" || label[0] == '-' || label[len(label)-1] == '-' {
			return "begins or ends with a dash or a dot, or has two dots in a row"
		}
	}
	return ""
}
