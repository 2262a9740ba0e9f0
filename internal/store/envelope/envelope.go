// Package envelope seals values with data keys, and data keys with master keys (envelope
// encryption). Every key is one of AES-256-GCM.
//
// A sealed value opens with its key and in its [Place] only: not for another workspace,
// connection or field, and not for other origins. An older value of the same place does open:
// the package cannot tell it from the newest one.
//
// It is the one package of the store that sees the bytes of a secret.
package envelope

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/fault"
)

// ErrSealed says that a value does not open. It says no more, because it does not know more.
var ErrSealed = errors.New("the value does not open: it was changed, or it was sealed for another place or with another key")

// ErrTooLarge says that a value has more than [MaxValue] bytes.
var ErrTooLarge = fmt.Errorf("the value has more than %d bytes", MaxValue)

const (
	// keySize is the size of a key in bytes.
	keySize = 32
	// MaxValue is the size of the largest value in bytes.
	MaxValue = 2 << 20
	// MaxSeals is how many values may be sealed with one key. Nonces are random and have 96
	// bits: after 2^32 of them, the chance that two are equal is 2^-33 (NIST SP 800-38D).
	MaxSeals = 1 << 32
)

// NewKey returns a random secret of 32 bytes.
func NewKey(random io.Reader) (secret.Value, error) {
	key := make([]byte, keySize)
	defer clear(key)
	if _, err := io.ReadFull(random, key); err != nil {
		return secret.Value{}, fmt.Errorf("random bytes for a key: %w", err)
	}
	return secret.New(key), nil
}

// NewPassword returns a random secret of 256 bits as text in base64, for people to copy.
func NewPassword(random io.Reader) (password secret.Value, err error) {
	key, err := NewKey(random)
	if err != nil {
		return secret.Value{}, err
	}
	err = key.Reveal(func(b []byte) error {
		text := base64.RawURLEncoding.AppendEncode(nil, b)
		defer clear(text)
		password = secret.New(text)
		return nil
	})
	return password, err
}

// Digest returns the SHA-256 of a secret of full entropy, to know the secret again without
// keeping it.
func Digest(v secret.Value) []byte {
	var sum [sha256.Size]byte
	_ = v.Reveal(func(b []byte) error { sum = sha256.Sum256(b); return nil }) // which returns nil
	return sum[:]
}

// Bytes returns a copy of a value that is no secret, such as an answer that was sealed because it
// has a vendor's data.
func Bytes(v secret.Value) (plain []byte) {
	_ = v.Reveal(func(b []byte) error { plain = bytes.Clone(b); return nil }) // which returns nil
	return plain
}

// DataKey seals values. It is safe for concurrent use.
type DataKey struct {
	id   string
	aead cipher.AEAD
}

// NewDataKey returns the data key with an id, of a secret of 32 bytes.
func NewDataKey(id string, key secret.Value) (*DataKey, error) {
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	return &DataKey{id, aead}, nil
}

// Derive returns another key for a purpose, which says nothing of the key from which it comes (RFC 5869). The
// caller overwrites it. The error is invalid_params for a key that is too short.
func Derive(key secret.Value, purpose string) (derived []byte, err error) {
	err = key.Reveal(func(b []byte) (err error) {
		if len(b) < keySize {
			return fault.Invalid("key", fmt.Sprintf("the key has %d bytes, and needs %d", len(b), keySize), "make one with: openssl rand -hex 32")
		}
		derived, err = hkdf.Key(sha256.New, b, nil, purpose, keySize)
		return err
	})
	return derived, err
}

// ID returns the id of the key.
func (k *DataKey) ID() string { return k.id }

// Seal seals a value for a place.
func (k *DataKey) Seal(random io.Reader, p Place, v secret.Value) ([]byte, error) {
	return seal(k.aead, random, p.bind("value", k.id), v)
}

// Open opens what [DataKey.Seal] returned for the place. The error is [ErrSealed].
func (k *DataKey) Open(p Place, sealed []byte) (secret.Value, error) {
	return open(k.aead, p.bind("value", k.id), sealed)
}

func newAEAD(key secret.Value) (aead cipher.AEAD, err error) {
	err = key.Reveal(func(b []byte) error {
		if len(b) != keySize {
			return fmt.Errorf("the key has %d bytes and not %d", len(b), keySize)
		}
		block, err := aes.NewCipher(b)
		if err != nil {
			return err
		}
		aead, err = cipher.NewGCM(block)
		return err
	})
	return aead, err
}

// seal returns the version, the nonce and the encrypted value.
func seal(aead cipher.AEAD, random io.Reader, bound []byte, v secret.Value) (sealed []byte, err error) {
	err = v.Reveal(func(plain []byte) error {
		if len(plain) > MaxValue {
			return ErrTooLarge
		}
		sealed = make([]byte, 1+aead.NonceSize(), 1+aead.NonceSize()+len(plain)+aead.Overhead())
		sealed[0] = version
		if _, err := io.ReadFull(random, sealed[1:]); err != nil {
			return fmt.Errorf("random bytes for a nonce: %w", err)
		}
		sealed = aead.Seal(sealed, sealed[1:], plain, bound)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return sealed, nil
}

func open(aead cipher.AEAD, bound, sealed []byte) (secret.Value, error) {
	start := 1 + aead.NonceSize()
	if len(sealed) < start || len(sealed) > start+MaxValue+aead.Overhead() || sealed[0] != version {
		return secret.Value{}, ErrSealed
	}
	plain, err := aead.Open(nil, sealed[1:start], sealed[start:], bound)
	defer clear(plain)
	if err != nil {
		return secret.Value{}, ErrSealed
	}
	return secret.New(plain), nil
}
