// Package source reads the secrets that references name: from the environment, from files, and
// from further sources. It has what all sources share.
package source

import (
	"context"
	"io/fs"
	"maps"
	"os"
	"strings"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Options say where a [Resolver] reads. The zero value means the real environment and file
// system only.
type Options struct {
	// LookupEnv reads an environment variable; nil means os.LookupEnv.
	LookupEnv func(string) (string, bool)
	// OpenFile opens a file for reading; nil means the operating system's.
	OpenFile func(path string) (fs.File, error)
	// Sources are further sources, by scheme. One for env or file replaces the usual one.
	Sources map[string]secret.Source
}

// Resolver reads the secrets that references name, anew each time. It may be used by several
// goroutines.
type Resolver struct {
	sources map[string]secret.Source
}

// NewResolver returns a Resolver for the schemes env and file, and for those of o.Sources.
func NewResolver(o Options) *Resolver {
	if o.LookupEnv == nil {
		o.LookupEnv = os.LookupEnv
	}
	if o.OpenFile == nil {
		o.OpenFile = openFile
	}
	sources := map[string]secret.Source{
		"env":  envSource{o.LookupEnv},
		"file": fileSource{o.OpenFile},
	}
	maps.Copy(sources, o.Sources)
	return &Resolver{sources}
}

// Resolve reads the secret that ref names.
//
// # Errors
//
// An *[abi.Error] of kind auth_failed if the secret is missing, empty or cannot be
// read, and of kind timeout if ctx has ended.
func (r *Resolver) Resolve(ctx context.Context, ref secret.Ref) (secret.Value, error) {
	if err := ctx.Err(); err != nil {
		return secret.Value{}, fault.EndedWith(ctx, "the call ended before the host read its secret")
	}
	source, ok := r.sources[ref.Scheme()]
	switch {
	case ref.IsZero():
		return secret.Value{}, fault.Invalid("", "the reference to a secret is empty", "write env:NAME for an environment variable or file:/path for a file")
	case !ok:
		return secret.Value{}, Missing(ref, "the host has no "+ref.Scheme()+": source here", "use env: or file:, or configure the source", nil)
	}
	return source.Read(ctx, ref.Name())
}

// Missing is the error of a [secret.Source] that has no secret at ref: kind auth_failed. what
// says why and hint what to do, without a byte of any secret; cause is for logs, and may be nil.
func Missing(ref secret.Ref, what, hint string, cause error) *abi.Error {
	e := &abi.Error{Kind: abi.KindAuthFailed, Message: "no secret at " + ref.String() + ": " + what, Hint: hint}
	return e.WithCause(cause)
}

// Local reports whether all references are to environment variables and files.
func Local(references ...string) bool {
	for _, reference := range references {
		if scheme, _, _ := strings.Cut(reference, ":"); scheme != "env" && scheme != "file" {
			return false
		}
	}
	return true
}
