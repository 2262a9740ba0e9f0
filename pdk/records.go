package pdk

import (
	"strconv"
	"strings"

	"github.com/agenthost/agenthost/pdk/abi"
)

// maxProjected bounds an answer whose records are put together anew, in bytes.
const maxProjected = 8 << 20

// withoutRecords is the error of an answer that has nothing where its records should be. A
// pointer that is wrong, or an answer of another kind, must not look like no records.
func (c *Call) withoutRecords(resp *Response) *abi.Error {
	e := StatusError(resp)
	e.Kind, e.Message, e.Hint = abi.KindVendorError, resp.Vendor+" answered without "+c.op.Data+", where its records should be", ""
	return e
}

// respondProjected is respondData of a row whose pointer has a *, or whose records are
// wrapped.
func (c *Call) respondProjected(resp *Response) (Value, error) {
	start, rest, _ := strings.Cut(c.op.Data+"/", "/*/")
	start, rest = strings.TrimSuffix(start, "/"), strings.TrimSuffix(rest, "/")
	if strings.Contains(c.op.Data+"/", "/*/") {
		rest = strings.TrimSuffix("/*/"+rest, "/")
	}
	part := resp.Body.Part(start)
	kind := part.Kind()
	if !part.Exists() || kind == JSONInvalid || rest != "" && kind != JSONArray && kind != JSONObject && kind != JSONNull {
		if c.op.Effect == Read && !c.op.DataOptional || resp.Body.Kind() == JSONInvalid && c.op.list() {
			return Value{}, c.withoutRecords(resp)
		}
	}
	body, err := part.Bytes(maxProjected)
	if err != nil {
		return Value{}, err
	}
	var found []Raw
	if kind != JSONInvalid {
		found = match(nil, body, rest)
	}
	if !c.op.list() {
		c.result.DataRaw(Raw("{}"))
		if len(found) == 0 || found[0].Kind() == JSONNull {
			return resp.Body, nil
		}
		one, err := c.appendRecord(nil, found[0], true, false)
		c.result.DataRaw(one)
		return resp.Body, err
	}
	list := append(make([]byte, 0, len(body)+16*len(found)+2), '[')
	record := func(r Raw) {
		if err == nil {
			list, err = c.appendRecord(list, r, c.op.Wrap, len(list) > 1)
		}
	}
	for _, r := range found {
		switch r.Kind() {
		case JSONArray:
			for element := range r.Elements() {
				record(element)
			}
		case JSONNull:
			if rest != "" {
				record(r)
			}
		default:
			record(r)
		}
	}
	c.result.DataRaw(append(list, ']'))
	return resp.Body, err
}

// match appends what a JSON Pointer leads to in which * stands for each element or member.
func match(found []Raw, v Raw, pointer string) []Raw {
	for pointer != "" {
		segment, rest, _ := strings.Cut(pointer[1:], "/")
		if pointer = ""; rest != "" {
			pointer = "/" + rest
		}
		kind := v.Kind()
		if segment == "*" {
			for element := range v.Elements() {
				found = match(found, element, pointer)
			}
			for _, member := range v.Members() {
				found = match(found, member, pointer)
			}
			return found
		}
		segment = strings.ReplaceAll(strings.ReplaceAll(segment, "~1", "/"), "~0", "~")
		if kind == JSONArray {
			v = v.element(segment)
		} else {
			v = v.Member(segment)
		}
	}
	if v.Exists() {
		found = append(found, v)
	}
	return found
}

// element is the element of an array that has an index.
func (r Raw) element(index string) Raw {
	n, err := strconv.Atoi(index)
	for element := range r.Elements() {
		if n == 0 && err == nil {
			return element
		}
		n--
	}
	return nil
}
