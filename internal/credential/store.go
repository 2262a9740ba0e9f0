package credential

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential/agefile"
	"github.com/agenthost/agenthost/internal/credential/source"
	"github.com/agenthost/agenthost/internal/credential/tokenfile"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Store reads the secrets that references name, and writes the encrypted file of secrets. It is
// safe for concurrent use. Get one from [Open].
type Store struct {
	options Options // complete
	// schemes are those of options.Sources.
	schemes  []string
	resolver *source.Resolver
	// local reads from all sources but the encrypted file and a Vault, which need it
	// themselves.
	local *source.Resolver
	file  *agefile.Store // nil if the user has no configuration folder
}

// Parse reads a reference, also to an embedder's source. Its errors are those of
// [secret.ParseRef].
func (s *Store) Parse(reference string) (secret.Ref, error) {
	return secret.ParseRef(reference, s.schemes...)
}

// Resolve reads the secret that ref names. Its errors are those of [source.Resolver].
func (s *Store) Resolve(ctx context.Context, ref secret.Ref) (secret.Value, error) {
	return s.resolver.Resolve(ctx, ref)
}

// Read reads the secret that a setting refers to.
//
// # Errors
//
// Those of [Store.Parse] and [Store.Resolve], with the setting as Field.
func (s *Store) Read(ctx context.Context, setting, reference string) (secret.Value, error) {
	ref, err := s.Parse(reference)
	if err != nil {
		return secret.Value{}, fault.Under(setting, err)
	}
	value, err := s.Resolve(ctx, ref)
	return value, fault.Under(setting, err)
}

// Names returns the names of the secrets in the encrypted file, in order. Its errors are
// those of [agefile.Store.Names].
func (s *Store) Names(ctx context.Context) ([]string, error) {
	file, err := s.encrypted()
	if err != nil {
		return nil, err
	}
	return file.Names(ctx)
}

// Set puts a secret into the encrypted file. It makes the file and its identity if they do not
// exist. Its errors are those of [agefile.Store.Set].
func (s *Store) Set(ctx context.Context, name string, value secret.Value) error {
	file, err := s.encrypted()
	if err != nil {
		return err
	}
	if _, err := secret.ParseRef("age:" + name); err != nil {
		return err
	}
	if err := s.ensureIdentity(ctx); err != nil {
		return err
	}
	return file.Set(ctx, name, value)
}

// Remove removes a secret from the encrypted file. Its errors are those of
// [agefile.Store.Remove].
func (s *Store) Remove(ctx context.Context, name string) error {
	file, err := s.encrypted()
	if err != nil {
		return err
	}
	return file.Remove(ctx, name)
}

// Path returns the path of the encrypted file, which need not exist. It is empty if the user
// has no configuration folder.
func (s *Store) Path() string { return place(s.options.Secrets.File, "secrets.age") }

func (s *Store) encrypted() (*agefile.Store, error) {
	if s.file == nil {
		return nil, errNoFolder()
	}
	return s.file, nil
}

// place returns a configured path, or that of a name in agenthost's folder of the user's
// configuration folder, which is empty if there is no such folder.
func place(configured, name string) string {
	if configured != "" {
		return configured
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "agenthost", name)
}

func errNoFolder() error {
	return fault.Configuration(fault.Invalid("secrets", "the user has no configuration folder to keep secrets in", "name them: secrets: {file: ..., identity: ..., tokens: ...}"))
}

func (s *Store) identityRef() (secret.Ref, error) {
	if s.options.Secrets.Identity != "" {
		return s.Parse(s.options.Secrets.Identity)
	}
	path := place("", "identity.txt")
	if path == "" {
		return secret.Ref{}, errNoFolder()
	}
	return secret.ParseRef("file:" + path)
}

// identity reads the age identity of the encrypted file and of the tokens.
func (s *Store) identity(ctx context.Context) (secret.Value, error) {
	ref, err := s.identityRef()
	if err != nil {
		return secret.Value{}, err
	}
	return s.local.Resolve(ctx, ref)
}

// ensureIdentity makes the identity before its first use, if it is a file that does not exist
// and nothing is encrypted for an older one.
func (s *Store) ensureIdentity(ctx context.Context) error {
	ref, err := s.identityRef()
	if err != nil {
		return err
	}
	if ref.Scheme() != "file" {
		return nil
	}
	if _, err := os.Lstat(ref.Name()); !errors.Is(err, fs.ErrNotExist) {
		return nil // reading it reports any other error
	}
	encrypted, _ := filepath.Glob(filepath.Join(place(s.options.Secrets.Tokens, "tokens"), "*.token")) // a bad pattern matches nothing
	for _, path := range append(encrypted, s.Path()) {
		if _, err := os.Lstat(path); err == nil {
			return &abi.Error{
				Kind: abi.KindAuthFailed, Field: "secrets.identity",
				Message: "the identity " + ref.Name() + " is missing, and " + path + " is encrypted for it",
				Hint:    "restore it from a backup; if it is lost, remove the files that it encrypted, and start again",
			}
		}
	}
	return agefile.CreateIdentity(ctx, ref.Name())
}

// tokens returns the folder of the tokens of logins.
func (s *Store) tokens() (*tokenfile.Folder, error) {
	dir := place(s.options.Secrets.Tokens, "tokens")
	if dir == "" {
		return nil, errNoFolder()
	}
	return tokenfile.New(dir, func(ctx context.Context) (secret.Value, error) {
		if err := s.ensureIdentity(ctx); err != nil {
			return secret.Value{}, err
		}
		identity, err := s.identity(ctx)
		if err != nil {
			return secret.Value{}, err
		}
		return agefile.SecretKey(identity)
	}), nil
}
