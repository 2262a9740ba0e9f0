// Package credential makes HTTP clients that send the secrets of a configuration. A [Store]
// reads references from all sources of secrets. A [Credential] reads the secrets of one
// connection, gets access tokens if the vendor wants OAuth 2.0, makes the client that adds them
// to requests, and does all that again when a secret may have changed.
//
// The package decides nothing about calls: its callers check that the connector may have the
// client.
package credential

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential/agefile"
	"github.com/agenthost/agenthost/internal/credential/helper"
	"github.com/agenthost/agenthost/internal/credential/keyring"
	"github.com/agenthost/agenthost/internal/credential/source"
	"github.com/agenthost/agenthost/internal/credential/vault"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// Options say where a [Store] reads secrets. The zero value has every source that needs no
// configuration.
type Options struct {
	Secrets config.Secrets
	// Sources are the embedder's own, by scheme.
	Sources map[string]secret.Source
	// LookupEnv reads an environment variable; nil means os.LookupEnv.
	LookupEnv func(string) (string, bool)
	// Logger gets the log lines; nil logs nothing.
	Logger hclog.Logger
	seams.Seams
}

// Open returns the Store that o configures. It reads no secret yet.
//
// # Errors
//
// *[abi.Error] of kind invalid_params, which names the wrong setting.
func Open(o Options) (*Store, error) {
	if o.LookupEnv == nil {
		o.LookupEnv = os.LookupEnv
	}
	if o.Logger == nil {
		o.Logger = hclog.NewNullLogger()
	}
	o.Seams = o.Seams.WithDefaults()
	s := &Store{options: o, schemes: slices.Sorted(maps.Keys(o.Sources))}
	if err := s.check(); err != nil {
		return nil, fault.Configuration(err)
	}
	sources := map[string]secret.Source{
		"keyring": keyring.New(o.LookupEnv),
		"exec":    helper.New(helpers(o.Secrets.Helpers), o.LookupEnv),
	}
	for scheme, own := range o.Sources {
		sources[scheme] = ownSource{scheme, own}
	}
	s.local = source.NewResolver(source.Options{LookupEnv: o.LookupEnv, Sources: sources})
	if path := s.Path(); path != "" {
		s.file = agefile.New(path, s.identity)
		sources["age"] = s.file
	}
	withFile := source.NewResolver(source.Options{LookupEnv: o.LookupEnv, Sources: sources})
	sources["vault"] = lazyVault{s, withFile}
	s.resolver = source.NewResolver(source.Options{LookupEnv: o.LookupEnv, Sources: sources})
	return s, nil
}

func helpers(configured map[string]config.Helper) map[string]helper.Command {
	commands := make(map[string]helper.Command, len(configured))
	for name, h := range configured {
		commands[name] = helper.Command{Args: h.Command, Env: h.Env, Timeout: h.Timeout}
	}
	return commands
}

