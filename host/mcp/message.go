package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/agenthost/agenthost/internal/rawjson"
)

const (
	// maxEnvelope is the largest size of a message without a tool's arguments, in bytes. The
	// protocol's library decodes that part several times into maps.
	maxEnvelope = 256 << 10
	// maxID is the longest id, progress token or cursor, in bytes of JSON. Responses and
	// notifications repeat them.
	maxID = 1024
	// maxInteger is the largest integer that all JSON readers handle exactly.
	maxInteger = 1 << 53
)

// message is a well-formed JSON-RPC message of a client.
type message struct {
	id     string // as in the message; empty for a notification
	method string // empty for an answer
}

// refusal is the JSON-RPC error for a rejected message.
type refusal struct {
	code int
	id   string // the message's id, unchanged; empty if it cannot be repeated
	why  string
}

// Codes of JSON-RPC errors.
const (
	codeParse   = -32700
	codeInvalid = -32600
	codeBusy    = -32000
)

// text returns the JSON-RPC response.
func (r *refusal) text() []byte {
	id := r.id
	if id == "" {
		id = "null"
	}
	why, _ := json.Marshal(r.why) // a string always marshals
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"error":{"code":%d,"message":%s}}`, id, r.code, why)
}

func tooLong() *refusal {
	return &refusal{code: codeInvalid, why: fmt.Sprintf("the message is longer than %d bytes", maxMessage)}
}

// readMessage checks a message before the protocol's library reads it. The library rounds ids,
// ends the session if it cannot decode a message, and uses the last of two members with one
// name. The work is linear in the size of the message, and ends with ctx.
func readMessage(ctx context.Context, text []byte) (message, *refusal) {
	r := &messageReader{ctx: ctx}
	if err := r.read(text); err != nil {
		return message{}, &refusal{code: r.code, id: r.answerTo, why: err.Error()}
	}
	return r.message, nil
}

// messageReader reads one message.
type messageReader struct {
	ctx      context.Context
	work     int // bytes read, repeated reads included
	message  message
	code     int    // of the error
	answerTo string // id that an error repeats
}

// spend ends the work when ctx has ended.
func (r *messageReader) spend(bytes int) error {
	r.work += bytes
	return r.ctx.Err()
}

func (r *messageReader) read(text []byte) error {
	r.code = codeParse
	if !utf8.Valid(text) {
		return fmt.Errorf("the message is not JSON: it is not UTF-8")
	}
	name, err := rawjson.DuplicateWithin(text, r.spend)
	if _, syntax := errors.AsType[*rawjson.SyntaxError](err); syntax {
		return fmt.Errorf("the message is not JSON: %w", err)
	}
	r.code = codeInvalid
	r.answerTo = idToRepeat(text)
	switch {
	case err != nil:
		return fmt.Errorf("the message is refused: %w", err)
	case name != "":
		return fmt.Errorf("the message has the member %.60q twice in one object", name)
	}
	switch rawjson.KindOf(text) {
	case rawjson.Object:
		return r.object(text)
	case rawjson.Array:
		return fmt.Errorf("the message is a batch, which only protocol version 2025-03-26 supports: send each message separately")
	}
	return fmt.Errorf("the message is not a JSON object")
}

// idToRepeat returns the unchanged id of an object, if an answer can repeat it.
func idToRepeat(object []byte) string {
	var id []byte
	for name, value := range rawjson.Members(object) {
		if rawjson.Unquote(name) != "id" {
			continue
		}
		if id != nil {
			return "" // ambiguous
		}
		id = value
	}
	switch kind := rawjson.KindOf(id); {
	case len(id) > maxID, kind != rawjson.String && kind != rawjson.Number:
		return ""
	}
	return string(id)
}

// object reads the members of a message.
func (r *messageReader) object(text []byte) error {
	members, err := r.members(text, messageNames)
	if err != nil {
		return err
	}
	if rawjson.Unquote(members["jsonrpc"]) != "2.0" {
		return fmt.Errorf(`the message is not JSON-RPC 2.0: it needs "jsonrpc": "2.0"`)
	}
	if id, given := members["id"]; given {
		if err := checkID("id", id); err != nil {
			return err
		}
		r.message.id = string(id)
	}
	method, asks := members["method"]
	if !asks {
		return r.answer(members)
	}
	if rawjson.KindOf(method) != rawjson.String {
		return fmt.Errorf("the method is not text")
	}
	r.message.method = rawjson.Unquote(method)
	arguments := 0
	if params := members["params"]; rawjson.KindOf(params) == rawjson.Object {
		if arguments, err = r.params(params); err != nil {
			return err
		}
	}
	if rest := len(text) - arguments; rest > maxEnvelope {
		return fmt.Errorf("the message has %d bytes without a tool's arguments, but the limit is %d", rest, maxEnvelope)
	}
	return nil
}

// answer reads an answer, which it ignores: this server sends no requests.
func (r *messageReader) answer(members map[string][]byte) error {
	_, result := members["result"]
	_, failed := members["error"]
	if r.message.id == "" || result == failed {
		return fmt.Errorf("the message has neither a method, nor an id with a result or an error")
	}
	return nil
}

// params reads the parameters of a request, and returns how long a tool's arguments are.
func (r *messageReader) params(text []byte) (arguments int, err error) {
	members, err := r.members(text, paramsNames)
	if err != nil {
		return 0, err
	}
	if cursor := members["cursor"]; len(cursor) > maxID {
		return 0, fmt.Errorf("the cursor is longer than %d bytes, so it is not from this server", maxID)
	}
	if r.message.method == "notifications/cancelled" {
		if id, given := members["requestId"]; given {
			if err := checkID("requestId", id); err != nil {
				return 0, err
			}
		}
	}
	if meta := members["_meta"]; rawjson.KindOf(meta) == rawjson.Object {
		members, err := r.members(meta, metaNames)
		if err != nil {
			return 0, err
		}
		if token, given := members["progressToken"]; given {
			if err := checkID("progressToken", token); err != nil {
				return 0, err
			}
		}
	}
	if r.message.method == "tools/call" {
		arguments = len(members["arguments"])
	}
	return arguments, nil
}

// checkID reports whether every reader and writer of JSON keeps a value unchanged: it is text, or
// an integer in digits that a float64 holds.
func checkID(name string, value []byte) error {
	switch rawjson.KindOf(value) {
	case rawjson.String:
		if len(value) > maxID {
			return fmt.Errorf("%s is longer than %d bytes", name, maxID)
		}
		if strings.ContainsRune(rawjson.Unquote(value), utf8.RuneError) {
			return fmt.Errorf("%s has an invalid character, such as half of a surrogate pair", name)
		}
		return nil
	case rawjson.Number:
		// ParseInt refuses fractions, exponents and numbers out of range.
		if n, err := strconv.ParseInt(string(value), 10, 64); err == nil && -maxInteger <= n && n <= maxInteger && string(value) != "-0" {
			return nil
		}
	}
	return fmt.Errorf("%s is neither text nor an integer between -2^53 and 2^53 in plain digits", name)
}

// names are the protocol's members of an object, by their folded form. Parsers disagree about names
// that differ from these only in case.
type names map[string]string

var (
	messageNames = namesOf("jsonrpc", "id", "method", "params", "result", "error")
	paramsNames  = namesOf("name", "arguments", "_meta", "cursor", "requestId", "reason", "protocolVersion", "capabilities", "clientInfo", "notifications")
	metaNames    = namesOf("progressToken")
)

func namesOf(list ...string) names {
	n := make(names, len(list))
	for _, name := range list {
		n[fold(name)] = name
	}
	return n
}

// members returns the protocol's members of an object. It refuses names that differ only in case.
func (r *messageReader) members(object []byte, protocol names) (map[string][]byte, error) {
	known := make(map[string][]byte)
	others := make(map[string]string)
	for raw, value := range rawjson.Members(object) {
		if err := r.spend(len(raw) + len(value)); err != nil {
			return nil, err
		}
		name := rawjson.Unquote(raw)
		folded := fold(name)
		same, taken := protocol[folded]
		if !taken {
			if same, taken = others[folded]; !taken {
				others[folded] = name
				continue
			}
		}
		if name != same {
			return nil, fmt.Errorf("the member %.60q differs from %.60q only in case", name, same)
		}
		known[name] = value
	}
	return known, nil
}

// fold returns the same text for all that [strings.EqualFold] calls equal.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			least = min(least, other)
		}
		return least
	}, name)
}
