package connector

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
)

// A schema that leads back to itself more than once takes time that doubles with each
// level of the parameters. What is deeper than can be checked is refused.
func TestSchemaThatContainsItself(t *testing.T) {
	const twice = `{"allOf":[{"$ref":"#/$defs/n"},{"$ref":"#/$defs/n"}]}`
	tests := map[string]struct {
		n       string // what #/$defs/n is
		inside  string // a value in a value
		deepest int
	}{
		"once":           {`{"properties":{"a":{"$ref":"#/$defs/n"}}}`, `{"a":%s}`, maxDepth},
		"by other names": {`{"properties":{"and":{"items":{"$ref":"#/$defs/n"}},"or":{"items":{"$ref":"#/$defs/n"}},"not":{"$ref":"#/$defs/n"}}}`, `{"or":[%s]}`, maxDepth},
		"twice":          {`{"properties":{"a":` + twice + `}}`, `{"a":%s}`, 11},
		"two patterns":   {`{"patternProperties":{"^a":{"$ref":"#/$defs/n"},"a$":{"$ref":"#/$defs/n"}}}`, `{"a":%s}`, 12},
		"list":           {`{"items":` + twice + `,"properties":{"a":` + twice + `}}`, `{"a":%s}`, 8},
		"contains":       {`{"properties":{"a":{"$ref":"#/$defs/n"}},"items":{"$ref":"#/$defs/n"},"contains":{"$ref":"#/$defs/n"}}`, `[%s]`, 10},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := CompileSchema(json.RawMessage(`{"properties":{"p":{"$ref":"#/$defs/n"}},"$defs":{"n":` + tt.n + `}}`))
			if err != nil {
				t.Fatal(err)
			}
			if (tt.deepest == maxDepth) != (s.deepest == maxDepth) || s.deepest < tt.deepest-3 || s.deepest > tt.deepest+3 {
				t.Errorf("values are checked to %d levels, want about %d", s.deepest, tt.deepest)
			}
			params := "1"
			for range 40 {
				params = fmt.Sprintf(tt.inside, params)
			}
			err = s.Validate(t.Context(), []byte(`{"p":`+params+`}`))
			var e *abi.Error
			switch {
			case tt.deepest == maxDepth:
				if err != nil && !strings.Contains(err.Error(), "too deeply") {
					t.Error(err)
				}
			case !errors.As(err, &e) || e.Kind != abi.KindInvalidParams || !strings.Contains(e.Message, fmt.Sprintf("permits only %d", s.deepest)):
				t.Errorf("40 levels: %v", err)
			}
			if err := s.Validate(t.Context(), []byte(`{"p":`+fmt.Sprintf(tt.inside, fmt.Sprintf(tt.inside, "1"))+`}`)); err != nil {
				t.Errorf("3 levels: %v", err)
			}
		})
	}
}

func TestSchemaThatIsItself(t *testing.T) {
	for _, raw := range []string{`{"$ref":"#"}`, `{"allOf":[{"$ref":"#/$defs/a"}],"$defs":{"a":{"anyOf":[{"$ref":"#/$defs/a"},true]}}}`} {
		if _, err := CompileSchema(json.RawMessage(raw)); err == nil {
			t.Errorf("%s is taken", raw)
		}
	}
}
