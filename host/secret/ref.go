package secret

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// builtin are the schemes of references that every program knows.
var builtin = []string{"env", "file", "keyring", "age", "exec", "vault"}

// refForms is the hint of every error about the form of a reference.
const refForms = "write env:NAME for an environment variable or file:/path for a file; keyring:, age:, exec: and vault: also work"

// Ref says where a secret is, and is itself no secret: env:PYLON_API_TOKEN. Get one
// from [ParseRef]; the zero Ref names nothing.
type Ref struct {
	scheme, name string
}

// ParseRef reads a reference. Schemes are those of sources of the program's own, whose names
// are one line of printable ASCII; the others are:
//
//	env:NAME                    an environment variable
//	file:/path                  a file, by its absolute path
//	keyring:SERVICE/ACCOUNT     an entry of the system's keyring; keyring:ACCOUNT is one of the service agenthost
//	age:NAME                    an entry of the encrypted file that agenthost secret writes
//	exec:HELPER:ITEM            what a configured helper prints for an item
//	vault:MOUNT/PATH#FIELD      a field of a secret in the KV engine of HashiCorp Vault or OpenBao
//
// # Errors
//
// All are *[abi.Error] of kind invalid_params. None repeats s, because the usual
// mistake is to write the secret itself where the reference to it belongs.
func ParseRef(s string, schemes ...string) (Ref, error) {
	scheme, name, ok := strings.Cut(s, ":")
	if !ok {
		if near := nearestScheme(s, schemes); near != "" {
			return Ref{}, badRef("the reference has nothing after its scheme", "write "+near+": and then the name")
		}
		return Ref{}, badRef("this is not a reference to a secret", refForms+"; the configuration must not have the secret itself")
	}
	switch scheme {
	case "env":
		if !validEnvName(name) {
			return Ref{}, badRef("env: needs the name of an environment variable",
				"a name has letters, digits and underscores and does not start with a digit, as in env:PYLON_API_TOKEN")
		}
		return Ref{scheme, name}, nil
	case "file":
		if !filepath.IsAbs(name) || strings.ContainsRune(name, 0) {
			return Ref{}, badRef("file: needs an absolute path", "write the whole path, as in file:/run/secrets/pylon")
		}
		return Ref{scheme, filepath.Clean(name)}, nil
	case "keyring":
		if service, account, both := strings.Cut(name, "/"); !validWords(service) || both && !validWords(account) {
			return Ref{}, badRef("keyring: needs the name of an entry", "write keyring:ACCOUNT, or keyring:SERVICE/ACCOUNT for an entry that another program made")
		}
		return Ref{scheme, name}, nil
	case "age":
		if !ValidName(name) {
			return Ref{}, badRef("age: needs the name of a secret", "a name has letters, digits, dots, dashes and underscores, as in age:pylon; agenthost secret list prints the names")
		}
		return Ref{scheme, name}, nil
	case "exec":
		helper, item, _ := strings.Cut(name, ":")
		if !ValidName(helper) || !validWords(item) || item[0] == '-' {
			return Ref{}, badRef("exec: needs a helper and an item", "write exec:HELPER:ITEM, as in exec:op:op://team/pylon/token; an item does not start with a dash")
		}
		return Ref{scheme, name}, nil
	case "vault":
		path, field, _ := strings.Cut(name, "#")
		if !validVaultPath(path) || !validWords(field) {
			return Ref{}, badRef("vault: needs the path of a secret and its field", "write vault:MOUNT/PATH#FIELD, as in vault:secret/pylon#api_token")
		}
		return Ref{scheme, name}, nil
	}
	if slices.Contains(schemes, scheme) {
		if !validWords(name) {
			return Ref{}, badRef(scheme+": needs the name of a secret", "a name is one line of at most 512 printable ASCII characters")
		}
		return Ref{scheme, name}, nil
	}
	if near := nearestScheme(scheme, schemes); near != "" {
		// The scheme is shown only where it resembles a real one: otherwise it may
		// be the first half of a secret.
		return Ref{}, badRef("unknown scheme "+scheme+": in the reference to a secret", "did you mean "+near+":?")
	}
	return Ref{}, badRef("unknown scheme in the reference to a secret", refForms)
}

// String returns the reference as it is written in a configuration.
func (r Ref) String() string {
	if r.scheme == "" {
		return ""
	}
	return r.scheme + ":" + r.name
}

// Scheme returns the part before the colon.
func (r Ref) Scheme() string { return r.scheme }

// Name returns the part after the colon.
func (r Ref) Name() string { return r.name }

// IsZero reports whether r names nothing.
func (r Ref) IsZero() bool { return r.scheme == "" }

func nearestScheme(s string, own []string) string {
	if len(s) > 12 {
		return ""
	}
	return fault.Nearest(s, slices.Concat(builtin, own))
}

func badRef(message, hint string) *abi.Error {
	return &abi.Error{Kind: abi.KindInvalidParams, Message: message, Hint: hint}
}

func validEnvName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// ValidName reports whether s can name a secret of a store of ours, or a helper: up to
// 128 letters, digits, dots, dashes and underscores, with a letter or a digit first. So a
// name is never a path, a pattern or an option, and looks like no other.
func ValidName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		letterOrDigit := c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9'
		if !letterOrDigit && (i == 0 || c != '.' && c != '-' && c != '_') {
			return false
		}
	}
	return s != "" && len(s) <= 128
}

// validWords reports whether s is one line of printable ASCII without space at its ends.
func validWords(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return s != "" && len(s) <= 512 && strings.TrimSpace(s) == s
}

// validVaultPath reports whether s is at least two plain segments, of which the first is
// where the engine is mounted.
func validVaultPath(s string) bool {
	segments := strings.Split(s, "/")
	return len(segments) > 1 && len(s) <= 512 && !slices.ContainsFunc(segments, func(segment string) bool { return !ValidName(segment) })
}
