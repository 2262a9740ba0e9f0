package envelope

import (
	"bytes"
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

// NewMasters returns master keys. A key has 32 bytes, as they are or in base64.
//
// # Errors
//
// An *[abi.Error] of kind invalid_params whose field is master_key, or master_key.older for one
// that is not current.
func NewMasters(current secret.Value, older ...secret.Value) (*Masters, error) {
	m := &Masters{keys: make(map[string]cipher.AEAD)}
	id, err := m.add(current)
	if err != nil {
		return nil, fault.Invalid("master_key", err.Error(), keyHint)
	}
	m.current = id
	for _, v := range older {
		if _, err := m.add(v); err != nil {
			return nil, fault.Invalid("master_key.older", err.Error(), keyHint)
		}
	}
	return m, nil
}

const keyHint = "make a key with: head -c 32 /dev/urandom | base64"

func (m *Masters) add(written secret.Value) (id string, err error) {
	key, err := decode(written)
	if err != nil {
		return "", err
	}
	// The id comes from the key, so that nobody has to name keys. It says nothing about a
	// random key of 32 bytes.
	err = key.Reveal(func(b []byte) error {
		h := sha256.New()
		h.Write([]byte("agenthost master key\n"))
		h.Write(b)
		id = hex.EncodeToString(h.Sum(nil)[:8])
		return nil
	})
	if err != nil {
		return "", err
	}
	m.keys[id], err = newAEAD(key)
	return id, err
}

// decode reads a key as a person may write it into a file.
func decode(written secret.Value) (key secret.Value, err error) {
	err = written.Reveal(func(b []byte) error {
		if len(b) == keySize {
			key = secret.New(b)
			return nil
		}
		text := bytes.TrimRight(bytes.TrimSpace(b), "=")
		plain := make([]byte, base64.RawStdEncoding.DecodedLen(len(text)))
		defer clear(plain)
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			if n, err := encoding.Decode(plain, text); err == nil && n == keySize {
				key = secret.New(plain[:n])
				return nil
			}
		}
		return fmt.Errorf("a master key has %d bytes, as they are or in base64; this is something else", keySize)
	})
	return key, err
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
