package secret

import (
	"context"
	"io/fs"
	"maps"
	"os"

	"github.com/agenthost/agenthost/pdk/abi"
)

// Source is a place that holds secrets, such as the environment. Read returns the
// secret that name stands for, which is what follows the colon of a reference.
//
// # Errors
//
// Read returns an *[abi.Error] of kind auth_failed where there is no such secret or it
// is empty. It names the reference and never holds a byte of the secret.
//
// A Source may be used by several goroutines.
type Source interface {
	Read(ctx context.Context, name string) (Value, error)
}

// Options say where a [Resolver] reads. The zero value means the real environment and
// the real file system, and no other place.
type Options struct {
	// LookupEnv reads an environment variable; nil means os.LookupEnv.
	LookupEnv func(string) (string, bool)
	// OpenFile opens a file for reading; nil means the operating system's.
	OpenFile func(path string) (fs.File, error)
	// Sources are further places, by scheme. One for env or file takes the place of
	// the usual one.
	Sources map[string]Source
}

// Resolver reads the secrets that references name. It may be used by several
// goroutines, and keeps nothing: a secret that has changed is read anew.
type Resolver struct {
	sources map[string]Source
}

// NewResolver returns a Resolver for the schemes env and file, and for those of o.Sources.
func NewResolver(o Options) *Resolver {
	if o.LookupEnv == nil {
		o.LookupEnv = os.LookupEnv
	}
	if o.OpenFile == nil {
		o.OpenFile = openFile
	}
	sources := map[string]Source{
		SchemeEnv:  envSource{o.LookupEnv},
		SchemeFile: fileSource{o.OpenFile},
	}
	maps.Copy(sources, o.Sources)
	return &Resolver{sources}
}

// Resolve reads the secret that ref names.
//
// # Errors
//
// An *[abi.Error] of kind auth_failed where the secret is missing, empty or cannot be
// read, and of kind timeout where ctx has ended.
func (r *Resolver) Resolve(ctx context.Context, ref Ref) (Value, error) {
	if err := ctx.Err(); err != nil {
		return Value{}, (&abi.Error{Kind: abi.KindTimeout, Message: "the call ended before its secret was read", Retryable: true}).WithCause(err)
	}
	source, ok := r.sources[ref.scheme]
	switch {
	case ref.IsZero():
		return Value{}, badRef("the reference to a secret is empty", refForms)
	case !ok:
		return Value{}, Missing(ref, "the host has no "+ref.scheme+": source here", "use env: or file:, or configure the source", nil)
	}
	return source.Read(ctx, ref.name)
}

// Missing is the error of a [Source] that has no secret at ref: kind auth_failed. What
// says why and hint what to do, both without a byte of any secret; cause is for logs, and
// may be nil.
func Missing(ref Ref, what, hint string, cause error) *abi.Error {
	e := &abi.Error{Kind: abi.KindAuthFailed, Message: "no secret at " + ref.String() + ": " + what, Hint: hint}
	return e.WithCause(cause)
}
