package hosted

import (
	"encoding/json"

	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/internal/backend/hosted/client"
	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// The names under which the Airbyte API's connectors answer the next cursor, and whether
// there is more: the vendor's own names, in the vendor's or in camel case.
var (
	cursorNames = []string{abi.MetaNextCursor, "nextCursor", "cursor", "end_cursor", "endCursor"}
	moreNames   = []string{abi.MetaHasMore, "hasMore", "has_next_page", "hasNextPage"}
)

// assemble makes a result of what the Airbyte API answered: the same that a
// connector would have answered in a sandbox.
func assemble(op *connector.Operation, m *abi.Airbyte, answer *client.Answer) (backend.Result, error) {
	data, meta := answer.Result, answer.Metadata
	if connector.IsContextStore(op.Action) {
		data, _, _ = rawjson.Pointer(answer.Result, "/data")
		meta, _, _ = rawjson.Pointer(answer.Result, "/meta")
		if rawjson.KindOf(meta) != rawjson.Object {
			return backend.Result{}, unexpected("the result of a search has no \"meta\" field")
		}
	} else {
		data = unwrap(data, m.Envelope)
	}
	if rawjson.KindOf(data) == rawjson.Null {
		return backend.Result{}, unexpected("the result of " + op.Name() + " is null")
	}
	if op.Paginated {
		if rawjson.KindOf(data) != rawjson.Array {
			return backend.Result{}, unexpected("the result of a list is not an array")
		}
		if m.ListsSayMore && !op.HostLimit && op.Action == actionList && failedList(data, meta) {
			return backend.Result{}, errFailedList(op)
		}
		cursor, more := pagination(meta)
		meta = backend.WithPagination(meta, cursor, more)
	}
	return backend.Assemble(op, data, meta)
}

// unwrap takes the record out of what the vendor sent, where the service has not.
func unwrap(data json.RawMessage, e *abi.Envelope) json.RawMessage {
	if record, wrapped := inEnvelope(data, e); wrapped && record != nil {
		return record
	}
	return data
}

// unread reports whether a result is what the vendor sent, without a record:
// a failure, or the answer to a deletion.
func unread(result json.RawMessage, e *abi.Envelope) bool {
	record, wrapped := inEnvelope(result, e)
	return wrapped && record == nil
}

// inEnvelope reports whether data is wrapped as the vendor wraps its answers, and returns
// the record in it, or nil.
func inEnvelope(data json.RawMessage, e *abi.Envelope) (record json.RawMessage, wrapped bool) {
	if e == nil || rawjson.KindOf(data) != rawjson.Object {
		return nil, false
	}
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
	return record, marks >= len(e.Marks)
}

// failedList reports whether an empty list is what the service made of a failure: it looks
// for the vendor's words for pages in an answer that has none, and finds null.
func failedList(data, meta json.RawMessage) bool {
	return rawjson.Count(data) == 0 && rawjson.KindOf(find(meta, moreNames)) == rawjson.Null
}

func errFailedList(op *connector.Operation) *abi.Error {
	return &abi.Error{
		Kind: abi.KindVendorError, RequestSent: true,
		Message: op.Name() + " failed at the vendor, and the Airbyte API does not say why: it answered an empty list that does not say whether there is more",
		Hint:    "see whether the credential that Airbyte keeps may do this, and whether the cursor is still good; mode: direct shows the vendor's own error",
	}
}

// pagination finds the next cursor, and whether there is more. There may be more without a
// cursor, because the cursor is null or not a text.
func pagination(meta json.RawMessage) (cursor string, more bool) {
	said := string(find(meta, moreNames))
	switch value := find(meta, cursorNames); rawjson.KindOf(value) {
	case rawjson.String:
		cursor = rawjson.Unquote(value)
		return cursor, said == "true" || cursor != "" && said != "false"
	case rawjson.Null, rawjson.Invalid:
		return "", said == "true"
	}
	return "", said != "false"
}

// find returns the first member of an object that has one of the names.
func find(object json.RawMessage, names []string) json.RawMessage {
	for _, name := range names {
		if value, found, _ := rawjson.Pointer(object, "/"+name); found {
			return value
		}
	}
	return nil
}

func unexpected(what string) *abi.Error {
	return &abi.Error{Kind: abi.KindVendorError, Message: "unexpected response from the Airbyte API: " + what, Hint: "try the same operation in mode direct", RequestSent: true}
}
