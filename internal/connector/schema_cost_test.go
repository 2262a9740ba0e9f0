package connector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

func mustCompile(t *testing.T, raw string) *Schema {
	t.Helper()
	s, err := CompileSchema(json.RawMessage(raw))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A schema of a few bytes compiled to gigabytes, or took a number that ended the process.
// threat: R2
func TestHostileSchemas(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ schema, want string }{
		"pattern repeated":       {`{"properties":{"a":{"pattern":"` + strings.Repeat("a{1000}", 50) + `"}}}`, "compiles to more than 10000 steps"},
		"many patterns":          {`{"properties":{` + strings.Repeat(`"a%d":{"pattern":"a{999}"},`, 1)[:0] + patterns(30) + `}}`, "compile to more than 20000 steps"},
		"pattern properties":     {`{"patternProperties":{"` + strings.Repeat("b{1000}", 50) + `":true}}`, "compiles to more than 10000 steps"},
		"long pattern":           {`{"pattern":"` + strings.Repeat("a", 5000) + `"}`, "limit is 4096"},
		"minimum":                {`{"properties":{"a":{"minimum":1e99999999}}}`, "exponent beyond 400"},
		"multipleOf":             {`{"properties":{"a":{"multipleOf":1e-99999999}}}`, "exponent beyond 400"},
		"enum":                   {`{"enum":[1e99999999]}`, "exponent beyond 400"},
		"digits":                 {`{"const":` + strings.Repeat("9", 60_000) + `}`, "60000 characters"},
		"a name twice":           {`{"type":"object","type":"string"}`, `duplicate name "type"`},
		"deep":                   {strings.Repeat(`{"not":`, 100) + "true" + strings.Repeat("}", 100), "nested too deeply"},
		"default that is a bomb": {`{"default":1e99999999}`, "exponent beyond 400"},
	} {
		if _, err := CompileSchema(json.RawMessage(c.schema)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func patterns(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`"a%d":{"pattern":"a{999}"}`, i))
	}
	return strings.Join(all, ",")
}

// What a caller gives is refused before it is worked on, and the error names the culprit.
// threat: R1
func TestHostileParams(t *testing.T) {
	t.Parallel()
	ones := func(n int) string { return "[" + strings.Repeat("1,", n-1) + "1]" }
	for name, c := range map[string]struct{ schema, params, field, want string }{
		"exponent":             {`{"properties":{"limit":{"minimum":1}}}`, `{"limit":1e99999999}`, "limit", "exponent beyond 400"},
		"digits":               {`{"properties":{"limit":{"type":"integer"}}}`, `{"limit":` + strings.Repeat("1", 2_000_000) + `}`, "limit", "2000000 characters"},
		"negative exponent":    {`{"properties":{"limit":{"multipleOf":2}}}`, `{"limit":1e-99999999}`, "limit", "exponent beyond 400"},
		"elements":             {`{"properties":{"tags":{"items":{"type":"string"},"maxItems":1000}}}`, `{"tags":` + ones(4_000_000) + `}`, "tags", "more than 262144 values"},
		"fewer elements":       {`{"properties":{"tags":{"items":{"type":"string"},"maxItems":1000}}}`, `{"tags":` + ones(200_000) + `}`, "tags", "has 200000 elements, must have at most 1000"},
		"elements inside":      {`{"properties":{"a":{"items":{"properties":{"b":{"maxItems":1}}}}}}`, `{"a":[{"b":[]},{"b":[1,2]}]}`, "a.b", "has 2 elements, must have at most 1"},
		"members":              {`{"properties":{"a":{"maxProperties":1}}}`, `{"a":{"b":1,"c":2}}`, "a", "has 2 members, must have at most 1"},
		"wrong elements":       {`{"properties":{"tags":{"items":{"type":"string"}}}}`, `{"tags":` + ones(200_000) + `}`, "tags.0", "want string"},
		"the last is wrong":    {`{"properties":{"tags":{"items":{"type":"integer"}}}}`, `{"tags":` + strings.TrimSuffix(ones(200_000), "]") + `,"x"]}`, "params", "behind the first elements"},
		"alternatives":         {`{"properties":{"a":{"items":{"anyOf":[` + strings.Repeat(`{"type":"string"},`, 99) + `{"type":"null"}]}}}}`, `{"a":` + ones(100_000) + `}`, "params", "permits at most"},
		"long enum":            {`{"properties":{"a":{"items":{"enum":` + ones(2000) + `}}}}`, `{"a":` + ones(100_000) + `}`, "params", "permits at most"},
		"pattern":              {`{"properties":{"a":{"pattern":"^(.*x){9}(a{500}|b)*$"}}}`, `{"a":"` + strings.Repeat("a", 3_000_000) + `"}`, "params", "takes too long"},
		"pattern of names":     {`{"patternProperties":{"^(.*x){9}(a{500}|b)*$":true}}`, `{"` + strings.Repeat("a", 3_000_000) + `":1}`, "params", "takes too long"},
		"many short texts":     {`{"properties":{"a":{"items":{"pattern":"^(a{500}|b)*$"}}}}`, `{"a":[` + strings.Repeat(`"`+strings.Repeat("a", 90)+`",`, 9000) + `"a"]}`, "params", "takes too long"},
		"a pattern as a value": {`{"properties":{"a":{"format":"regex"}}}`, `{"a":"` + strings.Repeat("a{1000}", 100) + `"}`, "a", "is no regex"},
		"a long name":          {`{"additionalProperties":false}`, `{"` + strings.Repeat("n", 100_000) + `":1}`, strings.Repeat("n", 60) + "...", "unknown parameter"},
		"many names":           {`{"properties":{"a":true},"additionalProperties":false}`, `{"n1":1,"n2":1,"n3":1,"n4":1,"n5":1,"n6":1,"n7":1,"n8":1,"n9":1,"n10":1}`, "n1", "and 2 more"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := mustCompile(t, c.schema).Validate(t.Context(), []byte(c.params))
			var e *abi.Error
			if !errors.As(err, &e) || e.Kind != abi.KindInvalidParams || e.Field != c.field || !strings.Contains(e.Message, c.want) || len(e.Message) > 2000 {
				t.Errorf("%.300v, want %q and %q", err, c.field, c.want)
			}
		})
	}
}

