package redact

import (
	"context"
	"errors"
	"io"
)

// ErrSecret is the error of [Redactor.Copy] for bytes that hold a secret.
var ErrSecret = errors.New("the bytes hold a secret")

const (
	// window is how many new bytes are searched at once.
	window = 256 << 10
	// A secret that takes more than stretch times its length, because of escapes within
	// escapes, is not found where two windows meet; nor is one that takes more than maxTail.
	stretch = 64
	minTail = 1 << 10
	maxTail = 256 << 10
)

// Copy copies bytes until the end of from, and returns how many it wrote. It changes none: a file
// with a gap in it is a broken file. At a secret it returns [ErrSecret], and has written no byte of
// the secret. A Redactor without secrets copies anything.
func (r *Redactor) Copy(ctx context.Context, to io.Writer, from io.Reader) (written int64, err error) {
	tail := 0
	if r != nil && r.tables != nil {
		tail = min(max(stretch*r.longest, minTail), maxTail)
	}
	b := make([]byte, 0, window+tail)
	for ended := false; !ended; {
		for len(b) < cap(b) && !ended {
			n, err := from.Read(b[len(b):cap(b)])
			b = b[:len(b)+n]
			if ended = err == io.EOF; err != nil && !ended {
				return written, err
			}
		}
		_, found, err := r.RedactContext(ctx, b)
		if err == nil {
			err = ctx.Err()
		}
		if found {
			err = ErrSecret
		}
		if err != nil {
			return written, err
		}
		// What may be the beginning of a secret waits for the rest of it.
		done := len(b)
		if !ended {
			done -= tail
		}
		n, err := to.Write(b[:done])
		written += int64(n)
		if err != nil {
			return written, err
		}
		b = b[:copy(b, b[done:])]
	}
	return written, nil
}
