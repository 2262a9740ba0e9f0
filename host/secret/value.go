// Package secret holds credentials: [Value] does not show its bytes by accident, [Ref] says
// where a secret is, and [Source] is a place that holds secrets.
//
// A credential is a [Value] from the moment when it is read until it is written to the
// wire. One method, [Value.Reveal], leads to the bytes, and one package, internal/egress,
// calls it for a vendor.
//
// The package does not protect a secret from code that runs in the same process and
// sets out to read it: it protects against print statements, encoders, debuggers'
// default views and logs.
package secret

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// Redacted is shown in the place of a secret.
const Redacted = "[redacted]"

// Value is a secret. The zero Value holds none. Values may be copied and used by
// several goroutines; == does not compile, because it would not take constant time.
type Value struct {
	// open is a closure and not a byte slice because fmt and other printers walk
	// unexported fields by reflection without asking the methods below. Of a
	// function they can only show an address.
	open func() []byte
}

// New returns a Value that holds a copy of b. An empty b gives the zero Value.
func New(b []byte) Value {
	if len(b) == 0 {
		return Value{}
	}
	held := bytes.Clone(b)
	return Value{open: func() []byte { return held }}
}

// IsZero reports whether v holds nothing.
func (v Value) IsZero() bool { return v.open == nil }

// Equal reports whether v and w hold the same bytes, in time that depends on their
// lengths only.
func (v Value) Equal(w Value) bool {
	a, b := sha256.Sum256(v.bytes()), sha256.Sum256(w.bytes())
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// Reveal calls f with a copy of the secret and returns what f returns. The copy is
// overwritten when f has returned, so f must not keep it. f gets an empty slice from a
// zero Value.
func (v Value) Reveal(f func([]byte) error) error {
	b := bytes.Clone(v.bytes())
	defer clear(b)
	return f(b)
}

func (v Value) bytes() []byte {
	if v.open == nil {
		return nil
	}
	return v.open()
}

// String returns [Redacted], also for a zero Value: whether there is a secret is told
// by IsZero only.
func (v Value) String() string { return Redacted }

// GoString returns [Redacted].
func (v Value) GoString() string { return Redacted }

// Format writes [Redacted] for every verb and flag.
func (v Value) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// MarshalText returns [Redacted]. It serves JSON object keys, XML, YAML and every other
// encoder that knows the interface. There is no UnmarshalText: a secret is never read
// out of a document, only the reference to one.
func (v Value) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// MarshalJSON returns [Redacted] as a JSON string.
func (v Value) MarshalJSON() ([]byte, error) { return []byte(`"` + Redacted + `"`), nil }

// MarshalYAML returns [Redacted].
func (v Value) MarshalYAML() (any, error) { return Redacted, nil }

// LogValue returns [Redacted].
func (v Value) LogValue() slog.Value { return slog.StringValue(Redacted) }

var (
	_ fmt.Formatter  = Value{}
	_ slog.LogValuer = Value{}
)
