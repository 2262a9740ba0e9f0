package sandbox

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
)

func checkRequest(t *testing.T, data []byte) {
	t.Helper()
	var want abi.Request
	wantErr := json.Unmarshal(data, &want)
	got, err := parseRequest(data)
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("%q: %v, want %v", data, err, wantErr)
	}
	if err == nil && !reflect.DeepEqual(*got, want) {
		t.Errorf("%q is %#v, want %#v", data, *got, want)
	}
}

// requests are some that PDKs write, and some that they should not.
var requests = []string{
	`{"method":"GET","path":"/issues/{id}","path_params":{"id":"iss_1","b\u0061":"\n"}}`,
	` {"server":"us","method":"POST","path":"/","query":[["a","1"],["a",""]],"headers":[["Content-Type","application/json"]]} `,
	`{"method":"GET","path":"/","query":[],"headers":[],"path_params":{}}`,
	`{"method":null,"path":"/","query":null,"path_params":null}`,
	`{"Method":"GET","PATH":"/","Path_Params":{"a":"b"}}`,
	`{"method":"GET","path":"/","path":"/b","path_params":{"a":"1"},"path_params":{"b":"2"}}`,
	`{"method":"GET","path":"/","query":[["a"]]}`,
	`{"method":"GET","path":"/","query":[["a","b","c"]]}`,
	`{"method":"GET","path":"/","query":[["a",1]]}`,
	`{"method":"GET","path":"/","query":["ab"]}`,
	`{"method":"GET","path":"/","query":{"a":"b"}}`,
	`{"method":"GET","path":"/","query":[["a",null]]}`,
	`{"method":"GET","path":"/","path_params":{"a":1}}`,
	`{"method":"GET","path":"/","path_params":{"a":null}}`,
	`{"method":"GET","path":"/","path_params":["a"]}`,
	`{"method":1,"path":"/"}`,
	`{"m\u0065thod":"GET","path":"/"}`,
	`{"method":"GET","path":"/","other":{"deep":[1]}}`,
	`{"method":"GET","path":"/` + "\xff" + `"}`,
	`{"method":"GET","path":"\ud800"}`,
	`[]`, `null`, ``, `{`, `{"method":"GET"}}`, `"x"`,
}

func TestParseRequest(t *testing.T) {
	for _, text := range requests {
		checkRequest(t, []byte(text))
	}
	if _, ok := plainRequest([]byte(requests[0])); !ok {
		t.Error("what the PDK writes goes through encoding/json")
	}
}

func FuzzParseRequest(f *testing.F) {
	for _, text := range requests {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkRequest(t, data) })
}
