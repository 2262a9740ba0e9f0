package connector

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/rawjson"
)

const filterSchema = `{"type":"object","properties":{"filter":{"$ref":"#/$defs/filter"},"limit":{"type":"integer","minimum":1}},"required":["filter"],"additionalProperties":false,
	"$defs":{"filter":{"type":"object","properties":{"field":{"type":"string"},"value":{"type":"string"},"negate":{"type":"boolean"},
		"subfilters":{"type":"array","items":{"$ref":"#/$defs/filter"}}},"required":["field"],"additionalProperties":false}}}`

func TestRepair(t *testing.T) {
	t.Parallel()
	property := func(schema string) string {
		return `{"type":"object","properties":{"a":` + schema + `},"additionalProperties":false}`
	}
	required := func(schema string) string {
		return `{"type":"object","properties":{"a":` + schema + `},"required":["a"],"additionalProperties":false}`
	}
	for name, tt := range map[string]struct{ schema, given, want string }{
		"null is absent":                       {property(`{"type":"string"}`), `{"a":null}`, `{}`},
		"null that the schema takes":           {property(`{"type":["string","null"]}`), `{"a":null}`, `{"a":null}`},
		"null that an enum does not take":      {property(`{"type":["string","null"],"enum":["x"]}`), `{"a":null}`, `{}`},
		"null that an enum takes":              {property(`{"enum":["x",null]}`), `{"a":null}`, `{"a":null}`},
		"null of any type":                     {property(`{}`), `{"a":null}`, `{"a":null}`},
		"null that an alternative takes":       {property(`{"anyOf":[{"type":"string"},{"type":"null"}]}`), `{"a":null}`, `{"a":null}`},
		"null that no alternative takes":       {property(`{"anyOf":[{"type":"string"},{"type":"integer"}]}`), `{"a":null}`, `{}`},
		"null that is required":                {required(`{"type":"string"}`), `{"a":null}`, `{"a":null}`},
		"null that allOf requires":             {`{"properties":{"a":{"type":"string"}},"allOf":[{"required":["a"]}]}`, `{"a":null}`, `{"a":null}`},
		"null of an unknown name":              {property(`{"type":"string"}`), `{"b":null}`, `{"b":null}`},
		"null of a name in another case":       {property(`{"type":"string"}`), `{"A":null}`, `{"A":null}`},
		"null in a map":                        {`{"type":"object","additionalProperties":{"type":"string"}}`, `{"a":null}`, `{"a":null}`},
		"null in a list":                       {property(`{"type":"array","items":{"type":"string"}}`), `{"a":[null]}`, `{"a":[null]}`},
		"null in a list's object":              {property(`{"type":"array","items":` + property(`{"type":"string"}`) + `}`), `{"a":[{"a":null},{"a":"x"}]}`, `{"a":[{},{"a":"x"}]}`},
		"null by a reference":                  {filterSchema, `{"filter":{"field":"x","negate":null,"subfilters":[{"field":"y","value":null}]},"limit":null}`, `{"filter":{"field":"x","subfilters":[{"field":"y"}]}}`},
		"null beside alternatives":             {`{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"anyOf":[{"required":["a"]},{"required":["b"]}]}`, `{"a":null,"b":"x"}`, `{"b":"x"}`},
		"null whose name is escaped":           {property(`{"type":"string"}`), `{"\u0061":null}`, `{}`},
		"integer with a fraction":              {property(`{"type":"integer"}`), `{"a":2.0}`, `{"a":2}`},
		"integer with an exponent":             {property(`{"type":"integer"}`), `{"a":1e3}`, `{"a":1000}`},
		"integer with both":                    {property(`{"type":"integer"}`), `{"a":-12.50E+2}`, `{"a":-1250}`},
		"integer with a negative exponent":     {property(`{"type":"integer"}`), `{"a":5000e-3}`, `{"a":5}`},
		"integer of zero":                      {property(`{"type":"integer"}`), `{"a":-0.0}`, `{"a":0}`},
		"no integer":                           {property(`{"type":"integer"}`), `{"a":2.5}`, `{"a":2.5}`},
		"a number may have a fraction":         {property(`{"type":"number"}`), `{"a":2.0}`, `{"a":2.0}`},
		"the largest exact integer":            {property(`{"type":"integer"}`), `{"a":9007199254740992.0}`, `{"a":9007199254740992}`},
		"an integer that is not exact":         {property(`{"type":"integer"}`), `{"a":9007199254740993.0}`, `{"a":9007199254740993.0}`},
		"a large exponent":                     {property(`{"type":"integer"}`), `{"a":1e300}`, `{"a":1e300}`},
		"many digits":                          {property(`{"type":"integer"}`), `{"a":123456789012345678901234567890}`, `{"a":123456789012345678901234567890}`},
		"integer or null":                      {property(`{"type":["integer","null"]}`), `{"a":2.0}`, `{"a":2}`},
		"integer by allOf":                     {property(`{"allOf":[{"type":"number"},{"type":"integer"}]}`), `{"a":2.0}`, `{"a":2}`},
		"text that is a boolean":               {property(`{"type":"boolean"}`), `{"a":"true"}`, `{"a":true}`},
		"text that is no boolean":              {property(`{"type":"boolean"}`), `{"a":"True"}`, `{"a":"True"}`},
		"text that is an integer":              {property(`{"type":"integer"}`), `{"a":"5"}`, `{"a":5}`},
		"text that is a large integer":         {property(`{"type":"integer"}`), `{"a":"9007199254740993"}`, `{"a":9007199254740993}`},
		"text that is an integer in disguise":  {property(`{"type":"integer"}`), `{"a":"5.0"}`, `{"a":5}`},
		"text that is no integer":              {property(`{"type":"integer"}`), `{"a":"5.5"}`, `{"a":"5.5"}`},
		"text that is a number":                {property(`{"type":"number"}`), `{"a":"5.5"}`, `{"a":5.5}`},
		"text with white space":                {property(`{"type":"integer"}`), `{"a":" 5"}`, `{"a":" 5"}`},
		"text that is a number of JavaScript":  {property(`{"type":"integer"}`), `{"a":"0x10"}`, `{"a":"0x10"}`},
		"text that is null":                    {property(`{"type":["integer","null"]}`), `{"a":"null"}`, `{"a":null}`},
		"text that is a null nobody wants":     {property(`{"type":"integer"}`), `{"a":"null"}`, `{"a":"null"}`},
		"text where text is wanted":            {property(`{"type":"string"}`), `{"a":"5"}`, `{"a":"5"}`},
		"text where text is wanted too":        {property(`{"type":["string","object"]}`), `{"a":"{}"}`, `{"a":"{}"}`},
		"text of an unlike enum":               {property(`{"enum":[1,2]}`), `{"a":"1"}`, `{"a":1}`},
		"text of a const":                      {property(`{"const":true}`), `{"a":"true"}`, `{"a":true}`},
		"text of any type":                     {property(`{}`), `{"a":"5"}`, `{"a":"5"}`},
		"text that is an object":               {filterSchema, `{"filter":" {\"field\":\"x\",\"negate\":\"true\",\"value\":null} ","limit":"10"}`, `{"filter":{"field":"x","negate":true},"limit":10}`},
		"text that is a list":                  {property(`{"type":"array","items":{"type":"integer"}}`), `{"a":"[1,\"2\",3.0]"}`, `{"a":[1,2,3]}`},
		"text that is the wrong JSON":          {property(`{"type":"array"}`), `{"a":"{}"}`, `{"a":"{}"}`},
		"text that is broken JSON":             {property(`{"type":"array"}`), `{"a":"[1,"}`, `{"a":"[1,"}`},
		"text that is JSON and more":           {property(`{"type":"array"}`), `{"a":"[] []"}`, `{"a":"[] []"}`},
		"text in a text":                       {property(`{"type":"integer"}`), `{"a":"\"5\""}`, `{"a":"\"5\""}`},
		"text with a name twice":               {property(`{"type":"object"}`), `{"a":"{\"x\":1,\"x\":2}"}`, `{"a":"{\"x\":1,\"x\":2}"}`},
		"one alternative after repair":         {property(`{"anyOf":[{"type":"integer"},{"type":"boolean"}]}`), `{"a":"true"}`, `{"a":true}`},
		"several alternatives after repair":    {property(`{"anyOf":[{"type":"integer"},{"type":"number"}]}`), `{"a":"5"}`, `{"a":"5"}`},
		"an alternative that takes text":       {property(`{"oneOf":[{"type":"string"},{"type":"integer"}]}`), `{"a":"5"}`, `{"a":"5"}`},
		"integer in the only alternative":      {property(`{"oneOf":[{"type":"string"},{"type":"integer"}]}`), `{"a":5.0}`, `{"a":5}`},
		"integer in two alternatives":          {property(`{"anyOf":[{"type":"number"},{"type":"integer"}]}`), `{"a":5.0}`, `{"a":5.0}`},
		"null below the only alternative":      {property(`{"oneOf":[{"type":"object","properties":{"k":{"const":"x"},"v":{"type":"string"}},"required":["k"]},{"type":"object","properties":{"k":{"const":"y"},"v":{"type":"string"}},"required":["k"]}]}`), `{"a":{"k":"y","v":null}}`, `{"a":{"k":"y"}}`},
		"null below several alternatives":      {property(`{"anyOf":[{"type":"object","properties":{"v":{"type":"string"}}},{"type":"object","properties":{"v":{"type":"integer"}}}]}`), `{"a":{"v":null}}`, `{"a":{"v":null}}`},
		"null that another alternative takes":  {property(`{"anyOf":[{"type":"object","properties":{"v":{"type":"string"}}},{"type":"object"}]}`), `{"a":{"v":null}}`, `{"a":{"v":null}}`},
		"an alternative by a reference":        {`{"type":"object","properties":{"a":{"$ref":"#/$defs/x"}},"$defs":{"x":{"anyOf":[{"$ref":"#/$defs/n"},{"type":"boolean"}]},"n":{"type":"integer"}}}`, `{"a":"7"}`, `{"a":7}`},
		"alternatives in alternatives":         {property(`{"anyOf":[{"anyOf":[{"type":"integer"},{"type":"boolean"}]},{"type":"array"}]}`), `{"a":"7"}`, `{"a":7}`},
		"tuple":                                {property(`{"type":"array","prefixItems":[{"type":"integer"},{"type":"string"}],"items":{"type":"boolean"}}`), `{"a":["1","1","true"]}`, `{"a":[1,"1",true]}`},
		"keeps order, white space inside text": {`{"type":"object","properties":{"b":{"type":"integer"},"a":{"type":"string"}}}`, ` { "z" : [ 1 , 2 ] , "b" : 1.0 , "a" : " é\u00e9\ud800" } `, `{"z":[ 1 , 2 ],"b":1,"a":" é\u00e9\ud800"}`},
		"nothing to do":                        {`{"type":"object","properties":{"b":{"type":"integer"},"c":{"type":"array"}}}`, ` { "b" : 1 , "c" : [ ] } `, ` { "b" : 1 , "c" : [ ] } `},
		"a name twice":                         {property(`{"type":"string"}`), `{"a":null,"a":"x"}`, `{"a":null,"a":"x"}`},
		"not JSON":                             {property(`{"type":"string"}`), `{"a":null`, `{"a":null`},
		"no object":                            {property(`{"type":"string"}`), `[null]`, `[null]`},
		"invalid UTF-8":                        {property(`{"type":"string"}`), "{\"a\":null,\"\xff\":null}", "{\"\xff\":null}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			schema, err := CompileSchema(json.RawMessage(tt.schema))
			if err != nil {
				t.Fatal(err)
			}
			if got := schema.Repair(t.Context(), []byte(tt.given)); string(got) != tt.want {
				t.Errorf("%s is repaired to %s, want %s", tt.given, got, tt.want)
			}
		})
	}
}

