package portable

import (
	"errors"
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
)

func TestRestore(t *testing.T) {
	t.Parallel()
	deep := &Names{own: map[string]string{"a_b": "a[b]"}}
	names := &Names{
		own:      map[string]string{"filter_id": "filter[id]", "quoted": `"`},
		members:  map[string]*Names{"list": {elements: deep}, "filter[id]": deep, "free": nil},
		others:   deep,
		elements: deep,
	}
	for name, c := range map[string]struct{ value, want, field string }{
		"no alias":            {value: `{"x": 1.0 , "y":[]}`, want: `{"x":1.0,"y":[]}`},
		"alias":               {value: `{"filter_id":"\u00e9"}`, want: `{"filter[id]":"\u00e9"}`},
		"a quote":             {value: `{"quoted":1}`, want: `{"\"":1}`},
		"the name itself":     {value: `{"filter[id]":1}`, want: `{"filter[id]":1}`},
		"below an alias":      {value: `{"filter_id":{"a_b":1e400}}`, want: `{"filter[id]":{"a[b]":1e400}}`},
		"in elements":         {value: `{"list":[{"a_b":1},{"c":{"a_b":2}}]}`, want: `{"list":[{"a[b]":1},{"c":{"a_b":2}}]}`},
		"of other members":    {value: `{"other":{"a_b":1}}`, want: `{"other":{"a[b]":1}}`},
		"where there is none": {value: `{"free":{"a_b":1}}`, want: `{"free":{"a_b":1}}`},
		"another type":        {value: `{"list":{"a_b":1},"filter_id":[{"a_b":1}]}`, want: `{"list":{"a_b":1},"filter[id]":[{"a_b":1}]}`},
		"a text of an object": {value: `{"filter_id":"{\"a_b\": \"é\"}","list":" [{\"a_b\":1}]"}`, want: `{"filter[id]":"{\"a[b]\":\"é\"}","list":"[{\"a[b]\":1}]"}`},
		"texts in a text":     {value: `{"x":"{\"other\":\"{\\\"a_b\\\":1}\"}","filter_id":"a_b"}`, want: `{"x":"{\"other\":\"{\\\"a_b\\\":1}\"}","filter[id]":"a_b"}`},
		"a text without any":  {value: `{"filter_id":"{ \"c\" : 1 }","list":"[1, 2","other":"{\"a_b\":1,\"a[b]\":2}"}`, want: `{"filter[id]":"{ \"c\" : 1 }","list":"[1, 2","other":"{\"a_b\":1,\"a[b]\":2}"}`},
		"both":                {value: `{"filter_id":1,"filter[id]":2}`, field: "filter[id]"},
		"both, escaped":       {value: `{"filter[\u0069d]":1,"filter_i\u0064":2}`, field: "filter[id]"},
		"both, deep":          {value: `{"list":[{"a_b":1,"a[b]":2}]}`, field: "list.a[b]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := names.Restore([]byte(c.value))
			if e, _ := errors.AsType[*abi.Error](err); c.field != "" && (e == nil || e.Kind != abi.KindInvalidParams || e.Field != c.field) {
				t.Errorf("error %v, want invalid_params of %s", err, c.field)
			} else if c.field == "" && (err != nil || string(got) != c.want) {
				t.Errorf("got %s, %v, want %s", got, err, c.want)
			}
		})
	}
}
