// Package ask is what a person is asked before a call of a connection with allow.ask: the plan of
// the call ([Plan]), which has the exact requests that it would send, the question ([Ask]), and
// where questions and answers are kept ([Store]; [Folder] is one of files).
//
// A host asks and reads answers. Only what a person uses answers: [Folder.Answer].
package ask

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash"
	"unicode/utf8"

	"github.com/agenthost/agenthost/pdk/abi"
)

// Plan is what a call would send. It has parameters and bodies, which may be private, and no
// credential. Its texts may be a connector's or a model's: escape them where they are shown.
type Plan struct {
	// Workspace is that of the call's principal; empty for the local operator.
	Workspace  string `json:"workspace,omitempty"`
	Connection string `json:"connection"`
	// Connector and Version are as in its manifest. Module is the SHA-256 of its file in
	// hexadecimal.
	Connector string     `json:"connector"`
	Version   string     `json:"version"`
	Module    string     `json:"module"`
	Mode      string     `json:"mode"`
	Entity    string     `json:"entity"`
	Action    string     `json:"action"`
	Effect    abi.Effect `json:"effect"`
	// Params are the parameters of the call: a JSON object.
	Params json.RawMessage `json:"params"`
	// Requests are sent in this order. There are none if the call ends without a request.
	Requests []Request `json:"requests"`
	// Credentials are the fields of the connection's credential that the call itself brings.
	Credentials []string `json:"credentials,omitempty"`
	// More says that the operation declares further requests. What they are depends on answers
	// that nobody has yet: they are not part of the plan, and refused.
	More bool `json:"more"`
	// Once is not empty if the plan is of one call only, which nobody can repeat.
	Once string `json:"once,omitempty"`
}

// Request is a request as it is sent, but for what Credential names, an X-Request-Id, which is new
// for each attempt, and Host and Content-Length, which follow from the rest.
type Request struct {
	Method string
	// URL may have {connector_id} in mode hosted: the connector of this kind in the workspace,
	// which is looked up when the call runs.
	URL string
	// Header are names and values in the order of names.
	Header [][2]string
	Body   []byte
	// Credential are the places where the host adds the connection's credential.
	Credential []Place
}

// Place is where a credential goes. Value has names of fields in braces: Bearer {api_token}.
type Place struct {
	In    string `json:"in"` // header, query or cookie
	Name  string `json:"name"`
	Value string `json:"value"`
}

// wireRequest is a Request in JSON: a body that is no text is base64.
type wireRequest struct {
	Method     string      `json:"method"`
	URL        string      `json:"url"`
	Header     [][2]string `json:"header"`
	Body       string      `json:"body,omitempty"`
	BodyBase64 string      `json:"body_base64,omitempty"`
	Credential []Place     `json:"credential"`
}

// MarshalJSON writes the body as body if it is text, and else as body_base64.
func (r Request) MarshalJSON() ([]byte, error) {
	w := wireRequest{Method: r.Method, URL: r.URL, Header: r.Header, Credential: r.Credential}
	if w.Credential == nil {
		w.Credential = []Place{}
	}
	if utf8.Valid(r.Body) {
		w.Body = string(r.Body)
	} else {
		w.BodyBase64 = base64.StdEncoding.EncodeToString(r.Body)
	}
	return json.Marshal(w)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (r *Request) UnmarshalJSON(data []byte) error {
	var w wireRequest
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	*r = Request{Method: w.Method, URL: w.URL, Header: w.Header, Body: []byte(w.Body), Credential: w.Credential}
	if w.BodyBase64 != "" {
		var err error
		if r.Body, err = base64.StdEncoding.DecodeString(w.BodyBase64); err != nil {
			return err
		}
	}
	return nil
}

// Digest is the SHA-256 of the plan in hexadecimal. Each part of the plan is in it with its length,
// so that plans with the same digest ask for the same. Parameters that differ only in the order of
// their names or in white space are the same.
func (p *Plan) Digest() string {
	h := hasher{sha256.New()}
	h.text("agenthost plan 1", p.Workspace, p.Connection, p.Connector, p.Version, p.Module, p.Mode, p.Entity, p.Action, string(p.Effect), p.Once)
	h.bytes(canonical(p.Params))
	h.number(len(p.Credentials))
	h.text(p.Credentials...)
	h.number(len(p.Requests))
	for _, r := range p.Requests {
		h.text(r.Method, r.URL)
		h.number(len(r.Header))
		for _, line := range r.Header {
			h.text(line[0], line[1])
		}
		h.bytes(r.Body)
		h.number(len(r.Credential))
		for _, c := range r.Credential {
			h.text(c.In, c.Name, c.Value)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

type hasher struct{ hash.Hash }

func (h hasher) number(n int) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(n))
	_, _ = h.Write(b[:])
}

func (h hasher) bytes(b []byte) {
	h.number(len(b))
	_, _ = h.Write(b)
}

func (h hasher) text(of ...string) {
	for _, s := range of {
		h.bytes([]byte(s))
	}
}

// canonical sorts the members of objects, and keeps numbers as they are written. What is no JSON
// stays as it is.
func canonical(params []byte) []byte {
	d := json.NewDecoder(bytes.NewReader(params))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return params
	}
	sorted, err := json.Marshal(v)
	if err != nil {
		return params
	}
	return sorted
}
