package host

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/connector"
	"github.com/agenthost/agenthost/host/sandbox"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// assemble makes a result of what a guest answered, with pagination in its uniform
// form: next_cursor is a string or null, and has_more says whether it is one.
func assemble(op *connector.Operation, outcome *sandbox.Outcome) (*Result, error) {
	result := &Result{Data: outcome.Data, Meta: outcome.Meta, Mode: config.Direct}
	if !op.Paginated {
		return result, nil
	}
	if rawjson.KindOf(result.Data) != rawjson.Array {
		return nil, nonsense("data of a paginated operation is no array")
	}
	cursor, found, _ := rawjson.Pointer(result.Meta, "/"+abi.MetaNextCursor)
	if found {
		switch rawjson.KindOf(cursor) {
		case rawjson.String:
			result.NextCursor = rawjson.Unquote(cursor)
		case rawjson.Null:
		default:
			return nil, nonsense("meta.next_cursor is neither a string nor null")
		}
	}
	more, hasMore, _ := rawjson.Pointer(result.Meta, "/"+abi.MetaHasMore)
	// A cursor without more, or more without a cursor, cannot be followed.
	result.HasMore = result.NextCursor != "" && (!hasMore || string(more) != "false")
	if !result.HasMore {
		result.NextCursor = ""
	}
	result.Meta = withPagination(result.Meta, result.NextCursor, result.HasMore)
	return result, nil
}

func nonsense(what string) *Error {
	return &Error{Kind: abi.KindConnectorFault, Message: "the connector answered nonsense: " + what, Hint: "this is a bug of the connector; docs/abi.md has the format"}
}

// withPagination sets the two uniform keys, and keeps the vendor's as they are.
func withPagination(meta []byte, cursor string, more bool) []byte {
	var b bytes.Buffer
	b.WriteByte('{')
	for name, value := range rawjson.Members(meta) {
		switch rawjson.Unquote(name) {
		case abi.MetaNextCursor, abi.MetaHasMore:
			continue
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
		b.WriteByte(',')
	}
	b.WriteString(`"next_cursor":`)
	if cursor == "" {
		b.WriteString("null")
	} else {
		quoted, _ := json.Marshal(cursor) // a string always marshals
		b.Write(quoted)
	}
	b.WriteString(`,"has_more":`)
	if more {
		b.WriteString("true}")
	} else {
		b.WriteString("false}")
	}
	return b.Bytes()
}

// Sizes of the texts in a guest's error, in bytes.
const (
	maxMessage = 2000
	maxName    = 200
)

// public makes a guest's error fit to be shown: a known kind, and texts of bounded
// length without invisible characters.
func public(e *abi.Error) *Error {
	clean := &Error{
		Kind:         e.Kind.Known(),
		Message:      visible(e.Message, maxMessage),
		Hint:         visible(e.Hint, maxMessage),
		Field:        visible(e.Field, maxName),
		Retryable:    e.Retryable,
		RetryAfterMS: max(0, e.RetryAfterMS),
		Status:       e.Status,
		Code:         visible(e.Code, maxName),
		RequestID:    visible(e.RequestID, maxName),
		Rule:         visible(e.Rule, maxName),
	}
	if clean.Message == "" {
		clean.Message = "the connector gave no reason"
	}
	return clean
}

func visible(text string, most int) string {
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
