// Package tokenfile keeps the tokens of OAuth 2.0 logins: for each connection a file, encrypted
// with AES-256-GCM.
//
// A file is bound to the use of its tokens (a [Binding]), which is additional data of the
// encryption. So a file that is moved to another connection, or whose connector wants to send
// tokens elsewhere, does not open. An older copy of a connection's own file does, but the vendor
// has replaced its refresh token.
package tokenfile

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential/durable"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/owned"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Row has the tokens of a login.
type Row struct {
	Access, Refresh secret.Value
	// Previous is the refresh token before Refresh. It is kept until Refresh was used, in
	// case the vendor lost the new one.
	Previous secret.Value
	// Until is when to replace Access; zero if the vendor did not say.
	Until time.Time
	// Server is the origin that Access is for, if the vendor named one with it.
	Server string
	// Seed is the [Mark] of the configured secret that the row began with, such as a
	// refresh token.
	Seed string
}

// Equal reports whether two rows are equal.
func (r Row) Equal(o Row) bool {
	return r.Access.Equal(o.Access) && r.Refresh.Equal(o.Refresh) && r.Previous.Equal(o.Previous) && r.Until.Equal(o.Until) && r.Server == o.Server && r.Seed == o.Seed
}

// Binding says what the tokens of a row are for.
type Binding struct {
	Connection string   `json:"connection"`
	Connector  string   `json:"connector"`
	Scheme     string   `json:"scheme"`
	TokenURL   string   `json:"token_url"`
	Client     string   `json:"client"` // the mark of the client id
	Origins    []string `json:"origins"`
}

// Mark identifies a secret, to notice its change.
func Mark(v secret.Value) string {
	if v.IsZero() {
		return ""
	}
	var sum [sha256.Size]byte
	_ = v.Reveal(func(b []byte) error { sum = sha256.Sum256(b); return nil }) // which returns nil
	return hex.EncodeToString(sum[:])
}

// Folder keeps rows. It may be used by several goroutines, and by several processes.
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
// bound to something else.
func (f *Folder) Load(ctx context.Context, b Binding) (row Row, found bool, err error) {
	sealed, err := readFile(f.Path(b.Connection))
	if errors.Is(err, fs.ErrNotExist) {
		return Row{}, false, nil
	} else if err != nil {
		return Row{}, false, f.problem(b, "cannot be read", err)
	}
	aead, err := f.cipher(ctx)
	if err != nil {
		return Row{}, false, err
	}
	bound, err := additional(b)
	if err != nil {
		return Row{}, false, err
	}
	if len(sealed) < aead.NonceSize() {
		return Row{}, false, f.problem(b, "was cut short", nil)
	}
	plain, err := aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], bound)
	defer clear(plain)
	if err != nil {
		return Row{}, false, f.problem(b, "was changed, or is of another connection, connector, client or identity", err)
	}
	if row, err = decode(plain); err != nil {
		return Row{}, false, f.problem(b, "cannot be understood", err)
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
func (f *Folder) Save(ctx context.Context, b Binding, row Row) error {
	aead, err := f.cipher(ctx)
	if err != nil {
		return err
	}
	bound, err := additional(b)
	if err != nil {
		return err
	}
	plain, err := encode(row)
	defer clear(plain)
	if err != nil {
		return err
	}
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	if _, err := rand.Read(nonce); err != nil {
		return fmt.Errorf("nonce: %w", err)
	}
	sealed := aead.Seal(nonce, nonce, plain, bound)
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

func (f *Folder) unwritable(connection string, cause error) error {
	return (&abi.Error{
		Kind: abi.KindInternal, Field: "secrets.tokens",
		Message: "the token of connection " + connection + " cannot be written to " + f.dir,
		Hint:    "check that the folder is writable and that the disk is not full, or set another one: secrets: {tokens: FOLDER}",
	}).WithCause(cause)
}

func (f *Folder) problem(b Binding, what string, cause error) error {
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

func additional(b Binding) ([]byte, error) {
	text, err := json.Marshal(b)
	return append([]byte("agenthost token 1\n"), text...), err
}

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

// plainRow is a row as JSON, before it is encrypted.
type plainRow struct {
	Access   []byte    `json:"access,omitempty"`
	Refresh  []byte    `json:"refresh,omitempty"`
	Previous []byte    `json:"previous,omitempty"`
	Until    time.Time `json:"until,omitzero"`
	Server   string    `json:"server,omitempty"`
	Seed     string    `json:"seed,omitempty"`
}

func encode(row Row) ([]byte, error) {
	var plain []byte
	err := row.Access.Reveal(func(access []byte) error {
		return row.Refresh.Reveal(func(refresh []byte) error {
			return row.Previous.Reveal(func(previous []byte) (err error) {
				plain, err = json.Marshal(plainRow{access, refresh, previous, row.Until.UTC(), row.Server, row.Seed})
				return err
			})
		})
	})
	return plain, err
}

func decode(plain []byte) (Row, error) {
	var p plainRow
	if json.Unmarshal(plain, &p) != nil { // whose error would quote it
		return Row{}, errors.New("not a row")
	}
	row := Row{Access: secret.New(p.Access), Refresh: secret.New(p.Refresh), Previous: secret.New(p.Previous), Until: p.Until, Server: p.Server, Seed: p.Seed}
	for _, b := range [][]byte{p.Access, p.Refresh, p.Previous} {
		clear(b)
	}
	return row, nil
}
