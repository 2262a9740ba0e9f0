package params

import (
	"encoding/json"
	"strings"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// Example returns command line arguments for an operation: the first example of its author,
// or samples for the required parameters.
func Example(schema []Param, examples []json.RawMessage) []string {
	var arguments []string
	if len(examples) > 0 {
		for raw, value := range rawjson.Members(examples[0]) {
			arguments = append(arguments, argument(schema, rawjson.Unquote(raw), value)...)
		}
		return arguments
	}
	for _, p := range schema {
		if p.Required {
			arguments = append(arguments, "-p", Shell(p.Name+"="+p.sample()))
		}
	}
	return arguments
}

func argument(schema []Param, name string, value json.RawMessage) []string {
	p := Find(schema, name)
	if p != nil && p.is("string") && rawjson.KindOf(value) != rawjson.String || p == nil {
		return []string{"-p", Shell(name + ":=" + string(value))}
	}
	if p.is("array") && p.Items != nil && p.Items.is("string") && rawjson.Count(value) > 0 {
		var list []string
		for element := range rawjson.Elements(value) {
			list = append(list, "-p", Shell(name+"="+rawjson.Unquote(element)))
		}
		return list
	}
	return []string{"-p", Shell(name + "=" + Word(value))}
}

// sample returns a value of the parameter's type.
func (p *Param) sample() string {
	switch {
	case p.Default != nil:
		return Word(p.Default)
	case len(p.Enum) > 0:
		return Word(p.Enum[0])
	case p.Format == "date-time":
		return "2026-06-01T00:00:00Z"
	case p.Format == "date":
		return "2026-06-01"
	case p.is("string"):
		return "TEXT"
	case p.is("integer"), p.is("number"):
		if p.Min != nil {
			return string(p.Min)
		}
		return "1"
	case p.is("boolean"):
		return "true"
	case p.is("array"):
		return "[]"
	case p.is("object"):
		return "{}"
	}
	return "VALUE"
}

// Shell quotes a word for a POSIX shell where it needs that.
func Shell(word string) string {
	const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%"
	if word != "" && strings.Trim(word, safe) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
