package sandbox

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// value is something that the host keeps for a guest during one call: the input, a
// response with its body, or a part of one of them.
type value struct {
	data     []byte
	response *Response // set where data is the body of a response

	// What is known about data as JSON.
	checked bool
	valid   bool
	members map[string][]byte // of an object, made when a part is first asked for
}

// whole makes a value of a text of which nothing is known.
func whole(data []byte) *value { return &value{data: data} }

// piece makes a value of a part of valid JSON, or of JSON that the host wrote.
func piece(data []byte) *value { return &value{data: data, checked: true, valid: true} }

// isJSON scans the text at most once.
func (v *value) isJSON() bool {
	if !v.checked {
		v.checked, v.valid = true, rawjson.Valid(v.data)
	}
	return v.valid
}

// json returns the text without white space around it.
func (v *value) json() []byte { return rawjson.Trim(v.data) }

func (v *value) kind() rawjson.Kind {
	if !v.isJSON() {
		return rawjson.Invalid
	}
	return rawjson.KindOf(v.data)
}

// part follows a JSON Pointer. The members of the top level are indexed once, since
// connectors ask for several of them: the records, the cursor, the request id.
func (v *value) part(pointer string) (part []byte, found bool, err error) {
	if rawjson.KindOf(v.data) != rawjson.Object || pointer == "" || strings.ContainsRune(pointer, '~') {
		return rawjson.Pointer(v.data, pointer)
	}
	if v.members == nil {
		v.members = make(map[string][]byte)
		for name, member := range rawjson.Members(v.data) {
			v.members[rawjson.Unquote(name)] = member
		}
	}
	if pointer[0] != '/' {
		return nil, false, rawjson.ErrPointer
	}
	first, rest := pointer[1:], ""
	if slash := strings.IndexByte(first, '/'); slash >= 0 {
		first, rest = first[:slash], first[slash:]
	}
	member, ok := v.members[first]
	if !ok {
		return nil, false, nil
	}
	return rawjson.Pointer(member, rest)
}

// header joins the values of a response header as RFC 9110 section 5.3 allows.
func header(h http.Header, name []byte) ([]byte, bool) {
	values := h.Values(string(bytes.TrimSpace(name)))
	if len(values) == 0 {
		return nil, false
	}
	return []byte(strings.Join(values, ", ")), true
}