// TestRepairIsBounded gives values that take many steps, and schemas that multiply them.
func TestRepairIsBounded(t *testing.T) {
	t.Parallel()
	nested := `{"type":"object","properties":{"a":{"$ref":"#/$defs/x"}},"$defs":{"x":{"anyOf":[
		{"type":"object","properties":{"a":{"$ref":"#/$defs/x"},"n":{"type":"integer"}},"additionalProperties":false},
		{"type":"object","properties":{"a":{"$ref":"#/$defs/x"},"n":{"type":"boolean"}},"additionalProperties":false}]}}}`
	wrapped := `"5"`
	for range 14 {
		text, err := json.Marshal(`{"a":` + wrapped + `}`)
		if err != nil {
			t.Fatal(err)
		}
		wrapped = string(text)
	}
	for name, tt := range map[string]struct{ schema, params string }{
		"alternatives at each level": {nested, strings.Repeat(`{"a":`, 11) + `{"n":"x"}` + strings.Repeat(`}`, 11)},
		"many values":                {`{"type":"object","properties":{"a":{"type":"array","items":{"anyOf":[{"type":"integer"},{"type":"boolean"}]}}}}`, `{"a":["x"` + strings.Repeat(`,"5"`, 200_000) + `]}`},
		"many integers":              {`{"type":"object","properties":{"a":{"type":"array","items":{"type":"integer"}}}}`, `{"a":[1` + strings.Repeat(`,1e15`, 250_000) + `]}`},
		"a pattern":                  {`{"type":"object","properties":{"a":{"anyOf":[{"type":"string","pattern":"^(a{0,90}b?){0,10}$"},{"type":"integer"}]}}}`, `{"a":"` + strings.Repeat("a", 1_000_000) + `b"}`},
		"a text that is a long list": {`{"type":"object","properties":{"a":{"type":"array"}}}`, `{"a":"[` + strings.Repeat("[],", 2_000_000) + `[]]"}`},
		"texts in texts":             {`{"$defs":{"x":{"type":"object","properties":{"a":{"$ref":"#/$defs/x"}}}},"$ref":"#/$defs/x"}`, `{"a":` + wrapped + `}`},
	} {
		t.Run(name, func(t *testing.T) {
			schema, err := CompileSchema(json.RawMessage(tt.schema))
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			got := schema.Repair(t.Context(), []byte(tt.params))
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("took %s", took)
			}
			if !rawjson.Valid(got) {
				t.Errorf("repaired to %.100s", got)
			}
		})
	}
}

