// Package configvalue checks the values that a connection gives under config, and fills them
// into the URLs of its connector.
package configvalue

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/pattern"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Types of a [abi.AuthField].
const (
	String  = "string"
	Integer = "integer"
	Boolean = "boolean"
)

// maxValue is the size of the largest value, in bytes.
const maxValue = 1000

// Values are the values of one connection, defaults included. The zero Values has none.
type Values struct {
	fields []abi.AuthField
	texts  map[string]string
}

// New returns the values of a connection. at is the setting that has them, for errors.
//
// # Errors
//
// invalid_params for a value that is unknown or wrong; Field names it.
func New(at string, fields []abi.AuthField, given map[string]string) (Values, error) {
	v := Values{fields: fields}
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if slices.Contains(names, name) {
			continue
		}
		hint := "remove it: the connector has no config"
		if len(names) > 0 {
			hint = fault.Hint(name, names)
		}
		return v, fault.Invalid(at+"."+name, fmt.Sprintf("there is no config %.60q", name), hint)
	}
	for i := range fields {
		f := &fields[i]
		text, ok := given[f.Name]
		switch {
		case ok:
			if problem := Problem(f, text); problem != "" {
				return v, fault.Invalid(at+"."+f.Name, fmt.Sprintf("%s is %.60q, which %s", f.Name, text, problem), about(f))
			}
		case f.Default != "":
			text = f.Default
		default:
			continue
		}
		if v.texts == nil {
			v.texts = make(map[string]string, len(fields))
		}
		v.texts[f.Name] = text
	}
	return v, nil
}

// Complete returns an error of kind invalid_params if a required value is missing.
func (v Values) Complete(at string) error {
	for i := range v.fields {
		f := &v.fields[i]
		if _, ok := v.texts[f.Name]; f.Required && !ok {
			return fault.Invalid(at+"."+f.Name, "the connection has no "+f.Name, "add config: {"+f.Name+": VALUE} to it; "+about(f))
		}
	}
	return nil
}

// Example returns values that fit their declaration, for tests of a connector that has no
// connection.
func Example(fields []abi.AuthField) Values {
	v := Values{fields: fields, texts: make(map[string]string, len(fields))}
	for i := range fields {
		f := &fields[i]
		choices := slices.Concat([]string{f.Default}, f.Enum, []string{"example", "1", "true", "example-1", "12345678", "a1b2c3d4", "a.example"})
		text := "example"
		if i := slices.IndexFunc(choices, func(s string) bool { return Problem(f, s) == "" }); i >= 0 {
			text = choices[i]
		}
		v.texts[f.Name] = text
	}
	return v
}

// about says in a few words what a field is.
func about(f *abi.AuthField) string {
	about := cmp.Or(f.Description, f.Title)
	if len(f.Enum) > 0 && len(f.Enum) <= 10 {
		about = strings.TrimPrefix(about+"; "+fault.Choices(f.Enum), "; ")
	}
	about = cmp.Or(about, "the connector's documentation says what it is")
	return about
}

// Problem says why a field cannot have a value, and "" if it can.
func Problem(f *abi.AuthField, text string) string {
	switch {
	case text == "":
		return "is empty"
	case len(text) > maxValue:
		return fmt.Sprintf("is longer than %d bytes", maxValue)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) }):
		return "has an invisible character"
	case f.Type == Integer:
		if n, err := strconv.ParseInt(text, 10, 64); err != nil || strconv.FormatInt(n, 10) != text {
			return "is not a whole number"
		}
	case f.Type == Boolean && text != "true" && text != "false":
		return "is neither true nor false"
	}
	if len(f.Enum) > 0 && !slices.Contains(f.Enum, text) {
		return "is not one of its values; " + fault.Hint(text, f.Enum)
	}
	if f.Pattern != "" {
		whole, err := pattern.Whole(f.Pattern)
		if err != nil || !whole.MatchString(text) {
			return "does not match " + f.Pattern
		}
	}
	return ""
}

