// Package seal detects changes to a host's private cache folder: all content has a message
// authentication code (MAC), HMAC-SHA-256 with a random key of the folder.
//
// It does not stop someone who can read the key, a file of mode 0600 in the same folder: they have
// the operator's rights. It does prevent running bytes from a failing disk, an interrupted copy, a
// restored backup, a program with only write access, or another folder.
package seal

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// KeyFile is the name of the key within its folder.
const KeyFile = "key"

const keySize = 32

// Sealer makes and checks seals. It is safe for concurrent use.
type Sealer struct{ key []byte }

// Open reads the key of a folder, and makes one if there is none, or if others can read it. Seals of
// the earlier key are then invalid.
func Open(dir string) (*Sealer, error) {
	path := filepath.Join(dir, KeyFile)
	// Another process may be making the key too. The second one reads the first one's.
	for range 3 {
		key, err := read(path)
		if err == nil {
			return &Sealer{key}, nil
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errBadKey) {
			return nil, fmt.Errorf("seal: %w", err)
		}
		if errors.Is(err, errBadKey) {
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("seal: %w", err)
			}
		}
		if err := create(dir, path); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("seal: %w", err)
		}
	}
	return nil, errors.New("seal: cannot make the key")
}

var errBadKey = errors.New("the key is damaged, or other users can read it")

func read(path string) ([]byte, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() != keySize || runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, errBadKey
	}
	key, err := os.ReadFile(path)
	if err == nil && len(key) != keySize {
		err = errBadKey
	}
	return key, err
}

// create makes a key atomically, unless there is one.
func create(dir, path string) error {
	f, err := os.CreateTemp(dir, "key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already where it was renamed
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // it never fails
	_, err = f.Write(key)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	err = os.Link(f.Name(), path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		// A file system without links. Two processes may now get two keys, and one of them
		// has to seal again later.
		err = os.Rename(f.Name(), path)
	}
	return err
}

// Sum returns the MAC of the parts, in hexadecimal. A seal is valid for its purpose only.
func (s *Sealer) Sum(purpose string, parts ...[]byte) string {
	mac := hmac.New(sha256.New, s.key)
	write := func(b []byte) {
		// The length first, so that no two lists of parts are the same bytes.
		var length [8]byte
		binary.LittleEndian.PutUint64(length[:], uint64(len(b)))
		mac.Write(length[:])
		mac.Write(b)
	}
	write([]byte(purpose))
	for _, part := range parts {
		write(part)
	}
	return hex.EncodeToString(mac.Sum(nil))
}

// Valid reports whether sum is the result of [Sealer.Sum] for the same purpose and parts.
func (s *Sealer) Valid(sum, purpose string, parts ...[]byte) bool {
	return hmac.Equal([]byte(sum), []byte(s.Sum(purpose, parts...)))
}
