package mcp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// envelope are the members that the protocol's own objects have. One that differs from
// these in case alone means something else to each parser that reads it.
var envelope = []string{"jsonrpc", "id", "method", "params", "result", "error", "name", "arguments", "_meta", "progressToken"}

// strict looks at a message before the protocol's library does. It returns why the message
// is refused, or "". A message is JSON of bounded depth, in which no object has a name
// twice; outside a tool's arguments that holds whatever the case of the letters.
func strict(message []byte) string {
	if err := rawjson.Check(message); err != nil {
		return fmt.Sprintf("the message is not JSON: %v", err)
	}
	name, err := rawjson.Duplicate(message)
	switch {
	case err != nil:
		return fmt.Sprintf("the message is refused: %v", err)
	case name != "":
		return fmt.Sprintf("the message has the member %.60q twice in one object", name)
	}
	switch rawjson.KindOf(message) {
	case rawjson.Object:
		return folded(message)
	case rawjson.Array:
		for element := range rawjson.Elements(message) {
			if why := folded(element); why != "" {
				return why
			}
		}
		return ""
	}
	return "the message is no JSON object"
}

// folded looks for names that differ in case alone, in the message and in its params.
func folded(object []byte) string {
	var names []string
	for raw, value := range rawjson.Members(object) {
		name := rawjson.Unquote(raw)
		for _, known := range slices.Concat(envelope, names) {
			if name != known && strings.EqualFold(name, known) {
				return fmt.Sprintf("the member %.60q differs from %.60q in case alone", name, known)
			}
		}
		names = append(names, name)
		if name == "params" && rawjson.KindOf(value) == rawjson.Object {
			if why := folded(value); why != "" {
				return why
			}
		}
	}
	return ""
}

// idOf returns the id of a message as it stands there, or null.
func idOf(message []byte) string {
	if id, found, _ := rawjson.Pointer(message, "/id"); found {
		switch rawjson.KindOf(id) {
		case rawjson.String, rawjson.Number:
			return string(rawjson.Trim(id))
		}
	}
	return "null"
}