// JSON returns the values as an object, each with its type, in the order of their declaration.
// It is nil if there is no value.
func (v Values) JSON() []byte {
	if len(v.texts) == 0 {
		return nil
	}
	b := []byte{'{'}
	for _, f := range v.fields {
		text, ok := v.texts[f.Name]
		if !ok {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = strconv.AppendQuote(b, f.Name) // a word
		b = append(b, ':')
		if f.Type == Integer || f.Type == Boolean {
			b = append(b, text...)
			continue
		}
		quoted, _ := json.Marshal(text) // a string always marshals
		b = append(b, quoted...)
	}
	return append(b, '}')
}

// Expand returns a URL whose host has variables with their values. A URL without variables
// stays as it is, and so does the path.
//
// # Errors
//
// invalid_params for a value that cannot be in the host, or that is missing.
func (v Values) Expand(at, url string) (string, error) {
	if !strings.Contains(url, "{") {
		return url, nil
	}
	end := len(url)
	rest := strings.TrimPrefix(url, "https://")
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		end = len(url) - len(rest) + i
	}
	t, err := origin.ParseTemplate(url[:end])
	if err != nil {
		return "", err // which the checks of the declaration prevent
	}
	expanded, err := t.Expand(func(name string) (string, bool, bool) {
		text, ok := v.texts[name]
		i := slices.IndexFunc(v.fields, func(f abi.AuthField) bool { return f.Name == name })
		return text, i >= 0 && v.fields[i].Dots, ok
	})
	if wrong, ok := errors.AsType[*origin.VariableError](err); ok {
		return "", fault.Invalid(at+"."+wrong.Variable, fmt.Sprintf("%s %s", wrong.Variable, wrong.Problem), fmt.Sprintf("it stands for {%s} in %s", wrong.Variable, url))
	}
	return expanded + url[end:], err
}

// Servers returns servers with the values in their URLs. It returns the same slice if no URL has
// a variable. Its errors are those of [Values.Expand].
func (v Values) Servers(at string, servers []abi.Server) ([]abi.Server, error) {
	if !slices.ContainsFunc(servers, func(s abi.Server) bool { return strings.Contains(s.URL, "{") }) {
		return servers, nil
	}
	servers = slices.Clone(servers)
	for i := range servers {
		var err error
		if servers[i].URL, err = v.Expand(at, servers[i].URL); err != nil {
			return nil, err
		}
	}
	return servers, nil
}

// Schemes returns schemes with the values in their origins and in the URLs of their
// authorization servers. It returns the same slice if none has a variable. Its errors are those
// of [Values.Expand].
func (v Values) Schemes(at string, schemes []abi.AuthScheme) ([]abi.AuthScheme, error) {
	if !slices.ContainsFunc(schemes, hasVariables) {
		return schemes, nil
	}
	schemes = slices.Clone(schemes)
	for i := range schemes {
		s := &schemes[i]
		s.Origins = slices.Clone(s.Origins)
		urls := make([]*string, 0, len(s.Origins)+3)
		for i := range s.Origins {
			urls = append(urls, &s.Origins[i])
		}
		if s.OAuth2 != nil {
			o := *s.OAuth2
			s.OAuth2 = &o
			urls = append(urls, &o.TokenURL, &o.RevokeURL, &o.AuthorizeURL)
		}
		for _, url := range urls {
			var err error
			if *url, err = v.Expand(at, *url); err != nil {
				return nil, err
			}
		}
	}
	return schemes, nil
}

func hasVariables(s abi.AuthScheme) bool {
	has := func(url string) bool { return strings.Contains(url, "{") }
	return slices.ContainsFunc(s.Origins, has) || s.OAuth2 != nil && (has(s.OAuth2.TokenURL) || has(s.OAuth2.RevokeURL) || has(s.OAuth2.AuthorizeURL))
}
