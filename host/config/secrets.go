package config

import (
	"path/filepath"
	"strings"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/goccy/go-yaml/ast"
)

// Secrets configures the sources of secrets. The zero value is useful: env:, file:, keyring:
// and age: need no configuration.
type Secrets struct {
	// File is the encrypted file for age: references; empty means agenthost/secrets.age in
	// the user's configuration folder.
	File string
	// Identity is the reference to the age identity for File and Tokens; empty means
	// identity.txt next to the default File. It cannot be age: or vault:.
	Identity string
	// Tokens is the folder for encrypted OAuth 2.0 tokens; empty means tokens next to the
	// default File.
	Tokens string
	// Helpers are the programs for exec: references, by name.
	Helpers map[string]Helper
	// Vault is for vault: references; nil means settings from the environment.
	Vault *Vault
	// Cache is how long the host uses a secret before it reads it again; 0 means a minute.
	// If a vendor rejects the credential, the host reads it again at once.
	Cache time.Duration
}

// Helper is a program that prints secrets.
type Helper struct {
	// Command is the program and its first arguments; the item comes last. A relative path
	// is relative to the configuration file. A bare name comes from PATH.
	Command []string
	// Env names the only environment variables that the program gets.
	Env []string
	// Timeout is the longest run time of the program; 0 means 10 seconds.
	Timeout time.Duration
}

// Vault configures a HashiCorp Vault or OpenBao.
type Vault struct {
	Address   string // URL; empty means VAULT_ADDR or BAO_ADDR
	Token     string // reference, not to vault:; empty means VAULT_TOKEN or BAO_TOKEN
	Namespace string // empty means VAULT_NAMESPACE or BAO_NAMESPACE
	CAFile    string // certificates to trust instead of the system's; empty means VAULT_CACERT or BAO_CACERT
	Version   int    // of the KV engine, 1 or 2; 0 asks the Vault
}

func (r *reader) secrets(n ast.Node, path string, into *Secrets) {
	r.mapping(n, path, []key{
		{"file", func(v ast.Node, p string) { r.path(v, p, &into.File) }},
		{"identity", func(v ast.Node, p string) {
			r.referenceBut(v, p, &into.Identity, "age", "vault")
		}},
		{"tokens", func(v ast.Node, p string) { r.path(v, p, &into.Tokens) }},
		{"cache", func(v ast.Node, p string) { r.duration(v, p, &into.Cache) }},
		{"helpers", func(v ast.Node, p string) {
			into.Helpers = make(map[string]Helper)
			r.pairs(v, p, func(name string, at, value ast.Node) {
				if !secret.ValidName(name) {
					r.problem(at, join(p, clip(name)), "is not a valid name for a helper", "use letters, digits, dots, dashes and underscores")
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
					if _, err := secret.ParseRef("env:" + text); err != nil {
						r.problem(at, p, "not the name of an environment variable", "list only names; the program gets their values")
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
		r.problem(n, path, "has no program", "write it as [op, read], or as {command: [op, read], env: [HOME]}")
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
		{"token", func(v ast.Node, p string) { r.referenceBut(v, p, &vault.Token, "vault") }},
		{"namespace", func(v ast.Node, p string) { vault.Namespace, _ = r.text(v, p) }},
		{"ca_file", func(v ast.Node, p string) { r.path(v, p, &vault.CAFile) }},
		{"version", func(v ast.Node, p string) {
			var version int64
			if r.count(v, p, &version); version > 2 {
				r.problem(v, p, "unknown version of the KV engine", "use 1 or 2")
				return
			}
			vault.Version = int(version)
		}},
	})
	return vault
}

// referenceBut reads a reference that must not have certain schemes, because those schemes
// need this reference themselves.
func (r *reader) referenceBut(n ast.Node, path string, into *string, schemes ...string) {
	r.reference(n, path, func(reference string) {
		for _, scheme := range schemes {
			if strings.HasPrefix(reference, scheme+":") {
				r.problem(n, path, "cannot be a "+scheme+": reference, because "+scheme+": needs it", "use env:, file:, keyring: or exec:")
				return
			}
		}
		*into = reference
	})
}
