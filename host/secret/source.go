package secret

import "context"

// Source is a place that holds secrets, such as the environment. Read returns the
// secret that name stands for, which is what follows the colon of a reference.
//
// # Errors
//
// Read returns an *[abi.Error] of kind auth_failed if there is no such secret or it
// is empty. It names the reference and never holds a byte of the secret. Retryable says that
// the source may answer later: a secret that was read before is then used for 15 minutes.
//
// A Source may be used by several goroutines.
type Source interface {
	Read(ctx context.Context, name string) (Value, error)
}
