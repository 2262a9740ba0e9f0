package sandbox

import (
	"encoding/json"
	"unicode/utf8"

	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// parseRequest reads the JSON of an abi.Request. Every call has one, so it reads the form of PDKs
// without reflection, and other forms with encoding/json, with the same result.
func parseRequest(data []byte) (*abi.Request, error) {
	if req, ok := plainRequest(data); ok {
		return req, nil
	}
	req := new(abi.Request)
	return req, json.Unmarshal(data, req)
}

// plainRequest reads a request whose members have the exact names and types, once each.
func plainRequest(data []byte) (*abi.Request, bool) {
	if rawjson.KindOf(data) != rawjson.Object || !rawjson.Valid(data) || !utf8.Valid(data) {
		return nil, false
	}
	req, ok := new(abi.Request), true
	seen := 0
	once := func(member int) {
		ok = ok && seen&member == 0
		seen |= member
	}
	text := func(raw []byte) string {
		ok = ok && rawjson.KindOf(raw) == rawjson.String
		return rawjson.Unquote(raw)
	}
	pairs := func(raw []byte) [][2]string {
		ok = ok && rawjson.KindOf(raw) == rawjson.Array
		list := make([][2]string, 0, 4)
		for element := range rawjson.Elements(raw) {
			var pair [2]string
			n := 0
			for part := range rawjson.Elements(element) {
				if n < len(pair) {
					pair[n] = text(part)
				}
				n++
			}
			ok = ok && n == len(pair)
			list = append(list, pair)
		}
		return list
	}
	for name, value := range rawjson.Members(data) {
		switch string(name) {
		case `"server"`:
			once(1)
			req.Server = text(value)
		case `"method"`:
			once(2)
			req.Method = text(value)
		case `"path"`:
			once(4)
			req.Path = text(value)
		case `"path_params"`:
			once(8)
			ok = ok && rawjson.KindOf(value) == rawjson.Object
			req.PathParams = make(map[string]string)
			for name, value := range rawjson.Members(value) {
				req.PathParams[rawjson.Unquote(name)] = text(value)
			}
		case `"query"`:
			once(16)
			req.Query = pairs(value)
		case `"headers"`:
			once(32)
			req.Headers = pairs(value)
		default:
			return nil, false // perhaps a name in other case, which encoding/json accepts
		}
	}
	return req, ok
}
