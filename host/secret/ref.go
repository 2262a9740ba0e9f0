package secret

import (
	"path/filepath"
	"strings"

	"github.com/agenthost/agenthost/internal/nearest"
	"github.com/agenthost/agenthost/pdk/abi"
)

// The schemes of references.
const (
	SchemeEnv  = "env"
	SchemeFile = "file"
)

// schemes lists them for error messages.
var schemes = []string{SchemeEnv, SchemeFile}

// refForms is the hint of every error about the form of a reference.
const refForms = "write env:NAME for an environment variable or file:/path for a file"

// Ref says where a secret is, and is itself no secret: env:PYLON_API_TOKEN. Get one
// from [ParseRef]; the zero Ref names nothing.
type Ref struct {
	scheme, name string
}

// ParseRef reads a reference: env:NAME, or file: and an absolute path.
//
// # Errors
//
// All are *[abi.Error] of kind invalid_params. None repeats s, because the usual
// mistake is to write the secret itself where the reference to it belongs.
func ParseRef(s string) (Ref, error) {
	scheme, name, ok := strings.Cut(s, ":")
	if !ok {
		if near := nearestScheme(s); near != "" {
			return Ref{}, badRef("the reference has nothing after its scheme", "write "+near+": and then the name")
		}
		return Ref{}, badRef("this is not a reference to a secret", refForms+"; a secret itself never stands in the configuration")
	}
	switch scheme {
	case SchemeEnv:
		if !validEnvName(name) {
			return Ref{}, badRef("env: is not followed by the name of an environment variable",
				"a name has letters, digits and underscores and does not start with a digit, as in env:PYLON_API_TOKEN")
		}
		return Ref{scheme, name}, nil
	case SchemeFile:
		if !filepath.IsAbs(name) || strings.ContainsRune(name, 0) {
			return Ref{}, badRef("file: is not followed by an absolute path", "write the whole path, as in file:/run/secrets/pylon")
		}
		return Ref{scheme, filepath.Clean(name)}, nil
	}
	if near := nearestScheme(scheme); near != "" {
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

func nearestScheme(s string) string {
	if len(s) > 12 {
		return ""
	}
	return nearest.Of(s, schemes)
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
