package contextstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// keySuffix marks what says which key a file is sealed with: its mark, which tells nothing of the key. It is beside the
// file, so that a process with another key knows that before it takes the file for damaged.
const keySuffix = ".key"

// plainMark is that of files that are not sealed.
const plainMark = "plain"

// mostMark bounds what is read of a mark.
const mostMark = 100

// ours looks whether a file is sealed with the key of this process, or has no mark. The caller has the lock of the folder.
func (f *file) ours(mark string) error {
	r, err := os.Open(f.path + keySuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	text := make([]byte, mostMark)
	n, err := r.Read(text)
	if err := errors.Join(noEnd(err), r.Close()); err != nil {
		return err
	}
	there := strings.TrimSpace(string(text[:n]))
	switch {
	case there == mark || there != plainMark && !isMark(there): // what is no mark says nothing
		return nil
	case f.renews:
		return fmt.Errorf("%w: they are of a key that is used no more", ErrDamaged)
	case there == plainMark:
		return fmt.Errorf("%w: they are not sealed, and this agenthost has a key", ErrOtherKey)
	case mark == plainMark:
		return fmt.Errorf("%w: they are sealed, and this agenthost has no key", ErrOtherKey)
	}
	return ErrOtherKey
}

func isMark(text string) bool {
	return len(text) == 2*idBytes && strings.Trim(text, "0123456789abcdef") == ""
}

// mark says which key a file that is being made is sealed with.
func (f *file) mark(mark string) error {
	return os.WriteFile(f.path+keySuffix, []byte(mark+"\n"), 0o600)
}
