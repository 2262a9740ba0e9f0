package config

import (
	"path/filepath"
	"strings"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/goccy/go-yaml/ast"
)

// Secrets says where references to secrets lead. The zero value is of use: env:, file:,
// keyring: and age: need nothing more.
type Secrets struct {
	// File is the encrypted file of age: references; empty means secrets.age in
	// agenthost's folder of the user's configuration folder.
	File string
	// Identity is the reference to the age identity of File and Tokens; empty means the
	// file identity.txt beside the usual File. It cannot be age: or vault:.
	Identity string
	// Tokens is the folder of what logins with OAuth 2.0 brought, encrypted; empty means
	// tokens beside the usual File.
	Tokens string
	// Helpers are the programs of exec: references, by name.
	Helpers map[string]Helper
	// Vault is that of vault: references; nil takes all from the environment.
	Vault *Vault
	// Cache is how long a secret is used before it is read again; 0 means a minute. A
	// vendor's refusal makes the host read it at once.
	Cache time.Duration
}

// Helper is a program that prints secrets.
type Helper struct {
	// Command is the program and its first arguments; the item follows. A relative
	// path is relative to the configuration file, a bare name is looked up in PATH.
	Command []string
	// Env names the environment variables that the program gets; it gets no other.
	Env []string
	// Timeout is how long it may take; 0 means 10 seconds.
	Timeout time.Duration
}

// Vault says where a HashiCorp Vault or OpenBao is.
type Vault struct {
	Address   string // URL; empty means VAULT_ADDR or BAO_ADDR
	Token     string // reference, not to vault:; empty means VAULT_TOKEN or BAO_TOKEN
	Namespace string // empty means VAULT_NAMESPACE or BAO_NAMESPACE
	CAFile    string // certificates that are trusted instead of the system's; empty means VAULT_CACERT or BAO_CACERT
	Version   int    // of the KV engine, 1 or 2; 0 asks the Vault
}

func (r *reader) secrets(n ast.Node, path string, into *Secrets) {
	r.mapping(n, path, []key{
		{"file", func(v ast.Node, p string) { r.path(v, p, &into.File) }},
		{"identity", func(v ast.Node, p string) {
			r.referenceBut(v, p, &into.Identity, secret.SchemeAge, secret.SchemeVault)
		}},
		{"tokens", func(v ast.Node, p string) { r.path(v, p, &into.Tokens) }},
		{"cache", func(v ast.Node, p string) { r.duration(v, p, &into.Cache) }},
		{"helpers", func(v ast.Node, p string) {
			into.Helpers = make(map[string]Helper)
			r.pairs(v, p, func(name string, at, value ast.Node) {
				if !secret.ValidName(name) {
					r.problem(at, join(p, clip(name)), "not a name for a helper", "use letters, digits, dots, dashes and underscores")
					return
				}
				into.Helpers[name] = r.helper(value, join(p, name))
			})
		}},
		{"vault", func(v ast.Node, p string) { into.Vault = r.vault(v, p) }},
	})
}

// helper reads a command, or a mapping that has one.
func (r *reader) helper(n ast.Node, path string) Helper {
	var h Helper
	command := func(v ast.Node, p string) {
		r.texts(v, p, func(text string, _ ast.Node) { h.Command = append(h.Command, text) })
	}
	before := len(r.problems)
	if list, ok := r.value(n, path).(*ast.SequenceNode); ok {
		command(list, path)
	} else {
		r.mapping(n, path, []key{
			{"command", command},
			{"env", func(v ast.Node, p string) {
				r.texts(v, p, func(text string, at ast.Node) {
					if _, err := secret.ParseRef(secret.SchemeEnv + ":" + text); err != nil {
						r.problem(at, p, "not the name of an environment variable", "name variables to pass on; their values stay where they are")
						return
					}
					h.Env = append(h.Env, text)
				})
			}},
			{"timeout", func(v ast.Node, p string) { r.duration(v, p, &h.Timeout) }},
		})
	}
	if len(r.problems) > before {
		return h
	}
	if len(h.Command) == 0 {
		r.problem(n, path, "names no program", "write it as [op, read], or as {command: [op, read], env: [HOME]}")
		return h
	}
	if program := h.Command[0]; strings.ContainsRune(program, '/') || strings.ContainsRune(program, filepath.Separator) {
		h.Command[0] = r.resolve(program)
	}
	return h
}

func (r *reader) vault(n ast.Node, path string) *Vault {
	vault := &Vault{}
	r.mapping(n, path, []key{
		{"address", func(v ast.Node, p string) { r.server(v, p, &vault.Address) }},
		{"token", func(v ast.Node, p string) { r.referenceBut(v, p, &vault.Token, secret.SchemeVault) }},
		{"namespace", func(v ast.Node, p string) { vault.Namespace, _ = r.text(v, p) }},
		{"ca_file", func(v ast.Node, p string) { r.path(v, p, &vault.CAFile) }},
		{"version", func(v ast.Node, p string) {
			var version int64
			if r.count(v, p, &version); version > 2 {
				r.problem(v, p, "there is no such version of the KV engine", "use 1 or 2")
				return
			}
			vault.Version = int(version)
		}},
	})
	return vault
}

// referenceBut reads a reference that may not be of certain schemes, because those are
// only read with its help.
func (r *reader) referenceBut(n ast.Node, path string, into *string, schemes ...string) {
	r.reference(n, path, func(reference string) {
		for _, scheme := range schemes {
			if strings.HasPrefix(reference, scheme+":") {
				r.problem(n, path, scheme+": is only read with its help, and cannot give it", "use env:, file:, keyring: or exec:")
				return
			}
		}
		*into = reference
	})
}
