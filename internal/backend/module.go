package backend

import (
	"cmp"
	"encoding/json"
	"strings"
	"unicode"

	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Input is a call as the connection's module gets it.
func (c *Connection) Input(op *connector.Operation, params []byte) []byte {
	return Input(abi.Call{Entity: op.Entity, Action: op.Action, Params: params, Server: c.Server.ID, Config: c.Values.JSON()}, c.Connector.Digest)
}

// Input is a call as the module gets it, with one member more than the ABI has: a module that
// does not ignore what it does not know fails on its first call, and not when the ABI grows.
// The member's name depends on the module, so that nobody can learn to expect it, and on
// nothing else, so that the same call always costs the same fuel.
//
// Entity, action and params come first, in this order and without white space between
// them: our PDKs read that without looking at each member. Params are valid JSON and go in
// as they are.
func Input(call abi.Call, digest string) []byte {
	b := make([]byte, 0, len(call.Params)+len(call.Config)+200)
	b = AppendText(append(b, `{"entity":`...), call.Entity)
	b = AppendText(append(b, `,"action":`...), call.Action)
	b = append(append(b, `,"params":`...), call.Params...)
	if call.Server != "" {
		b = AppendText(append(b, `,"server":`...), call.Server)
	}
	if len(call.Config) > 0 {
		b = append(append(b, `,"config":`...), call.Config...)
	}
	const length = 8
	if len(digest) >= 2*length {
		b = append(append(append(b, `,"x_`...), digest[:length]...), `":`...)
		b = AppendText(b, digest[length:2*length])
	}
	return append(b, '}')
}

// Report tells an observer, if there is one, how a module ended; nil where it did not start.
func Report(o Observer, outcome *sandbox.Outcome) {
	if o != nil && outcome != nil {
		o.Ran(outcome.Fuel, outcome.Memory)
	}
}

// Assemble makes a result of what a module answered, with pagination in its uniform form:
// next_cursor is a string or null, and has_more says whether it is a string.
func Assemble(op *connector.Operation, data, meta json.RawMessage) (Result, error) {
	result := Result{Data: data, Meta: meta}
	if !op.Paginated {
		return result, nil
	}
	if rawjson.KindOf(data) != rawjson.Array {
		return Result{}, unexpected("data of a paginated operation is not an array")
	}
	cursor, found, _ := rawjson.Pointer(meta, "/"+abi.MetaNextCursor)
	more, _, _ := rawjson.Pointer(meta, "/"+abi.MetaHasMore)
	switch kind := rawjson.KindOf(cursor); {
	case kind == rawjson.String:
		result.NextCursor = rawjson.Unquote(cursor)
	case found && kind != rawjson.Null && string(more) != "true":
		return Result{}, unexpected("meta.next_cursor is neither a string nor null")
	}
	if string(more) == "false" {
		result.NextCursor = "" // nobody follows it
	}
	result.HasMore = result.NextCursor != ""
	result.Meta = WithPagination(meta, result.NextCursor, result.HasMore)
	if !result.HasMore && string(more) == "true" {
		result.Stop(op.Name() + " has more pages, but the vendor gave no cursor that leads to the next one")
	}
	return result, nil
}

// Stop removes the next cursor of a page that has no usable successor, and keeps its records.
// The message says why.
func (r *Result) Stop(message string) {
	r.NextCursor, r.HasMore = "", true
	r.Meta = WithPagination(r.Meta, "", true)
	r.Stopped = Endless(message)
}

// Endless is the error of pages that have no end.
func Endless(message string) *abi.Error {
	return &abi.Error{
		Kind: abi.KindVendorError, RequestSent: true, Message: message,
		Hint: "use the records so far; to get fewer at a time, narrow what you list",
	}
}

func unexpected(what string) *abi.Error {
	return &abi.Error{Kind: abi.KindConnectorFault, Message: "unexpected output of the connector: " + what, Hint: "this is a bug of the connector; docs/abi.md has the format"}
}

// WithPagination sets the two uniform keys of meta, and keeps the vendor's as they are.
func WithPagination(meta []byte, cursor string, more bool) []byte {
	b := make([]byte, 0, len(meta)+len(cursor)+64)
	b = append(b, '{')
	for name, value := range rawjson.Members(meta) {
		switch rawjson.Unquote(name) {
		case abi.MetaNextCursor, abi.MetaHasMore:
			continue
		}
		b = append(append(append(append(b, name...), ':'), value...), ',')
	}
	b = append(b, `"next_cursor":`...)
	if cursor == "" {
		b = append(b, "null"...)
	} else {
		b = AppendText(b, cursor)
	}
	if more {
		return append(b, `,"has_more":true}`...)
	}
	return append(b, `,"has_more":false}`...)
}

// Sizes of the texts in an error that is shown, in bytes.
const (
	MaxMessage = 2000
	maxName    = 200
)

// Public makes an error of a module or of a service fit to be shown: a known kind, and texts
// of bounded length without invisible characters.
func Public(e *abi.Error) *abi.Error {
	clean := &abi.Error{
		Kind:         e.Kind.Known(),
		Message:      Visible(e.Message, MaxMessage),
		Hint:         Visible(e.Hint, MaxMessage),
		Field:        Visible(e.Field, maxName),
		Retryable:    e.Retryable,
		RetryAfterMS: max(0, e.RetryAfterMS),
		Status:       e.Status,
		Code:         Visible(e.Code, maxName),
		RequestID:    Visible(e.RequestID, maxName),
		Rule:         Visible(e.Rule, maxName),
	}
	if clean.Kind == abi.KindCancelled { // which only the host knows
		clean.Kind = abi.KindConnectorFault
	}
	clean.Message = cmp.Or(clean.Message, "the connector gave no reason")
	return clean
}

// Visible shortens a text to a number of bytes, and leaves out what cannot be seen.
func Visible(text string, most int) string {
	if len(text) > most {
		text = text[:most] + "..."
	}
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsGraphic(r):
			return r
		case unicode.IsSpace(r):
			return ' '
		}
		return -1
	}, strings.ToValidUTF8(text, ""))
}
