package abi

import "errors"

// RawMessage is an encoded JSON value. It does what json.RawMessage does, for guests that use
// encoding/json, without importing it into those that do not.
type RawMessage []byte

// MarshalJSON returns m, or null for nil.
func (m RawMessage) MarshalJSON() ([]byte, error) {
	if m == nil {
		return []byte("null"), nil
	}
	return m, nil
}

// UnmarshalJSON keeps a copy of data.
func (m *RawMessage) UnmarshalJSON(data []byte) error {
	if m == nil {
		return errors.New("abi.RawMessage: UnmarshalJSON on nil pointer")
	}
	*m = append((*m)[:0], data...)
	return nil
}
