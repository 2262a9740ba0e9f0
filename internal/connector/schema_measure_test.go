package connector

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// FuzzMeasure compares the validation that ends with its call, for values that may take
// long, with the validator's own.
func FuzzMeasure(f *testing.F) {
	m := made{rand.New(rand.NewPCG(5, 6))}
	for range 50 {
		f.Add(m.schema(), m.params())
	}
	for _, schema := range []string{
		`{"properties":{"a":{"pattern":"^b+$"}},"patternProperties":{"^x":{"not":{}}},"propertyNames":{"maxLength":3}}`,
		`{"properties":{"a":{"$ref":"#"}},"unevaluatedProperties":false}`,
		`{"properties":{"a":{"items":{"enum":[1,2]},"uniqueItems":true,"contains":{"const":1}}},"dependentRequired":{"a":["b"]}}`,
	} {
		f.Add(schema, `{"a":[1,1]}`)
		f.Add(schema, `{"a":"bb","x":1}`)
		f.Add(schema, `{"a":{"a":{"c":1}}}`)
	}
	f.Fuzz(func(t *testing.T, text, params string) {
		schema, err := CompileSchema(json.RawMessage(text))
		if err != nil || rawjson.KindOf([]byte(params)) != rawjson.Object {
			return
		}
		value, twice, err := rawjson.Decode([]byte(params))
		if err != nil || twice != "" || tooLong(schema.compiled, value, nil) != nil {
			return
		}
		if levels, parts := extent(value); levels > schema.deepest || schema.tooMuch(parts) != nil {
			return
		}
		want, got := schema.compiled.Validate(value), schema.measure(t.Context(), value)
		if errors.Is(got, errSteps) {
			return
		}
		if (want == nil) != (got == nil) {
			t.Errorf("%s, %s: %v, and the validator says %v", text, params, got, want)
		}
		if invalid, ok := errors.AsType[*jsonschema.ValidationError](got); ok && schema.explain(invalid).Message == "" {
			t.Errorf("%s, %s: nothing is said", text, params)
		}
	})
}
