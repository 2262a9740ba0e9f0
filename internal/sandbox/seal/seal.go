// Package seal tells what a host wrote into its private cache folder from what was
// changed, cut short or mixed up since: whatever is in the folder carries a
// message authentication code (MAC), HMAC-SHA-256 with a random key of the folder.
//
// It does not stop somebody who can read the key, which is a file of mode 0600 in the
// same folder: that person is the operator, or has the operator's rights. What it does
// stop is running bytes that a failing disk, an interrupted copy, a restored backup, a
// program with write access alone, or another folder's content put there.
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

// Open reads the key of a folder, and makes one if there is none, or where it is
// not the owner's alone. What an earlier key sealed is then no longer believed.
func Open(dir string) (*Sealer, error) {
	path := filepath.Join(dir, KeyFile)
	// Another process may be making the key too. The one that comes second reads
	// what the first one wrote.
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

// create makes a key, whole or not at all, and leaves one alone that is there.
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
		// A file system without links. Two processes may now get two keys, and one of
		// them finds later that what it sealed has to be made again.
		err = os.Rename(f.Name(), path)
	}
	return err
}

// Sum returns the MAC of the parts, in hexadecimal. The purpose keeps what is sealed as
// one thing from being taken for another.
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

// Valid says whether sum is what [Sealer.Sum] returned for the same purpose and parts.
func (s *Sealer) Valid(sum, purpose string, parts ...[]byte) bool {
	return hmac.Equal([]byte(sum), []byte(s.Sum(purpose, parts...)))
}
