// Package tokenfile keeps the tokens of OAuth 2.0 logins: for each connection a file, encrypted
// with AES-256-GCM.
//
// A file belongs to a connection, whose name is additional data of the encryption, so that a file
// that is moved to another connection does not open. The use of its tokens is sealed beside them:
// where it is another one, no token comes out, and a caller can only ask whether a secret is one
// that the file began with. An older copy of a connection's own file opens, but the
// vendor has replaced its refresh token.
package tokenfile

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential/durable"
	"github.com/agenthost/agenthost/internal/credential/logins"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/owned"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Folder is a [logins.Keeper]. It may be used by several goroutines, and by several processes.
type Folder struct {
	dir string
	key func(ctx context.Context) (secret.Value, error)
	// Writer writes the files; a test may make it fail.
	Writer durable.Writer
}

// New returns the Folder at dir, which the first row makes. key returns the secret that encrypts
// the files, of any length and full entropy.
func New(dir string, key func(ctx context.Context) (secret.Value, error)) *Folder {
	return &Folder{dir: dir, key: key}
}

// maxRow is the size of the largest file, in bytes. Access tokens can be long.
const maxRow = 1 << 20

// Path returns the file of a connection. Names that differ in case have different files.
func (f *Folder) Path(connection string) string {
	sum := sha256.Sum256([]byte(connection))
	name := hex.EncodeToString(sum[:6])
	if secret.ValidName(connection) {
		name = connection + "-" + name
	}
	return filepath.Join(f.dir, name+".token")
}

// Lock takes the lock of a connection's row, across processes. Hold it to refresh a token.
func (f *Folder) Lock(ctx context.Context, connection string) (release func(), err error) {
	err = owned.Folder(f.dir)
	if refused, ok := errors.AsType[*owned.Error](err); ok {
		return nil, &abi.Error{
			Kind: abi.KindDenied, Field: "secrets.tokens", Rule: "private_tokens", Message: refused.What,
			Hint: "tokens are kept there: " + refused.Hint + ", or name another one: secrets: {tokens: FOLDER}",
		}
	} else if err != nil {
		return nil, f.unwritable(connection, err)
	}
	release, err = durable.Lock(ctx, f.Path(connection))
	if err != nil && ctx.Err() != nil {
		return nil, fault.EndedWith(ctx, "the call ended while another one refreshed the token of connection "+connection)
	} else if err != nil {
		return nil, f.unwritable(connection, err)
	}
	return release, nil
}

// Load returns the row of a connection, and false if there is none.
//
// # Errors
//
// An *[abi.Error] of kind auth_failed if the row cannot be read, was changed, or is
// bound to something else: its cause is then a [*logins.Moved].
func (f *Folder) Load(ctx context.Context, b logins.Binding) (row logins.Row, found bool, err error) {
	sealed, err := readFile(f.Path(b.Connection))
	if errors.Is(err, fs.ErrNotExist) {
		return logins.Row{}, false, nil
	} else if err != nil {
		return logins.Row{}, false, f.problem(b, "cannot be read", err)
	}
	aead, err := f.cipher(ctx)
	if err != nil {
		return logins.Row{}, false, err
	}
	if len(sealed) < aead.NonceSize() {
		return logins.Row{}, false, f.problem(b, "was cut short", nil)
	}
	plain, err := aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], additional(b.Connection))
	defer clear(plain)
	if err != nil {
		return logins.Row{}, false, f.problem(b, "was changed, or is of another connection, identity or version of agenthost", err)
	}
	row, err = logins.Open(secret.New(plain), b)
	if moved, is := errors.AsType[*logins.Moved](err); is {
		problem := f.problem(b, "has tokens for something else ("+moved.Error()+")", moved)
		problem.Hint = "configure a new refresh_token, or run agenthost login " + b.Connection
		return logins.Row{}, false, problem
	} else if err != nil {
		return logins.Row{}, false, f.problem(b, "cannot be understood", err)
	}
	return row, true, nil
}

// Ready returns an error if there is no key to save rows with.
func (f *Folder) Ready(ctx context.Context) error {
	_, err := f.cipher(ctx)
	return err
}

// Save writes the row of a connection so that it survives a crash. Call it with the lock.
//
// # Errors
//
// An *[abi.Error], of kind internal if it cannot be written, and vendor_error if it is too large
// for Load; the old row then stays.
func (f *Folder) Save(ctx context.Context, b logins.Binding, row logins.Row) error {
	aead, err := f.cipher(ctx)
	if err != nil {
		return err
	}
	bound, err := logins.Bind(row, b)
	if err != nil {
		return err
	}
	var sealed []byte
	err = bound.Reveal(func(plain []byte) error {
		nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
		if _, err := rand.Read(nonce); err != nil {
			return fmt.Errorf("nonce: %w", err)
		}
		sealed = aead.Seal(nonce, nonce, plain, additional(b.Connection))
		return nil
	})
	if err != nil {
		return err
	}
	if len(sealed) > maxRow {
		return &abi.Error{
			Kind: abi.KindVendorError, Field: "connections." + b.Connection,
			Message: fmt.Sprintf("the tokens of connection %s are too long: %d bytes, but the limit is %d", b.Connection, len(sealed), maxRow),
			Hint:    "ask the vendor for shorter tokens, with fewer scopes for example, and log in again",
		}
	}
	if err := f.Writer.Replace(f.Path(b.Connection), sealed); err != nil {
		return f.unwritable(b.Connection, err)
	}
	return nil
}

// Remove removes the row of a connection. Call it with the lock.
func (f *Folder) Remove(connection string) error {
	if err := f.Writer.Remove(f.Path(connection)); err != nil {
		return f.unwritable(connection, err)
	}
	return nil
}

// Ended returns why: the person who made the login reads it.
func (f *Folder) Ended(_ context.Context, _ logins.Binding, why error) error { return why }

func (f *Folder) unwritable(connection string, cause error) error {
	return (&abi.Error{
		Kind: abi.KindInternal, Field: "secrets.tokens",
		Message: "the token of connection " + connection + " cannot be written to " + f.dir,
		Hint:    "check that the folder is writable and that the disk is not full, or set another one: secrets: {tokens: FOLDER}",
	}).WithCause(cause)
}

func (f *Folder) problem(b logins.Binding, what string, cause error) *abi.Error {
	return (&abi.Error{
		Kind: abi.KindAuthFailed, Field: "connections." + b.Connection,
		Message: "the login of connection " + b.Connection + " cannot be used: its file " + f.Path(b.Connection) + " " + what,
		Hint:    "agenthost login " + b.Connection + " makes a new one",
	}).WithCause(cause)
}

func (f *Folder) cipher(ctx context.Context) (cipher.AEAD, error) {
	secretKey, err := f.key(ctx)
	if err != nil {
		return nil, err
	}
	var aead cipher.AEAD
	err = secretKey.Reveal(func(b []byte) error {
		key, err := hkdf.Key(sha256.New, b, nil, "agenthost tokens", 32)
		if err != nil {
			return err
		}
		defer clear(key)
		block, err := aes.NewCipher(key)
		if err != nil {
			return err
		}
		aead, err = cipher.NewGCM(block)
		return err
	})
	return aead, err
}

func additional(connection string) []byte { return []byte("agenthost token 2\n" + connection) }

func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // opened for reading only
	b, err := io.ReadAll(io.LimitReader(file, maxRow+1))
	if err == nil && len(b) > maxRow {
		err = errors.New("the file is too large")
	}
	return b, err
}