// check refuses settings that package config refuses in a file, for Go programs.
func (s *Store) check() error {
	for _, scheme := range s.schemes {
		at := "sources." + scheme
		if err := checkScheme(at, scheme); err != nil {
			return err
		}
		if s.options.Sources[scheme] == nil {
			return fault.Invalid(at, "the source of "+scheme+": is nil", "give it a secret.Source, or remove it")
		}
	}
	configured := s.options.Secrets
	if configured.Cache < 0 {
		return fault.Invalid("secrets.cache", "secrets.cache is negative", "give a positive number, or 0 for the default")
	}
	if err := s.checkReference("secrets.identity", configured.Identity, "age", "vault"); err != nil {
		return err
	}
	if v := configured.Vault; v != nil {
		if err := s.checkReference("secrets.vault.token", v.Token, "vault"); err != nil {
			return err
		}
		if v.Version < 0 || v.Version > 2 {
			return fault.Invalid("secrets.vault.version", fmt.Sprintf("there is no version %d of the KV engine", v.Version), "use 1 or 2, or 0 to ask the Vault")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(configured.Helpers)) {
		h, at := configured.Helpers[name], "secrets.helpers."+name
		if !secret.ValidName(name) || len(h.Command) == 0 || h.Command[0] == "" {
			return fault.Invalid(at, fmt.Sprintf("the helper %.60q has no name or no program", name), "give Command a program; names have letters, digits, dots, dashes and underscores")
		}
		if h.Timeout < 0 {
			return fault.Invalid(at+".timeout", at+".timeout is negative", "give a positive number, or 0 for the default")
		}
	}
	return nil
}

// checkScheme refuses a scheme that an embedder's source cannot have.
func checkScheme(at, scheme string) error {
	builtin := []string{"env", "file", "keyring", "age", "exec", "vault"}
	if slices.Contains(builtin, scheme) {
		return fault.Invalid(at, "the source of "+scheme+": cannot be replaced", "choose another scheme, such as my-"+scheme)
	}
	for i, c := range []byte(scheme) {
		letter := c >= 'a' && c <= 'z'
		if !letter && (i == 0 || c != '-' && (c < '0' || c > '9')) {
			return fault.Invalid(at, fmt.Sprintf("%.40q cannot be a scheme of references", scheme), "use lower-case letters, digits and dashes, and a letter first")
		}
	}
	if scheme == "" || len(scheme) > 32 {
		return fault.Invalid(at, "a scheme has 1 to 32 characters", "use a short word, such as corp")
	}
	return nil
}

// checkReference checks a reference that sources of secrets need themselves.
func (s *Store) checkReference(at, reference string, needed ...string) error {
	if reference == "" {
		return nil
	}
	ref, err := s.Parse(reference)
	if err != nil {
		return fault.Under(at, err)
	}
	if slices.Contains(needed, ref.Scheme()) {
		return fault.Invalid(at, "the source of "+ref.Scheme()+": needs this secret itself", "use env:, file:, keyring: or exec:")
	}
	return nil
}

// ownSource is a source of the embedder's.
type ownSource struct {
	scheme string
	source secret.Source
}

// Read reads a secret, and converts errors of the source. It does not repeat their text, which
// may hold secrets, except that of an [*abi.Error].
func (s ownSource) Read(ctx context.Context, name string) (secret.Value, error) {
	ref, err := secret.ParseRef(s.scheme+":"+name, s.scheme)
	if err != nil {
		return secret.Value{}, err
	}
	value, err := s.source.Read(ctx, name)
	if err == nil && value.IsZero() {
		err = source.Missing(ref, "the secret is empty", "store the credential there", nil)
	}
	if err == nil {
		return value, nil
	}
	known, ok := errors.AsType[*abi.Error](err)
	switch {
	case ctx.Err() != nil:
		return secret.Value{}, fault.EndedWith(ctx, "the call ended while "+ref.String()+" was read")
	case !ok:
		return secret.Value{}, source.Missing(ref, "the source of "+s.scheme+": failed", "check the program's source of "+s.scheme+":", err)
	}
	failed := source.Missing(ref, known.Message, known.Hint, err)
	failed.Retryable, failed.RetryAfterMS = known.Retryable, known.RetryAfterMS
	return secret.Value{}, failed
}

// lazyVault reads the configuration of a Vault at its first use, because parts of it may be in
// the environment and in files.
type lazyVault struct {
	store *Store
	token *source.Resolver
}

// Read reads a secret from the Vault.
func (l lazyVault) Read(ctx context.Context, name string) (secret.Value, error) {
	o := l.store.options
	var c config.Vault
	if o.Secrets.Vault != nil {
		c = *o.Secrets.Vault
	}
	address := cmp.Or(c.Address, l.env("ADDR"))
	reference := c.Token
	if reference == "" {
		reference = "env:VAULT_TOKEN"
		if _, ok := o.LookupEnv("BAO_TOKEN"); ok {
			reference = "env:BAO_TOKEN"
		}
	}
	ref, err := l.store.Parse(reference)
	if err != nil {
		return secret.Value{}, err
	}
	roots, err := l.authorities(cmp.Or(c.CAFile, l.env("CACERT")))
	if err != nil {
		return secret.Value{}, err
	}
	return vault.New(vault.Config{
		Address: address, Namespace: cmp.Or(c.Namespace, l.env("NAMESPACE")), Version: c.Version,
		Token:  func(ctx context.Context) (secret.Value, error) { return l.token.Resolve(ctx, ref) },
		Logger: o.Logger.Named("vault"),
		Seams:  o.Seams.WithRootCAs(roots),
	}).Read(ctx, name)
}

// env reads a variable of OpenBao's or Vault's command.
func (l lazyVault) env(name string) string {
	bao, _ := l.store.options.LookupEnv("BAO_" + name)
	hashicorp, _ := l.store.options.LookupEnv("VAULT_" + name)
	return cmp.Or(bao, hashicorp)
}

func (l lazyVault) authorities(path string) (*x509.CertPool, error) {
	if path == "" {
		return l.store.options.RootCAs, nil
	}
	return Authorities(path, "secrets.vault.ca_file", "the certificate authorities of the Vault")
}