// TestRepairEndsWithItsContext: where a call has ended, nothing is checked any more.
func TestRepairEndsWithItsContext(t *testing.T) {
	t.Parallel()
	schema, err := CompileSchema(json.RawMessage(`{"type":"object","properties":{"a":{"anyOf":[{"type":"integer"},{"type":"boolean"}]}}}`))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := schema.Repair(ctx, []byte(`{"a":"5"}`)); string(got) != `{"a":"5"}` {
		t.Errorf("repaired to %s", got)
	}
}

// checkRepair holds what is true of every repair: what the schema takes keeps its meaning,
// one repair is enough, and no value comes up that was not there.
func checkRepair(t *testing.T, schema *Schema, params []byte) {
	t.Helper()
	got := schema.Repair(t.Context(), params)
	if again := schema.Repair(t.Context(), got); !bytes.Equal(again, got) && schema.Validate(t.Context(), got) == nil {
		t.Errorf("%s is repaired to %s, and that to %s", params, got, again)
	}
	before, twice, err := rawjson.Decode(params)
	if err != nil || twice != "" {
		if !bytes.Equal(got, params) {
			t.Errorf("%q is repaired to %q", params, got)
		}
		return
	}
	after, twice, err := rawjson.Decode(got)
	if err != nil || twice != "" {
		t.Fatalf("%s is repaired to %s: %v %s", params, got, err, twice)
	}
	if schema.Validate(t.Context(), params) == nil && !reflect.DeepEqual(canonical(before), canonical(after)) {
		t.Errorf("%s is good, and is repaired to %s", params, got)
	}
	if !within(after, before) {
		t.Errorf("%s is repaired to %s, which says something else", params, got)
	}
}

