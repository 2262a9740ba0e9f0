package params

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"github.com/agenthost/agenthost/internal/fault"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// MaxSize is the largest size of parameters from a file or standard input, in bytes.
const MaxSize = 16 << 20

// ErrForm reports an argument that is not of the form key=value.
var ErrForm = errors.New("write a parameter as key=value or key:=JSON")

// Parse merges a JSON object, which may be empty, with arguments of two forms. An
// argument wins over the object.
//
//	key=value   a string stays text; for every other type value is JSON. For an array,
//	            value is a JSON array or one element, and repeating the key adds one.
//	key:=json   value is JSON of any type.
//
// If the type needs JSON and the value is not JSON, the value becomes a string, which the
// host then rejects with its own message.
//
// # Errors
//   - [ErrForm], wrapped: the command line is wrong
//   - [*abi.Error] of kind invalid_params: the parameters are
func Parse(schema []Param, object []byte, arguments []string) (json.RawMessage, error) {
	if len(bytes.TrimSpace(object)) == 0 {
		object = []byte("{}")
	}
	if err := checkObject(object); err != nil {
		return nil, err
	}
	if len(arguments) == 0 {
		return object, nil
	}
	given, order, err := collect(schema, arguments)
	if err != nil {
		return nil, err
	}
	merged := []byte{'{'}
	seen := make(map[string]bool)
	for raw, value := range rawjson.Members(object) {
		name := rawjson.Unquote(raw)
		if seen[name] {
			return nil, fault.Invalid(name, fmt.Sprintf("parameter %s occurs twice", name), "remove one of them")
		}
		seen[name] = true
		if _, replaced := given[name]; !replaced {
			merged = append(append(append(append(merged, raw...), ':'), value...), ',')
		}
	}
	for _, name := range order {
		merged = append(append(append(append(merged, quote(name)...), ':'), given[name]...), ',')
	}
	merged[len(merged)-1] = '}'
	return merged, nil
}

func checkObject(object []byte) error {
	const hint = `write an object such as {"id": "iss_1"}`
	if err := rawjson.Check(object); err != nil {
		return fault.Invalid("params", fmt.Sprintf("the parameters are not JSON: %v", err), hint)
	}
	if rawjson.KindOf(object) != rawjson.Object {
		return fault.Invalid("params", "the parameters are not a JSON object", hint)
	}
	return nil
}

// collect reads the arguments. order lists the keys in the order of the arguments.
func collect(schema []Param, arguments []string) (given map[string]json.RawMessage, order []string, err error) {
	given = make(map[string]json.RawMessage)
	elements := make(map[string][]json.RawMessage)
	for _, argument := range arguments {
		key, value, ok := strings.Cut(argument, "=")
		if !ok || key == "" || key == ":" {
			return nil, nil, fmt.Errorf("%w, not %q", ErrForm, argument)
		}
		name, isJSON := strings.CutSuffix(key, ":")
		p := Find(schema, name)
		if p == nil {
			p = &Param{Name: name}
		}
		var raw json.RawMessage
		many := false
		switch {
		case isJSON:
			if err := rawjson.Check([]byte(value)); err != nil {
				return nil, nil, fault.Invalid(name, fmt.Sprintf("%s: not JSON: %v", name, err), "quote strings: "+name+`:='"text"', or write `+name+"=text")
			}
			raw = json.RawMessage(value)
		case p.is("array") && !p.is("string") && !isArray(value):
			many = true
			raw = p.element(value)
		default:
			raw = p.read(value)
		}
		_, twice := given[name]
		if twice && !(many && elements[name] != nil) {
			return nil, nil, fault.Invalid(name, fmt.Sprintf("parameter %s is given twice", name), "give it once; only an array takes one element at a time")
		}
		if !twice {
			order = append(order, name)
		}
		if many {
			elements[name] = append(elements[name], raw)
			raw = array(elements[name])
		}
		given[name] = raw
	}
	return given, order, nil
}

func (p *Param) is(kind string) bool { return slices.Contains(p.Types, kind) }

// read turns typed text into a value of the parameter's type.
func (p *Param) read(text string) json.RawMessage {
	if len(p.Types) == 0 || p.is("string") || !rawjson.Valid([]byte(text)) {
		return quote(text)
	}
	return json.RawMessage(text)
}

func (p *Param) element(text string) json.RawMessage {
	if p.Items == nil {
		return quote(text)
	}
	return p.Items.read(text)
}

func isArray(text string) bool {
	return rawjson.KindOf([]byte(strings.TrimSpace(text))) == rawjson.Array && rawjson.Valid([]byte(text))
}

func array(elements []json.RawMessage) json.RawMessage {
	return append(append([]byte{'['}, bytes.Join(asBytes(elements), []byte{','})...), ']')
}

func asBytes(elements []json.RawMessage) [][]byte {
	list := make([][]byte, len(elements))
	for i, element := range elements {
		list[i] = element
	}
	return list
}

// quote is text as a JSON string, without the escapes that only HTML needs.
func quote(text string) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		return json.RawMessage(`""`)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'})
}