// Both ways to validate, the quick one and the measured one, say the same of small params.
func TestMeasuredIsTheSame(t *testing.T) {
	t.Parallel()
	s := mustCompile(t, `{"type":"object","properties":{"a":{"type":"array","items":{"pattern":"^[a-z]+$","type":"string"},"uniqueItems":true},"b":{"type":"integer","minimum":3}},"required":["b"],"additionalProperties":false}`)
	for params, good := range map[string]bool{
		`{"b":3}`: true, `{"b":3,"a":["x","y"]}`: true, `{"b":3.0}`: true,
		`{}`: false, `{"b":2}`: false, `{"b":3,"a":["x","x"]}`: false, `{"b":3,"a":["X"]}`: false, `{"b":3,"c":1}`: false,
	} {
		quick := s.Validate(t.Context(), []byte(params))
		var value any
		if err := json.Unmarshal([]byte(params), &value); err != nil {
			t.Fatal(err)
		}
		slow := s.measure(t.Context(), value)
		if (quick == nil) != good || (slow == nil) != good {
			t.Errorf("%s: %v and %v, want good: %v", params, quick, slow, good)
		}
		var validation *jsonschema.ValidationError
		var public *abi.Error
		if !good && (!errors.As(slow, &validation) || !errors.As(quick, &public) || s.explain(validation).Message != public.Message) {
			t.Errorf("%s: %v, want %v", params, slow, quick)
		}
	}
}

func TestValidationEndsWithTheCall(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := mustCompile(t, `{"properties":{"a":{"items":{"pattern":"^(a{100}|b)*$"}}}}`)
	err := s.Validate(ctx, []byte(`{"a":["`+strings.Repeat("a", 20_000)+`"]}`))
	var e *abi.Error
	if !errors.As(err, &e) || e.Kind != abi.KindCancelled {
		t.Errorf("%v", err)
	}
}

// Elements that hash alike were compared with each other.
func TestUniqueItems(t *testing.T) {
	t.Parallel()
	s := mustCompile(t, `{"properties":{"a":{"uniqueItems":true}}}`)
	for list, unique := range map[string]bool{
		`[1,2,"1",null,true,"true",[],{},[1],{"a":1}]`: true,
		`["a\u0004b",["a","b"],"a"]`:                   true,
		`[1,1.0]`:                                      false,
		`[10,1e1]`:                                     false,
		`[{"a":1,"b":2},{"b":2,"a":1}]`:                false,
		`[{"a":"1"},{"a":1}]`:                          true,
		`["[1,]",[1]]`:                                 true,
		`["é","\u00e9"]`:                               false,
		`[0,-0]`:                                       false,
		`[null,"null"]`:                                true,
	} {
		if err := s.Validate(t.Context(), []byte(`{"a":`+list+`}`)); (err == nil) != unique {
			t.Errorf("%s: %v", list, err)
		}
	}
}
