package envelope

import (
	"bytes"
	"cmp"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/fault"
)

// Masters are the master keys of a store. One of them is current and seals; the others open what
// was sealed before the last rotation. It is safe for concurrent use.
type Masters struct {
	current string
	keys    map[string]cipher.AEAD
}

// Wrapped is a key that is sealed with a master key.
type Wrapped struct {
	// Master is the id of the master key.
	Master string
	Sealed []byte
}

// NewMasters returns the master keys that some values have; the first of all is current. A value is
// the 32 bytes of a key, or one or several keys in base64, each in a line of its own.
//
// # Errors
//
// An *[abi.Error] of kind invalid_params whose field is master_key.
func NewMasters(values ...secret.Value) (*Masters, error) {
	m := &Masters{keys: make(map[string]cipher.AEAD)}
	for _, v := range values {
		keys, err := decode(v)
		if err != nil {
			return nil, fault.Invalid("master_key", err.Error(), "make a key with: head -c 32 /dev/urandom | base64")
		}
		for _, key := range keys {
			if err := m.add(key); err != nil {
				return nil, err
			}
		}
	}
	if m.current == "" {
		return nil, fault.Invalid("master_key", "there is no master key", "name one")
	}
	return m, nil
}

// add adds a key. The first one is current.
func (m *Masters) add(key secret.Value) (err error) {
	// The id comes from the key, so that nobody has to name keys. It says nothing about a
	// random key of 32 bytes.
	var id string
	err = key.Reveal(func(b []byte) error {
		h := sha256.New()
		h.Write([]byte("agenthost master key\n"))
		h.Write(b)
		id = hex.EncodeToString(h.Sum(nil)[:8])
		return nil
	})
	if err != nil {
		return err
	}
	m.current = cmp.Or(m.current, id)
	m.keys[id], err = newAEAD(key)
	return err
}

var errNoKey = fmt.Errorf("a master key has %d bytes, as they are or in base64; this is something else", keySize)

// decode reads keys as a person may write them into a file.
func decode(written secret.Value) (keys []secret.Value, err error) {
	err = written.Reveal(func(b []byte) error {
		if len(b) == keySize {
			keys = []secret.Value{secret.New(b)}
			return nil
		}
		for line := range bytes.Lines(bytes.TrimSpace(b)) {
			key, ok := decodeLine(line)
			if !ok {
				return errNoKey
			}
			keys = append(keys, key)
		}
		if len(keys) == 0 {
			return errNoKey
		}
		return nil
	})
	return keys, err
}

func decodeLine(line []byte) (key secret.Value, ok bool) {
	text := bytes.TrimRight(bytes.TrimSpace(line), "=")
	plain := make([]byte, base64.RawStdEncoding.DecodedLen(len(text)))
	defer clear(plain)
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if n, err := encoding.Decode(plain, text); err == nil && n == keySize {
			return secret.New(plain[:n]), true
		}
	}
	return secret.Value{}, false
}

// With returns these keys and those of another set, of which one is current. It is nil if neither
// has that one.
func (m *Masters) With(other *Masters, current string) *Masters {
	both := &Masters{current, maps.Clone(m.keys)}
	maps.Copy(both.keys, other.keys)
	if !both.Has(current) {
		return nil
	}
	return both
}

// Current returns the id of the key that seals.
func (m *Masters) Current() string { return m.current }

// Has reports whether m has the key with an id.
func (m *Masters) Has(id string) bool { return m.keys[id] != nil }

// IDs returns the ids of the keys, in order.
func (m *Masters) IDs() []string { return slices.Sorted(maps.Keys(m.keys)) }

// Seal seals a key for a place, under the current master key.
func (m *Masters) Seal(random io.Reader, p Place, key secret.Value) (Wrapped, error) {
	sealed, err := seal(m.keys[m.current], random, p.bind("key", m.current), key)
	return Wrapped{m.current, sealed}, err
}

// Open opens what [Masters.Seal] returned for the place. The error is [ErrSealed], also where m
// does not have the master key.
func (m *Masters) Open(p Place, w Wrapped) (secret.Value, error) {
	aead := m.keys[w.Master]
	if aead == nil {
		return secret.Value{}, ErrSealed
	}
	return open(aead, p.bind("key", w.Master), w.Sealed)
}