// canonical has one notation for each number.
func canonical(value any) any {
	switch value := value.(type) {
	case json.Number:
		return json.Number(rawjson.CanonicalNumber(value.String()))
	case []any:
		for i := range value {
			value[i] = canonical(value[i])
		}
	case map[string]any:
		for name := range value {
			value[name] = canonical(value[name])
		}
	}
	return value
}

// within reports whether a repaired value says what the given one says, less some nulls.
func within(after, before any) bool {
	if text, ok := before.(string); ok {
		if same, ok := after.(string); ok {
			return same == text
		}
		inner, _, err := rawjson.Decode([]byte(text))
		return err == nil && within(after, inner)
	}
	switch before := before.(type) {
	case map[string]any:
		object, ok := after.(map[string]any)
		for name, value := range before {
			inner, kept := object[name]
			ok = ok && (kept && within(inner, value) || !kept && value == nil)
		}
		for name := range object {
			_, known := before[name]
			ok = ok && known
		}
		return ok
	case []any:
		list, ok := after.([]any)
		ok = ok && len(list) == len(before)
		for i := range before {
			ok = ok && within(list[i], before[i])
		}
		return ok
	}
	return reflect.DeepEqual(canonical(after), canonical(before))
}

func FuzzRepair(f *testing.F) {
	for _, seed := range [][2]string{
		{filterSchema, `{"filter":"{\"field\":\"x\",\"negate\":\"true\",\"value\":null}","limit":"1e1"}`},
		{`{"properties":{"a":{"anyOf":[{"type":"integer"},{"type":"boolean"}]}},"additionalProperties":{"type":"array","items":{"enum":[1,null]}}}`, `{"a":"true","b":"[1.0,\"null\"]"}`},
		{`{"allOf":[{"properties":{"a":{"type":"object","properties":{"b":{"type":"integer"}}}}},{"required":["a"]}]}`, "{\"a\":{\"b\":null,\"\xff\":1},\"a\\u0062\":\"\\ud800\"}"},
		{`{"oneOf":[{"properties":{"k":{"const":1},"v":{"type":"integer"}},"required":["k"]},{"properties":{"k":{"const":2}}}]}`, `{"k":"1","v":"-0"}`},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, text, params string) {
		if schema, err := CompileSchema(json.RawMessage(text)); err == nil {
			checkRepair(t, schema, []byte(params))
		}
	})
}

