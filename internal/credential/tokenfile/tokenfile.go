// Package tokenfile keeps the tokens of OAuth 2.0 logins: for each connection a file, encrypted
// with AES-256-GCM.
//
// A file belongs to a connection, whose name is additional data of the encryption, so that a file
// that is moved to another connection does not open. The use of its tokens (a [Binding]) is sealed
// beside them: where it is another one, no token comes out, and a caller can only ask whether a
// secret is one that the file began with. An older copy of a connection's own file opens, but the
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
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
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
	// Stale is the [Mark] of a configured access token that the vendor refused.
	Stale string
}

// Equal reports whether two rows are equal.
func (r Row) Equal(o Row) bool {
	return r.Access.Equal(o.Access) && r.Refresh.Equal(o.Refresh) && r.Previous.Equal(o.Previous) && r.Until.Equal(o.Until) && r.Server == o.Server && r.Seed == o.Seed && r.Stale == o.Stale
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

// change says in what b differs from another binding of the same connection, empty if in nothing.
func (b Binding) change(o Binding) string {
	for _, field := range []struct{ name, was, is string }{
		{"connector", b.Connector, o.Connector}, {"scheme", b.Scheme, o.Scheme}, {"token URL", b.TokenURL, o.TokenURL},
		{"origins", strings.Join(b.Origins, ", "), strings.Join(o.Origins, ", ")},
	} {
		if field.was != field.is {
			return fmt.Sprintf("%s: %.300q then, %.300q now", field.name, field.was, field.is)
		}
	}
	if b.Client != o.Client {
		return "another client"
	}
	return ""
}

// Moved is the cause of the error of [Folder.Load] for a row that is bound to something else.
type Moved struct {
	row    Row
	change string
}

// Error says what changed.
func (m *Moved) Error() string { return m.change }

// Has reports whether a configured secret is one that the row began with or has, and so is
// bound like it.
func (m *Moved) Has(configured secret.Value) bool {
	return m.row.Seed == Mark(configured) || configured.Equal(m.row.Refresh) || configured.Equal(m.row.Previous)
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
// bound to something else: its cause is then a [*Moved].
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
	if len(sealed) < aead.NonceSize() {
		return Row{}, false, f.problem(b, "was cut short", nil)
	}
	plain, err := aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], additional(b.Connection))
	defer clear(plain)
	if err != nil {
		return Row{}, false, f.problem(b, "was changed, or is of another connection, identity or version of agenthost", err)
	}
	row, bound, err := decode(plain)
	if err != nil {
		return Row{}, false, f.problem(b, "cannot be understood", err)
	}
	if change := bound.change(b); change != "" {
		moved := f.problem(b, "has tokens for something else ("+change+")", &Moved{row, change})
		moved.Hint = "configure a new refresh_token, or run agenthost login " + b.Connection
		return Row{}, false, moved
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
	plain, err := encode(row, b)
	defer clear(plain)
	if err != nil {
		return err
	}
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	if _, err := rand.Read(nonce); err != nil {
		return fmt.Errorf("nonce: %w", err)
	}
	sealed := aead.Seal(nonce, nonce, plain, additional(b.Connection))
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

func (f *Folder) problem(b Binding, what string, cause error) *abi.Error {
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

// plainRow is a row as JSON, before it is encrypted.
type plainRow struct {
	Access   []byte    `json:"access,omitempty"`
	Refresh  []byte    `json:"refresh,omitempty"`
	Previous []byte    `json:"previous,omitempty"`
	Until    time.Time `json:"until,omitzero"`
	Server   string    `json:"server,omitempty"`
	Seed     string    `json:"seed,omitempty"`
	Stale    string    `json:"stale,omitempty"`
	Binding  Binding   `json:"binding"`
}

func encode(row Row, b Binding) ([]byte, error) {
	var plain []byte
	err := row.Access.Reveal(func(access []byte) error {
		return row.Refresh.Reveal(func(refresh []byte) error {
			return row.Previous.Reveal(func(previous []byte) (err error) {
				plain, err = json.Marshal(plainRow{access, refresh, previous, row.Until.UTC(), row.Server, row.Seed, row.Stale, b})
				return err
			})
		})
	})
	return plain, err
}

func decode(plain []byte) (Row, Binding, error) {
	var p plainRow
	if json.Unmarshal(plain, &p) != nil { // whose error would quote it
		return Row{}, Binding{}, errors.New("not a row")
	}
	row := Row{Access: secret.New(p.Access), Refresh: secret.New(p.Refresh), Previous: secret.New(p.Previous), Until: p.Until, Server: p.Server, Seed: p.Seed, Stale: p.Stale}
	for _, b := range [][]byte{p.Access, p.Refresh, p.Previous} {
		clear(b)
	}
	return row, p.Binding, nil
}
