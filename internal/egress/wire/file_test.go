package wire

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
)

// No answer and no parameters end the process, and what comes out is a text that stands in the answer once.
func FuzzFileURL(f *testing.F) {
	f.Add("/attachment/url", `{"attachment":{"url":"https://files.example.com/a"}}`, `{}`)
	f.Add("/files/{n}/url", `{"files":[{"url":"https://a.example/1"},{"url":"https://a.example/2"}]}`, `{"n":1}`)
	f.Add("/{name}", `{"a~/b":"x","a":1}`, `{"name":"a~/b"}`)
	f.Add("/a/a", `{"a":{"a":"x","a":"y"}}`, `{"n":"0"}`)
	f.Add("/0/~1~0", `[{"/~":"\ud83d\ude00"}]`, `null`)
	f.Add("/{n}", `["a"]`, `{"n":99999999999999999999}`)
	f.Fuzz(func(t *testing.T, pointer, answer, params string) {
		if len(answer) > 10_000 || !json.Valid([]byte(params)) { // a host checks them before
			return
		}
		file := &abi.File{Pointer: pointer}
		url, failed := FileURL(file, []byte(answer), []byte(params))
		if failed != nil {
			if url != "" || failed.Message == "" {
				t.Errorf("%q and %v", url, failed)
			}
			return
		}
		var whole any
		if err := json.Unmarshal([]byte(answer), &whole); err != nil {
			t.Fatalf("%q of what is not JSON", url)
		}
		if !has(whole, strings.ToValidUTF8(url, "\ufffd")) {
			t.Errorf("%q is not in %s", url, answer)
		}
	})
}

// has reports whether a text is somewhere in a value.
func has(v any, text string) bool {
	switch v := v.(type) {
	case string:
		return v == text
	case []any:
		for _, element := range v {
			if has(element, text) {
				return true
			}
		}
	case map[string]any:
		for _, element := range v {
			if has(element, text) {
				return true
			}
		}
	}
	return false
}
