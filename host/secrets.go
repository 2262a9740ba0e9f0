package host

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/oauth/tokenfile"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/host/secret/agefile"
	"github.com/agenthost/agenthost/host/secret/helper"
	"github.com/agenthost/agenthost/host/secret/keyring"
	"github.com/agenthost/agenthost/host/secret/vault"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// Secrets are the places that references to secrets lead to, and the encrypted file of
// our own among them. They may be used by several goroutines.
type Secrets struct {
	options  Options
	resolver *secret.Resolver
	// local leads to what needs neither the encrypted file nor a Vault. It is what
	// those two are opened with.
	local *secret.Resolver
	file  *agefile.Store // nil where the user has no configuration folder
}

// OpenSecrets returns the secrets that o.Secrets configures, without a host. It reads
// none of them: what is wrong with a source is an error of its use.
func OpenSecrets(o Options) *Secrets {
	if o.LookupEnv == nil {
		o.LookupEnv = os.LookupEnv
	}
	if o.Logger == nil {
		o.Logger = hclog.NewNullLogger()
	}
	s := &Secrets{options: o}
	sources := map[string]secret.Source{
		secret.SchemeKeyring: keyring.New(o.LookupEnv),
		secret.SchemeExec:    helper.New(helpers(o.Secrets.Helpers), o.LookupEnv),
	}
	s.local = secret.NewResolver(secret.Options{LookupEnv: o.LookupEnv, Sources: sources})
	if path := s.place(o.Secrets.File, "secrets.age"); path != "" {
		s.file = agefile.New(path, s.identity)
		sources[secret.SchemeAge] = s.file
	}
	withFile := secret.NewResolver(secret.Options{LookupEnv: o.LookupEnv, Sources: sources})
	sources[secret.SchemeVault] = lazyVault{s, withFile}
	s.resolver = secret.NewResolver(secret.Options{LookupEnv: o.LookupEnv, Sources: sources})
	return s
}

func helpers(configured map[string]config.Helper) map[string]helper.Command {
	commands := make(map[string]helper.Command, len(configured))
	for name, h := range configured {
		commands[name] = helper.Command{Args: h.Command, Env: h.Env, Timeout: h.Timeout}
	}
	return commands
}

// place returns a configured path, or that of a name in agenthost's own folder of the
// user's configuration folder. It is empty where there is no such folder.
func (s *Secrets) place(configured, name string) string {
	if configured != "" {
		return configured
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "agenthost", name)
}

// identityRef says where the identity is.
func (s *Secrets) identityRef() (secret.Ref, error) {
	if s.options.Secrets.Identity != "" {
		return secret.ParseRef(s.options.Secrets.Identity)
	}
	path := s.place("", "identity.txt")
	if path == "" {
		return secret.Ref{}, errNoFolder()
	}
	return secret.ParseRef(secret.SchemeFile + ":" + path)
}

func errNoFolder() error {
	return &Error{Kind: abi.KindInvalidParams, Field: "secrets", Message: "the user has no configuration folder to keep secrets in", Hint: "name them: secrets: {file: ..., identity: ..., tokens: ...}"}
}

// identity reads the age identity of the encrypted file and of the tokens.
func (s *Secrets) identity(ctx context.Context) (secret.Value, error) {
	ref, err := s.identityRef()
	if err != nil {
		return secret.Value{}, err
	}
	return s.local.Resolve(ctx, ref)
}

// ensureIdentity makes the identity on first use: where it belongs in a file that is not
// there, and nothing is encrypted yet that needs an older one.
func (s *Secrets) ensureIdentity(ctx context.Context) error {
	ref, err := s.identityRef()
	if err != nil {
		return err
	}
	if ref.Scheme() != secret.SchemeFile {
		return nil
	}
	if _, err := os.Lstat(ref.Name()); !errors.Is(err, fs.ErrNotExist) {
		return nil // whatever is wrong with it, reading it says so
	}
	encrypted, _ := filepath.Glob(filepath.Join(s.place(s.options.Secrets.Tokens, "tokens"), "*.token")) // a bad pattern matches nothing
	for _, path := range append(encrypted, s.Path()) {
		if _, err := os.Lstat(path); err == nil {
			return &Error{
				Kind: abi.KindAuthFailed, Field: "secrets.identity",
				Message: "the identity " + ref.Name() + " is missing, and " + path + " is encrypted for it",
				Hint:    "restore it from a backup; if it is lost, remove what it encrypted and begin anew",
			}
		}
	}
	return agefile.CreateIdentity(ctx, ref.Name())
}

