package agefile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"filippo.io/age"
	"github.com/agenthost/agenthost/host/secret/durable"
	"github.com/agenthost/agenthost/pdk/abi"
)

// CreateIdentity makes a new age identity in a file of mode 0600, which must not exist: an
// identity that is overwritten takes everything with it that it encrypted. A file that
// another process made in the meantime is left as it is.
//
// # Errors
//
// An *[abi.Error] of kind internal where the file cannot be written.
func CreateIdentity(ctx context.Context, path string) error {
	release, err := durable.Lock(ctx, path)
	if err != nil {
		return unwritable(path, err)
	}
	defer release()
	if _, err := os.Lstat(path); err == nil {
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return unwritable(path, err)
	}
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return (&abi.Error{Kind: abi.KindInternal, Message: "no identity can be made"}).WithCause(err)
	}
	// The public half is not written beside it: nobody needs it to use the file.
	text := fmt.Sprintf("# An age identity, made by agenthost. What it encrypts is lost with it: keep a copy.\n%s\n", identity)
	if err := (durable.Writer{}).Replace(path, []byte(text)); err != nil {
		return unwritable(path, err)
	}
	return nil
}
