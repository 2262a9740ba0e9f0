package tool

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// want is what a call asks for beside the operation's own parameters.
type want struct {
	selected, excluded []string
	allPages           bool
	textFrom           int
}

// extra is a parameter that the host adds to an operation's own.
type extra struct {
	name   string // what the tool calls it
	schema string
	read   func(value []byte, into *want) bool // false where the value is of another type
	expect string
}

// extras are an operation's additional parameters.
type extras []extra

// extrasOf returns the parameters that make sense for an operation. Going on with an
// answer means calling again, which is for operations that only read. A name that the
// operation uses itself gets a prefix.
func extrasOf(op *abi.Operation) extras {
	all := extras{
		{"select_fields", `{"type":"array","items":{"type":"string"},"description":"Keep only these fields of every record, as in id, title, assignee.email. Shorter answers show more records."}`,
			func(v []byte, w *want) bool { return texts(v, &w.selected) }, "a list of field names"},
		{"exclude_fields", `{"type":"array","items":{"type":"string"},"description":"Leave these fields out; not together with select_fields."}`,
			func(v []byte, w *want) bool { return texts(v, &w.excluded) }, "a list of field names"},
	}
	if op.Effect == abi.EffectRead {
		all = append(all, extra{"text_from", `{"type":"integer","minimum":0,"description":"Leave out that many characters at the start of longer texts, to read on in a text that was shortened."}`,
			func(v []byte, w *want) bool { return number(v, &w.textFrom) }, "a number of characters"})
		if op.Paginated {
			all = append(all, extra{"all_pages", `{"type":"boolean","description":"Collect following pages too, as far as one answer has room; limit is then the size of each page."}`,
				func(v []byte, w *want) bool { return truth(v, &w.allPages) }, "true or false"})
		}
	}
	own := propertyNames(op.Params)
	for i := range all {
		for slices.Contains(own, all[i].name) {
			all[i].name = "result_" + all[i].name
		}
	}
	return all
}

// split takes the additional parameters out of arguments. What is left is the
// operation's.
func (x extras) split(args json.RawMessage) (want, json.RawMessage, error) {
	var w want
	var params bytes.Buffer
	params.WriteByte('{')
	for name, value := range rawjson.Members(args) {
		plain := rawjson.Unquote(name)
		i := slices.IndexFunc(x, func(e extra) bool { return e.name == plain })
		if i < 0 {
			if params.Len() > 1 {
				params.WriteByte(',')
			}
			params.Write(name)
			params.WriteByte(':')
			params.Write(value)
			continue
		}
		if rawjson.KindOf(value) == rawjson.Null {
			continue // some models write null for what they leave out
		}
		if !x[i].read(value, &w) {
			return w, nil, invalid(plain, fmt.Sprintf("%s is not %s", plain, x[i].expect), "give "+x[i].expect+", or leave it out")
		}
	}
	params.WriteByte('}')
	return w, params.Bytes(), nil
}

func texts(value []byte, into *[]string) bool {
	if rawjson.KindOf(value) != rawjson.Array {
		return false
	}
	for element := range rawjson.Elements(value) {
		if rawjson.KindOf(element) != rawjson.String {
			return false
		}
		*into = append(*into, rawjson.Unquote(element))
	}
	return true
}

func number(value []byte, into *int) bool {
	n, err := strconv.Atoi(string(rawjson.Trim(value)))
	*into = n
	return err == nil && n >= 0
}

func truth(value []byte, into *bool) bool {
	*into = string(rawjson.Trim(value)) == "true"
	return rawjson.KindOf(value) == rawjson.Bool
}

// maxArguments is the length of the longest arguments, in bytes. Files travel in them.
const maxArguments = 32 << 20

// arguments checks that a call's arguments are one JSON object in which no name occurs
// twice, and returns {} for none.
func arguments(args json.RawMessage) (json.RawMessage, error) {
	args = rawjson.Trim(args)
	if len(args) == 0 || string(args) == "null" {
		return json.RawMessage("{}"), nil
	}
	const hint = `write a JSON object such as {"id": "..."}`
	if len(args) > maxArguments {
		return nil, invalid("arguments", fmt.Sprintf("the arguments are %d bytes long, the limit is %d", len(args), maxArguments), "send less in one call")
	}
	if err := rawjson.Check(args); err != nil {
		return nil, invalid("arguments", fmt.Sprintf("the arguments are not JSON: %v", err), hint)
	}
	if rawjson.KindOf(args) != rawjson.Object {
		return nil, invalid("arguments", "the arguments are no JSON object", hint)
	}
	name, err := rawjson.Duplicate(args)
	switch {
	case err != nil:
		return nil, invalid("arguments", fmt.Sprintf("the arguments are not JSON: %v", err), hint)
	case name != "":
		return nil, invalid(name, fmt.Sprintf("parameter %s is given twice", quote(name)), "give it once")
	}
	return args, nil
}
