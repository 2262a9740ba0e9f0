package host

import (
	"encoding/json"

	"github.com/agenthost/agenthost/host/airbyte"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/connector"
	"github.com/agenthost/agenthost/host/sandbox"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// The names under which the Airbyte API's connectors answer the next cursor, and whether
// there is more: the vendor's own names, in the vendor's or in camel case.
var (
	cursorNames = []string{abi.MetaNextCursor, "nextCursor", "cursor", "end_cursor", "endCursor"}
	moreNames   = []string{abi.MetaHasMore, "hasMore", "has_next_page", "hasNextPage"}
)

// assembleHosted makes a result of what the Airbyte API answered: the same that a
// connector would have answered in a sandbox.
func assembleHosted(op *connector.Operation, envelope *abi.Envelope, answer *airbyte.Answer) (*Result, error) {
	data, meta := answer.Result, answer.Metadata
	if op.Action == abi.ActionContextStoreSearch {
		data, _, _ = rawjson.Pointer(answer.Result, "/data")
		meta, _, _ = rawjson.Pointer(answer.Result, "/meta")
		if rawjson.KindOf(meta) != rawjson.Object {
			return nil, hostedNonsense("the result of a search has no meta")
		}
	} else {
		data = unwrap(data, envelope)
	}
	if op.Paginated {
		if rawjson.KindOf(data) != rawjson.Array {
			return nil, hostedNonsense("the result of a list is no array")
		}
		cursor, more, ok := pagination(meta)
		if !ok {
			return nil, hostedNonsense("the cursor of the next page is no text")
		}
		meta = withPagination(meta, cursor, more)
	}
	result, err := assemble(op, &sandbox.Outcome{Data: data, Meta: meta})
	if err != nil {
		return nil, err
	}
	result.Mode = config.Hosted
	return result, nil
}

// unwrap takes the record out of what the vendor sent, where the service has not.
func unwrap(data json.RawMessage, e *abi.Envelope) json.RawMessage {
	if e == nil || rawjson.KindOf(data) != rawjson.Object {
		return data
	}
	var record json.RawMessage
	marks := 0
	for raw, value := range rawjson.Members(data) {
		name := rawjson.Unquote(raw)
		if name == e.Record {
			record = value
		}
		for _, mark := range e.Marks {
			if name == mark {
				marks++
			}
		}
	}
	if record == nil || marks < len(e.Marks) {
		return data
	}
	return record
}

// pagination finds the next cursor, empty on the last page, and whether there is more. It
// is not ok where a cursor is neither a text nor null.
func pagination(meta json.RawMessage) (cursor string, more, ok bool) {
	find := func(names []string) json.RawMessage {
		for _, name := range names {
			if value, found, _ := rawjson.Pointer(meta, "/"+name); found {
				return value
			}
		}
		return nil
	}
	switch value := find(cursorNames); rawjson.KindOf(value) {
	case rawjson.String:
		cursor = rawjson.Unquote(value)
	case rawjson.Null, rawjson.Invalid:
	default:
		return "", false, false
	}
	return cursor, cursor != "" && string(find(moreNames)) != "false", true
}

func hostedNonsense(what string) *Error {
	return &Error{Kind: abi.KindVendorError, Message: "the Airbyte API answered nonsense: " + what, Hint: "try the same operation in mode direct", RequestSent: true}
}