// TestRepairKeepsTheMeaning tries values that are made of hard parts, against schemas that are.
func TestRepairKeepsTheMeaning(t *testing.T) {
	t.Parallel()
	parts := []string{`null`, `2.0`, `"2"`, `"true"`, `true`, `"null"`, `"{\"a\":\"5\",\"b\":null}"`, `{"a":null,"b":"1"}`, `[null,"1",1.0]`, `"[1,\"x\"]"`, `""`, `-0.0`, `1e400`, `"\ud800"`}
	schemas := []string{`{"type":"integer"}`, `{"type":["boolean","null"]}`, `{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"}}}`, `{"type":"array","items":{"type":"integer"}}`, `{"enum":["2",2,null]}`, `{"anyOf":[{"type":"integer"},{"type":"string","maxLength":3}]}`, `true`, `false`}
	for _, a := range schemas {
		for _, b := range schemas {
			for _, form := range []string{`{"properties":{"x":%s,"y":%s}}`, `{"properties":{"x":{"allOf":[%s,%s]}}}`, `{"properties":{"x":{"oneOf":[%s,%s]}},"required":["x"]}`, `{"anyOf":[{"properties":{"x":%s}},{"properties":{"y":%s},"required":["y"]}]}`} {
				schema, err := CompileSchema(fmt.Appendf(nil, form, a, b))
				if err != nil {
					t.Fatal(err)
				}
				for _, x := range parts {
					checkRepair(t, schema, fmt.Appendf(nil, `{"x":%s,"y":%s}`, x, parts[len(x)%len(parts)]))
				}
			}
		}
	}
}
