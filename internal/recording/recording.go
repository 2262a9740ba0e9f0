// Package recording keeps what happened in one call: the call, what the connector sent
// and was answered, and the result. Replaying it runs the same connector without a
// network and without a credential, and shows whether it still does the same.
//
// A recording holds no credential: exchanges are taken where the guest asks for them,
// before the host adds one, and answers after they were redacted. It does hold the
// vendor's data, so treat a file like that data.
package recording

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/agenthost/agenthost/pdk/abi"
)

// Version is the version of the format.
const Version = 1

// MaxSize is the size of the largest recording that is read, in bytes.
const MaxSize = 256 << 20

// Recording is one call.
type Recording struct {
	Version int `json:"version"`
	// Connector and Digest name the module that ran. Digest is empty in one that a person wrote.
	Connector string `json:"connector"`
	Digest    string `json:"digest"`
	// At is the guest's clock and Seed its source of random bytes.
	At   time.Time `json:"at"`
	Seed []byte    `json:"seed"`
	// Call is what the guest was asked to do.
	Call Call `json:"call"`
	// Exchanges are in the order in which the guest sent them.
	Exchanges []Exchange `json:"exchanges"`
	// SleptMS is how long the guest slept after the last exchange, in milliseconds.
	SleptMS int64 `json:"slept_ms,omitempty"`
	// Data and Meta are the result; Error is set where there was none.
	Data  json.RawMessage `json:"data,omitempty"`
	Meta  json.RawMessage `json:"meta,omitempty"`
	Error *abi.Error      `json:"error,omitempty"`
}

// Call is what a guest was asked to do. Its parameters come back byte for byte, since a
// connector sends their pieces as they are written.
type Call struct {
	Entity string `json:"entity"`
	Action string `json:"action"`
	Params Body   `json:"params"`
	Server string `json:"server,omitempty"`
	// Config are the connection's values.
	Config json.RawMessage `json:"config,omitempty"`
}

// ABI is the call as the guest gets it.
func (c Call) ABI() abi.Call {
	return abi.Call{Entity: c.Entity, Action: c.Action, Params: json.RawMessage(c.Params), Server: c.Server, Config: c.Config}
}

// Exchange is a request of the guest and what it was answered.
type Exchange struct {
	// SleptMS is how long the guest slept before, in milliseconds.
	SleptMS  int64       `json:"slept_ms,omitempty"`
	Request  abi.Request `json:"request"`
	Body     Body        `json:"body,omitempty"`
	Response *Response   `json:"response,omitempty"`
	// Error is set where the host refused the request or got no answer.
	Error *abi.Error `json:"error,omitempty"`
}

// Response is a vendor's answer.
type Response struct {
	Status int                 `json:"status"`
	Header map[string][]string `json:"header,omitempty"`
	Body   Body                `json:"body,omitempty"`
}

// Body is the bytes of a body. In a file it is JSON where it is JSON, so that a person
// can read it and a diff shows what changed; other text is {"text": ...}, and the rest
// {"base64": ...}.
type Body []byte

type bodyForm struct {
	JSON   json.RawMessage `json:"json,omitempty"`
	Text   *string         `json:"text,omitempty"`
	Base64 []byte          `json:"base64,omitempty"`
}

// MarshalJSON implements json.Marshaler.
func (b Body) MarshalJSON() ([]byte, error) {
	var form bodyForm
	switch {
	case len(b) == 0:
	case compact(b):
		form.JSON = json.RawMessage(b)
	case utf8.Valid(b):
		text := string(b)
		form.Text = &text
	default:
		form.Base64 = b
	}
	return marshal(form)
}

// compact reports whether b is JSON that marshalling keeps byte for byte.
func compact(b []byte) bool {
	var c bytes.Buffer
	return json.Compact(&c, b) == nil && bytes.Equal(c.Bytes(), b)
}

// UnmarshalJSON implements json.Unmarshaler.
func (b *Body) UnmarshalJSON(data []byte) error {
	var form bodyForm
	if err := json.Unmarshal(data, &form); err != nil {
		return err
	}
	switch {
	case form.JSON != nil:
		var c bytes.Buffer
		if err := json.Compact(&c, form.JSON); err != nil {
			return err
		}
		*b = c.Bytes()
	case form.Text != nil:
		*b = Body(*form.Text)
	default:
		*b = form.Base64
	}
	return nil
}

// Write writes a recording as indented JSON.
func (r *Recording) Write(w io.Writer) error {
	data, err := marshal(r)
	if err != nil {
		return fmt.Errorf("write a recording: %w", err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, data, "", "  "); err != nil {
		return fmt.Errorf("write a recording: %w", err)
	}
	indented.WriteByte('\n')
	_, err = w.Write(indented.Bytes())
	return err
}

// Read reads a recording. The error is an [*abi.Error] of kind invalid_params.
func Read(from io.Reader) (*Recording, error) {
	data, err := io.ReadAll(io.LimitReader(from, MaxSize+1))
	switch {
	case err != nil:
		return nil, unreadable("it cannot be read").WithCause(err)
	case len(data) > MaxSize:
		return nil, unreadable(fmt.Sprintf("it is longer than %d bytes", MaxSize))
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	r := new(Recording)
	if err := decoder.Decode(r); err != nil {
		return nil, unreadable(err.Error())
	}
	if r.Version != Version {
		return nil, unreadable(fmt.Sprintf("it has version %d, want %d", r.Version, Version))
	}
	return r, nil
}

// maxReason is how long the reason of a refusal is, in bytes. It may quote the file.
const maxReason = 300

func unreadable(why string) *abi.Error {
	if len(why) > maxReason {
		why = strings.ToValidUTF8(why[:maxReason], "") + "..."
	}
	return &abi.Error{Kind: abi.KindInvalidParams, Field: "recording", Message: "not a recording: " + why, Hint: "make a recording with agenthost exec --record FILE"}
}

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
