package redact

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/agenthost/agenthost/host/secret"
)

// A secret is found wherever it stands, on both sides of where two pieces meet as well, and none
// of it is written.
//
// threat: N11
func TestCopyEndsBeforeASecret(t *testing.T) {
	t.Parallel()
	const token = "tok-5d1f0c-TOKEN_17+/="
	r := New(secret.New([]byte(token)))
	piece := window + stretch*len(token)
	for _, form := range []string{token, base64.StdEncoding.EncodeToString([]byte(token)), strings.ReplaceAll(token, "T", `\u0054`)} {
		for _, at := range []int{0, 100, piece - 40, piece - len(form), piece - len(form)/2, piece - 1, piece, piece + 1, piece + window - 3, 3 * piece} {
			text := append(bytes.Repeat([]byte{0xff}, at), form...)
			text = append(text, 0, 1, 2)
			var out bytes.Buffer
			n, err := r.Copy(t.Context(), &out, iotest.HalfReader(bytes.NewReader(text)))
			if !errors.Is(err, ErrSecret) || n != int64(out.Len()) || out.Len() > at || !bytes.Equal(out.Bytes(), text[:out.Len()]) {
				t.Errorf("%q at %d: %d bytes, %v", form, at, out.Len(), err)
			}
		}
	}
}

func TestCopy(t *testing.T) {
	t.Parallel()
	r := New(secret.New([]byte("tok-5d1f0c-TOKEN_17+/=")))
	for _, size := range []int{0, 1, window - 1, window, window + minTail, 3*window + 7} {
		text := bytes.Repeat([]byte("tok-5d1f0c-TOKEN_"), size/17+1)[:size]
		for name, r := range map[string]*Redactor{"a secret": r, "none": nil} {
			var out bytes.Buffer
			n, err := r.Copy(t.Context(), &out, iotest.OneByteReader(bytes.NewReader(text)))
			if err != nil || n != int64(size) || !bytes.Equal(out.Bytes(), text) {
				t.Errorf("%s, %d bytes: copied %d, %v", name, size, out.Len(), err)
			}
		}
	}
	// A body that breaks off is no end, whatever io.ReadFull would say of it.
	for _, broken := range []error{io.ErrUnexpectedEOF, io.ErrClosedPipe} {
		if _, err := r.Copy(t.Context(), io.Discard, io.MultiReader(strings.NewReader("x"), iotest.ErrReader(broken))); !errors.Is(err, broken) {
			t.Errorf("%v became %v", broken, err)
		}
	}
	full := errors.New("disk full")
	if _, err := r.Copy(t.Context(), failing{full}, strings.NewReader("x")); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Copy(ended, io.Discard, strings.NewReader(strings.Repeat("tok-", window))); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
