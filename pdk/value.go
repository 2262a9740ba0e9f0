package pdk

import (
	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/pdk/abi"
)

// maxText bounds what Text, Int and Bool read, in bytes.
const maxText = 1 << 20

// Value is a JSON value, or the bytes of a response, that the host keeps until the call ends. Its
// bytes enter the connector's memory only when they are read; [Call.Respond] and [Result] pass on
// values of any size without reading them. The zero value is an absent value.
//
// If the host fails, the methods return zero values and the call ends with the host's error, so
// there is no need to check each step.
type Value struct {
	s      *session
	handle int32
}

// Exists reports whether there is a value; null is one.
func (v Value) Exists() bool { return v.handle > 0 }

// Kind returns the kind of the JSON value, or [JSONInvalid] if it is not JSON.
func (v Value) Kind() JSONKind {
	if !v.Exists() {
		return JSONInvalid
	}
	k := v.s.host.ValueKind(v.handle)
	if v.s.failed(k) {
		return JSONInvalid
	}
	return JSONKind(k)
}

// Len returns the length of the value in bytes.
func (v Value) Len() int {
	if !v.Exists() {
		return 0
	}
	n := v.s.host.ValueLength(v.handle)
	if v.s.failed(n) {
		return 0
	}
	return int(n)
}

// Count returns the number of elements of an array or members of an object.
func (v Value) Count() int {
	if !v.Exists() {
		return 0
	}
	n := v.s.host.ValueCount(v.handle)
	if v.s.failed(n) {
		return 0
	}
	return int(n)
}

// Part returns the part of the JSON value at a JSON Pointer (RFC 6901), such as /data/0/id. The
// host finds it, without copying.
func (v Value) Part(pointer string) Value {
	if !v.Exists() || pointer == "" {
		return v
	}
	h := v.s.host.ValuePart(v.handle, pointer)
	if h == 0 || v.s.failed(h) {
		return Value{}
	}
	return Value{v.s, h}
}

// Bytes copies the value into the connector's memory: JSON text, or the body of a response. More
// than limit bytes are an error of kind limit_exceeded.
func (v Value) Bytes(limit int) ([]byte, error) {
	if !v.Exists() {
		return nil, nil
	}
	s := v.s
	// Most values are short: the host then returns fewer bytes than requested.
	short := s.buffer[s.used:min(len(s.buffer), s.used+shortValue)]
	switch n := s.host.ValueRead(v.handle, 0, short); {
	case s.failed(n):
		return nil, s.fault
	case int(n) < len(short) && int(n) <= limit:
		s.used += int(n)
		return short[:n:n], nil
	}
	n := v.Len()
	if n > limit {
		return nil, &abi.Error{Kind: abi.KindLimitExceeded, Message: "the vendor's answer is longer than the connector reads"}
	}
	b := s.read(v.handle, int32(n))
	if b == nil {
		s.failed(hostfunc.Failure)
		return nil, s.fault
	}
	return b, nil
}

// shortValue is how many bytes to request if the length is unknown.
const shortValue = 256

// Raw copies a JSON value into the connector's memory. It is absent if the value is absent or
// larger than 1 MiB.
func (v Value) Raw() Raw {
	b, err := v.Bytes(maxText)
	if err != nil {
		return nil
	}
	return b
}

// Text returns the text of a JSON string of at most 1 MiB, "" for anything else.
func (v Value) Text() string { return v.Raw().Text() }

// Int returns the value of a JSON number that is an integer of 64 bits.
func (v Value) Int() (n int64, ok bool) { return v.Raw().Int() }

// Bool returns true for the JSON value true.
func (v Value) Bool() bool { return v.Raw().Bool() }

// Drop tells the host that the value is no longer needed. Connectors that read many pages in one
// call use it to stay within the host's limits.
func (v Value) Drop() {
	if v.Exists() {
		v.s.host.ValueDrop(v.handle)
	}
}
