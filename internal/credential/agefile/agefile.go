// Package agefile keeps secrets in one file that is encrypted with age
// (https://age-encryption.org/v1). It is what the command agenthost secret writes.
//
// The file is a plain armored age file: with its identity, age -d shows the JSON in it.
// Anyone with the public half of an identity can encrypt to it, so the content has a message
// authentication code under a key derived from the secret half, and a forged file is refused.
// An older copy of the file is genuine and accepted: keep backups as safe as the file.
package agefile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"unicode/utf8"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential/durable"
	"github.com/agenthost/agenthost/internal/credential/source"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// MaxSize is the size of the largest file, in bytes.
const MaxSize = 4 << 20

// Store is an encrypted file. It may be used by several goroutines, and the file by
// several processes. It holds nothing in memory: each use reads the file.
type Store struct {
	path     string
	identity Identity
	writer   durable.Writer
}

// Identity returns the age identity that opens a file: text of the form that age-keygen
// prints.
type Identity func(ctx context.Context) (secret.Value, error)

// New returns the Store at path. The first [Store.Set] makes the file.
func New(path string, identity Identity) *Store { return &Store{path: path, identity: identity} }

var _ secret.Source = (*Store)(nil)

// Path returns where the file is.
func (s *Store) Path() string { return s.path }

// Read returns the secret of a name.
//
// # Errors
//
// An *[abi.Error] of kind auth_failed if there is no file or no secret of that name,
// the identity is missing or another one, or the file was changed.
func (s *Store) Read(ctx context.Context, name string) (secret.Value, error) {
	ref, err := secret.ParseRef("age:" + name)
	if err != nil {
		return secret.Value{}, err
	}
	secrets, err := s.open(ctx)
	if err != nil {
		return secret.Value{}, err
	}
	if secrets == nil {
		return secret.Value{}, source.Missing(ref, "the file "+s.path+" does not exist", "agenthost secret set "+name+" makes it", nil)
	}
	text, ok := secrets[name]
	if !ok {
		hint := "agenthost secret set " + name + " writes it"
		if near := fault.Nearest(name, slices.Collect(maps.Keys(secrets))); near != "" {
			hint = "did you mean age:" + near + "?"
		}
		return secret.Value{}, source.Missing(ref, "the file "+s.path+" has no secret of that name", hint, nil)
	}
	return secret.New([]byte(text)), nil
}

// Names returns the names of the secrets in order, none if there is no file. Its
// errors are those of [Store.Read].
func (s *Store) Names(ctx context.Context) ([]string, error) {
	secrets, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(secrets)), nil
}

// Set sets or replaces the secret of a name.
//
// # Errors
//
// Those of [Store.Read]; invalid_params for a name that cannot be one and for a value
// that is empty, too large or not UTF-8 text; internal if the file cannot be written.
func (s *Store) Set(ctx context.Context, name string, value secret.Value) error {
	if _, err := secret.ParseRef("age:" + name); err != nil {
		return err
	}
	return value.Reveal(func(b []byte) error {
		switch {
		case len(b) == 0:
			return &abi.Error{Kind: abi.KindInvalidParams, Field: "value", Message: "the secret is empty", Hint: "to remove a secret, use agenthost secret rm"}
		case len(b) > source.MaxSize:
			return &abi.Error{Kind: abi.KindInvalidParams, Field: "value", Message: fmt.Sprintf("the secret is larger than %d KiB", source.MaxSize>>10)}
		case !utf8.Valid(b):
			return &abi.Error{Kind: abi.KindInvalidParams, Field: "value", Message: "the secret is not UTF-8 text", Hint: "store it in base64, or in a separate file with file:"}
		}
		return s.change(ctx, func(secrets map[string]string) error {
			secrets[name] = string(b)
			return nil
		})
	})
}

// Remove removes the secret of a name. Its errors are those of [Store.Set], and
// not_found if there is no such name.
func (s *Store) Remove(ctx context.Context, name string) error {
	return s.change(ctx, func(secrets map[string]string) error {
		if _, ok := secrets[name]; !ok {
			return &abi.Error{Kind: abi.KindNotFound, Field: "name", Message: "there is no secret of that name", Hint: fault.Hint(name, slices.Collect(maps.Keys(secrets)))}
		}
		delete(secrets, name)
		return nil
	})
}

// change rewrites the file while it holds the lock.
func (s *Store) change(ctx context.Context, edit func(map[string]string) error) error {
	release, err := durable.Lock(ctx, s.path)
	if err != nil {
		return unwritable(s.path, err)
	}
	defer release()
	secrets, err := s.open(ctx)
	if err != nil {
		return err
	}
	if secrets == nil {
		secrets = make(map[string]string)
	}
	if err := edit(secrets); err != nil {
		return err
	}
	text, err := s.identity(ctx)
	if err != nil {
		return err
	}
	sealed, err := seal(text, secrets)
	if err != nil {
		return err
	}
	if err := s.writer.Replace(s.path, sealed); err != nil {
		return unwritable(s.path, err)
	}
	return nil
}

func unwritable(path string, cause error) error {
	return (&abi.Error{Kind: abi.KindInternal, Message: "the file " + path + " cannot be written", Hint: "check that its folder is writable and that the disk is not full"}).WithCause(cause)
}

// open returns the secrets by name, or nil if there is no file.
func (s *Store) open(ctx context.Context) (map[string]string, error) {
	f, err := os.Open(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, s.problem("cannot be read", "let the user that runs agenthost read it", err)
	}
	defer func() { _ = f.Close() }() // opened for reading only
	sealed, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, s.problem("cannot be read", "check the file and its disk", err)
	}
	if len(sealed) > MaxSize {
		return nil, s.problem(fmt.Sprintf("is larger than %d MiB", MaxSize>>20), "check that this is the right file", nil)
	}
	text, err := s.identity(ctx)
	if err != nil {
		return nil, err
	}
	secrets, err := unseal(text, sealed)
	switch {
	case errors.Is(err, errOtherIdentity):
		return nil, s.problem("is encrypted for another identity", "set secrets: {identity: ...} to the identity that encrypted it", err)
	case errors.Is(err, errForged):
		return nil, s.problem("was not written by agenthost with this identity", "another program may have written it; restore it from a backup, or remove it and set its secrets again", err)
	case err != nil:
		return nil, s.problem("was changed or damaged", "restore it from a backup, or remove it and set its secrets again", err)
	}
	return secrets, nil
}

func (s *Store) problem(what, hint string, cause error) error {
	return (&abi.Error{Kind: abi.KindAuthFailed, Field: "secrets.file", Message: "the encrypted file " + s.path + " " + what, Hint: hint}).WithCause(cause)
}
