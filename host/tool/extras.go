package tool

import (
	"bytes"
	"encoding/json"
	"fmt"
	"github.com/agenthost/agenthost/internal/fault"
	"math"
	"slices"
	"strconv"

	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// want has the values of a call's additional parameters.
type want struct {
	selected, excluded []string
	allPages           bool
	textFrom           int
}

// extra is a parameter that the host adds to an operation's own.
type extra struct {
	name   string // what the tool calls it
	schema string
	read   func(value []byte, into *want) bool // false if the value is of another type
	expect string
}

// extras are an operation's additional parameters.
type extras []extra

// extrasOf returns the additional parameters of an operation. Parameters that continue a
// result are only for operations that read, because continuing means calling again. If the
// operation has a parameter with the same name, which own has, the additional one gets a prefix.
func extrasOf(op *abi.Operation, own []string) extras {
	all := extras{
		{"select_fields", `{"type":"array","items":{"type":"string"},"description":"Keep only these fields of every record, as in id, title, assignee.email. Shorter answers show more records."}`,
			func(v []byte, w *want) bool { return texts(v, &w.selected) }, "a list of field names"},
		{"exclude_fields", `{"type":"array","items":{"type":"string"},"description":"Omit these fields. Do not use together with select_fields."}`,
			func(v []byte, w *want) bool { return texts(v, &w.excluded) }, "a list of field names"},
	}
	if op.Effect == abi.EffectRead {
		all = append(all, extra{"text_from", `{"type":"integer","minimum":0,"description":"Skip this many characters at the start of longer texts, to continue in a shortened text."}`,
			func(v []byte, w *want) bool { return number(v, &w.textFrom) }, "a number of characters"})
		if op.Paginated {
			all = append(all, extra{"all_pages", `{"type":"boolean","description":"Also fetch the following pages, as long as the result has room. limit is then the size of each page."}`,
				func(v []byte, w *want) bool { return truth(v, &w.allPages) }, "true or false"})
		}
	}
	for i := range all {
		for slices.Contains(own, all[i].name) {
			all[i].name = "result_" + all[i].name
		}
	}
	return all
}

// reserved are the names that no alias of a parameter may have.
var reserved = func() []string {
	names := []string{abiCursor}
	for _, name := range anyExtras.names() {
		names = append(names, name, "result_"+name)
	}
	return names
}()

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
			continue // some models write null for missing parameters
		}
		if rawjson.KindOf(value) == rawjson.String {
			value = []byte(rawjson.Unquote(value)) // and the JSON of a value as a text
		}
		if !x[i].read(value, &w) {
			return w, nil, fault.Invalid(plain, fmt.Sprintf("%s must be %s", plain, x[i].expect), "set it to "+x[i].expect+", or omit it")
		}
	}
	params.WriteByte('}')
	return w, params.Bytes(), nil
}

func texts(value []byte, into *[]string) bool {
	if rawjson.KindOf(value) != rawjson.Array || !rawjson.Valid(value) {
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
	if rawjson.KindOf(value) != rawjson.Number || !rawjson.Valid(value) {
		return false
	}
	n, err := strconv.ParseFloat(string(value), 64) // 2.0 is an integer, too
	*into = int(n)
	return err == nil && n >= 0 && n <= math.MaxInt32 && n == math.Trunc(n)
}

func truth(value []byte, into *bool) bool {
	*into = string(value) == "true"
	return *into || string(value) == "false"
}

// maxArguments is the largest size of arguments in bytes. They may contain files.
const maxArguments = 32 << 20

// arguments checks that a call's arguments are a JSON object without duplicate names. It
// returns {} if there are none.
func arguments(args json.RawMessage) (json.RawMessage, error) {
	args = rawjson.Trim(args)
	if len(args) == 0 || string(args) == "null" {
		return json.RawMessage("{}"), nil
	}
	const hint = `write a JSON object such as {"id": "..."}`
	if len(args) > maxArguments {
		return nil, fault.Invalid("arguments", fmt.Sprintf("the arguments have %d bytes, but the limit is %d", len(args), maxArguments), "send less in one call")
	}
	if err := rawjson.Check(args); err != nil {
		return nil, fault.Invalid("arguments", fmt.Sprintf("the arguments are not JSON: %v", err), hint)
	}
	if rawjson.KindOf(args) != rawjson.Object {
		return nil, fault.Invalid("arguments", "the arguments are not a JSON object", hint)
	}
	name, err := rawjson.Duplicate(args)
	switch {
	case err != nil:
		return nil, fault.Invalid("arguments", fmt.Sprintf("the arguments are not JSON: %v", err), hint)
	case name != "":
		return nil, fault.Invalid(name, fmt.Sprintf("parameter %s occurs twice", quote(name)), "remove one of them")
	}
	return args, nil
}
