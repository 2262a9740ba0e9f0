package pdk_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk"
)

func TestFilterAndTransform(t *testing.T) {
	t.Parallel()
	list := func(filter string, transform ...[2]string) pdk.Operation {
		return pdk.Operation{List: true, Data: "/rows", Filter: filter, Transform: transform}
	}
	wrapped := list("record.value != 'b'")
	wrapped.Wrap = true
	projected := list("record.ok")
	projected.Data = "/rows/*/of"
	one := pdk.Operation{Transform: [][2]string{{"urn", "urn:{{ record.id }}"}}}
	value := [2]string{"id", "{{ record.value | replace('customers/', '') }}"}
	const secret = `{"rows":[{"id":1,"isPrivate":true},{"id":2,"isPrivate":false},{"id":3,"isPrivate":null}]}`
	for name, tt := range map[string]struct {
		op           pdk.Operation
		answer, want string // want of no JSON is a part of the error
	}{
		"not":                             {list("not record.isPrivate"), secret, `[{"id":2,"isPrivate":false},{"id":3,"isPrivate":null}]`},
		"a member":                        {list("record.isPrivate"), secret, `[{"id":1,"isPrivate":true}]`},
		"deep inside":                     {list("not record.meta.isPrivate"), `{"rows":[{"meta":{"isPrivate":true}},{"meta":{"isPrivate":false}}]}`, `[{"meta":{"isPrivate":false}}]`},
		"none stays":                      {list("record.ok"), `{"rows":[{"ok":false}]}`, `[]`},
		"no records":                      {list("record.ok"), `{"rows":[]}`, `[]`},
		"null for records":                {list("record.ok"), `{"rows":null}`, `[]`},
		"and, or":                         {list("record.a and (record.b == 'x' or record.n != 2)"), `{"rows":[{"a":true,"b":"x","n":2},{"a":true,"b":"y","n":2},{"a":true,"b":"y","n":3},{"a":false,"b":"x","n":3}]}`, `[{"a":true,"b":"x","n":2},{"a":true,"b":"y","n":3}]`},
		"text is no number":               {list("record.n == 2"), `{"rows":[{"n":"2"},{"n":2}]}`, `[{"n":2}]`},
		"a number is no text":             {list("record.n == '2'"), `{"rows":[{"n":2},{"n":"2"},{"n":"\u0032"}]}`, `[{"n":"2"},{"n":"\u0032"}]`},
		"null":                            {list("record.n != null"), `{"rows":[{"n":null},{"n":0},{"n":"null"}]}`, `[{"n":0},{"n":"null"}]`},
		"a member that is missing":        {list("not record.isPrivate"), `{"rows":[{"id":1,"isPrivate":false},{"id":2}]}`, "a record without isPrivate, which the filter of things.do needs"},
		"missing where or could end":      {list("record.ok or record.b"), `{"rows":[{"ok":true}]}`, "without b"},
		"missing where and could end":     {list("record.ok and record.b"), `{"rows":[{"ok":false}]}`, "without b"},
		"a member of null":                {list("not record.meta.isPrivate"), `{"rows":[{"meta":null}]}`, "without meta.isPrivate"},
		"a record that is null":           {list("not record.isPrivate"), `{"rows":[null]}`, "without isPrivate"},
		"a record that is a list":         {list("not record.isPrivate"), `{"rows":[[{"isPrivate":false}]]}`, "without isPrivate"},
		"text is neither true nor false":  {list("not record.isPrivate"), `{"rows":[{"isPrivate":"true"}]}`, "isPrivate is neither true nor false"},
		"nor is a number":                 {list("not record.isPrivate"), `{"rows":[{"isPrivate":1}]}`, "isPrivate is neither true nor false"},
		"wrapped":                         {wrapped, `{"rows":["a","b",1]}`, `[{"value":"a"},{"value":1}]`},
		"projected":                       {projected, `{"rows":[{"of":{"ok":true}},{"of":[{"ok":false},{"ok":true,"n":1}]}]}`, `[{"ok":true},{"ok":true,"n":1}]`},
		"a text for a member":             {list("", value), `{"rows":["customers/1","x/customers/2\"","c"]}`, `[{"id":"1"},{"id":"x/2\""},{"id":"c"}]`},
		"a member more":                   {list("", [2]string{"urn", "urn:a:{{ record.id }}/{{ record.of.name }}"}), `{"rows":[{"id":1.50,"of":{"name":"n"}}]}`, `[{"id":1.50,"of":{"name":"n"},"urn":"urn:a:1.50/n"}]`},
		"a member that is there":          {list("", [2]string{"id", "i{{ record.id }}"}), `{"rows":[{"id":true,"a":1}]}`, `[{"a":1,"id":"itrue"}]`},
		"text of null":                    {list("", [2]string{"urn", "urn:{{ record.id }}"}), `{"rows":[{"id":null}]}`, `[{"id":null,"urn":null}]`},
		"text of nothing":                 {list("", [2]string{"urn", "urn:{{ record.id }}"}), `{"rows":[{"ID":1}]}`, "without id, which the transform of things.do needs"},
		"a filter of what was made":       {list("record.id == '1'", value), `{"rows":["customers/1","customers/2"]}`, `[{"id":"1"}]`},
		"of one record":                   {one, `{"id":"x"}`, `{"id":"x","urn":"urn:x"}`},
		"of no record":                    {one, `null`, `{}`},
		"a text that grows without bound": {list("", [2]string{"id", "{{ record.value | replace('a', '" + strings.Repeat("a", 400) + "') | replace('a', '" + strings.Repeat("b", 400) + "') }}"}), `{"rows":["` + strings.Repeat("a", 1000) + `"]}`, "longer than the connector writes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.op.Effect, tt.op.Method, tt.op.Path = pdk.Read, "GET", "/things"
			data, _, err := answered(t, with(tt.op), `{}`, tt.answer)
			if !json.Valid([]byte(tt.want)) {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("%.200s, %v, want an error with %q", data, err, tt.want)
				}
			} else if err != nil || string(data) != tt.want {
				t.Errorf("%.200s, %v, want %s", data, err, tt.want)
			}
		})
	}
}
