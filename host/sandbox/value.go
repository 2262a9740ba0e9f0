package sandbox

import (
	"bytes"
	"net/textproto"
	"strings"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// value is something that the host keeps for a guest during one call: the input, a
// response with its body, or a part of one of them.
type value struct {
	data     []byte
	response *Response         // set where data is the body of a response
	headers  map[string][]byte // those that were asked for, joined

	// What is known about data as JSON.
	checked bool
	valid   bool
	members map[string][]byte // of an object, made when a part is first asked for
	scanned bool              // whether members was tried; it is nil where they are too many
}

// maxIndexedPerCall bounds the members that are indexed in all values of a call: many
// handles can name the same object.
const maxIndexedPerCall = 64 << 10

// maxIndexed is how many members of an object are indexed. More than that are no
// envelope around records, and an index of millions would take many times the memory of
// the text.
const maxIndexed = 1024

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

// checkCost is what isJSON costs.
func (v *value) checkCost() int64 {
	if v.checked {
		return 0
	}
	return scanned(len(v.data))
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
// connectors ask for several of them: the records, the cursor, the request id. Work is
// told how many bytes are about to be read.
//
// Room is how many members the call may still index.
func (v *value) part(pointer string, room *int, work func(bytes int)) (part []byte, found bool, err error) {
	if pointer == "" {
		return v.json(), true, nil
	}
	if rawjson.KindOf(v.data) != rawjson.Object || strings.ContainsRune(pointer, '~') || !v.index(room, work) {
		work(len(v.data))
		return rawjson.Pointer(v.data, pointer)
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
	if rest != "" {
		work(len(member))
	}
	return rawjson.Pointer(member, rest)
}

// index makes members, and reports false where there are too many.
func (v *value) index(room *int, work func(bytes int)) bool {
	if v.scanned || *room <= 0 {
		return v.members != nil
	}
	v.scanned = true
	work(len(v.data))
	members := make(map[string][]byte)
	for name, member := range rawjson.Members(v.data) {
		if len(members) == maxIndexed {
			return false
		}
		members[rawjson.Unquote(name)] = member
	}
	v.members = members
	*room -= len(members)
	return true
}

// header joins the values of a response header as RFC 9110 section 5.3 allows. It does so
// once, so that asking again takes no memory.
func (v *value) header(name []byte) ([]byte, bool) {
	canonical := textproto.CanonicalMIMEHeaderKey(string(bytes.TrimSpace(name)))
	if text, ok := v.headers[canonical]; ok {
		return text, true
	}
	values := v.response.Header.Values(canonical)
	if len(values) == 0 {
		return nil, false
	}
	if v.headers == nil {
		v.headers = make(map[string][]byte)
	}
	v.headers[canonical] = []byte(strings.Join(values, ", "))
	return v.headers[canonical], true
}