// tokens returns the folder of what logins brought.
func (s *Secrets) tokens() (*tokenfile.Folder, error) {
	dir := s.place(s.options.Secrets.Tokens, "tokens")
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

// Resolve reads the secret that ref names. Its errors are those of [secret.Resolver].
func (s *Secrets) Resolve(ctx context.Context, ref secret.Ref) (secret.Value, error) {
	return s.resolver.Resolve(ctx, ref)
}

// store returns the encrypted file.
func (s *Secrets) store() (*agefile.Store, error) {
	if s.file == nil {
		return nil, errNoFolder()
	}
	return s.file, nil
}

// Names returns the names of the secrets in the encrypted file, in order. Its errors are
// those of [agefile.Store.Names].
func (s *Secrets) Names(ctx context.Context) ([]string, error) {
	store, err := s.store()
	if err != nil {
		return nil, err
	}
	return store.Names(ctx)
}

// Set puts a secret into the encrypted file, which the first one makes, and its identity
// with it. Its errors are those of [agefile.Store.Set].
func (s *Secrets) Set(ctx context.Context, name string, value secret.Value) error {
	store, err := s.store()
	if err != nil {
		return err
	}
	if _, err := secret.ParseRef(secret.SchemeAge + ":" + name); err != nil {
		return err
	}
	if err := s.ensureIdentity(ctx); err != nil {
		return err
	}
	return store.Set(ctx, name, value)
}

// Remove removes a secret from the encrypted file. Its errors are those of
// [agefile.Store.Remove].
func (s *Secrets) Remove(ctx context.Context, name string) error {
	store, err := s.store()
	if err != nil {
		return err
	}
	return store.Remove(ctx, name)
}

// Path returns where the encrypted file is, or would be; empty where there is no place.
func (s *Secrets) Path() string { return s.place(s.options.Secrets.File, "secrets.age") }

// lazyVault reads the configuration of a Vault when it is first needed, because it may be
// in the environment, and in files.
type lazyVault struct {
	secrets *Secrets
	token   *secret.Resolver
}

func (l lazyVault) Read(ctx context.Context, name string) (secret.Value, error) {
	var c config.Vault
	if configured := l.secrets.options.Secrets.Vault; configured != nil {
		c = *configured
	}
	address := cmp.Or(c.Address, l.env("ADDR"))
	reference := c.Token
	if reference == "" {
		reference = secret.SchemeEnv + ":VAULT_TOKEN"
		if _, ok := l.secrets.options.LookupEnv("BAO_TOKEN"); ok {
			reference = secret.SchemeEnv + ":BAO_TOKEN"
		}
	}
	ref, err := secret.ParseRef(reference)
	if err != nil {
		return secret.Value{}, err
	}
	roots, err := l.authorities(cmp.Or(c.CAFile, l.env("CACERT")))
	if err != nil {
		return secret.Value{}, err
	}
	return vault.New(vault.Config{
		Address: address, Namespace: cmp.Or(c.Namespace, l.env("NAMESPACE")), Version: c.Version, RootCAs: roots,
		Token:  func(ctx context.Context) (secret.Value, error) { return l.token.Resolve(ctx, ref) },
		Logger: l.secrets.options.Logger.Named("vault"),
		Dial:   l.secrets.options.Dial,
	}).Read(ctx, name)
}

// env reads a variable of OpenBao's command, or of Vault's.
func (l lazyVault) env(name string) string {
	bao, _ := l.secrets.options.LookupEnv("BAO_" + name)
	hashicorp, _ := l.secrets.options.LookupEnv("VAULT_" + name)
	return cmp.Or(bao, hashicorp)
}

func (l lazyVault) authorities(path string) (*x509.CertPool, error) {
	if path == "" {
		return l.secrets.options.RootCAs, nil
	}
	return Authorities(path, "secrets.vault.ca_file", "the certificate authorities of the Vault")
}
