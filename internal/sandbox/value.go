package sandbox

import (
	"bytes"
	"net/textproto"
	"strings"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// value is a value that the host keeps for a guest during one call: the input, a response with its
// body, or a part of one.
type value struct {
	data     []byte
	response *Response         // set where data is the body of a response
	headers  map[string][]byte // the requested ones, joined

	checked bool
	json    []byte            // data without the white space around it; nil if it is not JSON
	members map[string][]byte // of an object, made when a part is first asked for
	scanned bool              // whether members was tried; it is nil if they are too many
}

// maxIndexedPerCall bounds the members that are indexed in all values of a call: many
// handles can name the same object.
const maxIndexedPerCall = 64 << 10

// maxIndexed bounds the indexed members of an object. One with more is not an envelope of records, and
// an index of millions would take many times the memory of the text.
const maxIndexed = 1024

// whole makes a value of an unchecked text.
func whole(data []byte) *value { return &value{data: data} }

// piece makes a value of valid JSON without white space around it: a part, or the host's own.
func piece(data []byte) *value { return &value{data: data, checked: true, json: data} }

// text returns the text without the white space around it, or nil if it is not JSON. It scans the text
// at most once, and charges work for the bytes as it reads them.
func (v *value) text(work func(bytes int) error) []byte {
	if !v.checked {
		v.checked = true
		v.json, _ = rawjson.CheckWithin(v.data, work)
	}
	return v.json
}

// part follows a JSON Pointer in a JSON value. It indexes the members of the top level once, since
// connectors ask for several of them: the records, the cursor, the request id. It charges work for
// bytes as it reads them: a body of 30 MB takes a while.
//
// room is how many members the call may still index.
func (v *value) part(pointer string, room *int, work func(bytes int) error) (part []byte, found bool, err error) {
	if pointer == "" {
		return v.json, true, nil
	}
	if rawjson.KindOf(v.json) != rawjson.Object || strings.ContainsRune(pointer, '~') || !v.index(room, work) {
		return rawjson.PointerWithin(v.json, pointer, work)
	}
	if pointer[0] != '/' {
		return nil, false, rawjson.ErrPointer
	}
	first, rest := pointer[1:], ""
	if slash := strings.IndexByte(first, '/'); slash >= 0 {
		first, rest = first[:slash], first[slash:]
	}
	member, ok := v.members[first]
	if !ok || rest == "" {
		return member, ok, nil
	}
	return rawjson.PointerWithin(member, rest, work)
}

// index makes members, and reports false if there are too many.
func (v *value) index(room *int, work func(bytes int) error) bool {
	if v.scanned || *room <= 0 {
		return v.members != nil
	}
	v.scanned = true
	members := make(map[string][]byte)
	for name, member := range rawjson.MembersWithin(v.json, work) {
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
