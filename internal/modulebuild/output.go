package modulebuild

import (
	"bytes"
	"fmt"
)

// MaxOutput is how much of what a compiler says is kept, in bytes.
const MaxOutput = 64 << 10

// output keeps the start and the end of what is written to it, and counts what was between them.
type output struct {
	most       int
	start, end []byte
	left       int
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	n, half := len(p), o.most/2
	if room := half - len(o.start); room > 0 {
		take := min(room, len(p))
		o.start, p = append(o.start, p[:take]...), p[take:]
	}
	if o.end = append(o.end, p...); len(o.end) > half {
		over := len(o.end) - half
		o.left += over
		o.end = append(o.end[:0], o.end[over:]...)
	}
	return n, nil
}

// bytes is what was kept, with a line in place of the rest.
func (o *output) bytes() []byte {
	if o.left == 0 {
		return append(bytes.Clone(o.start), o.end...)
	}
	return fmt.Appendf(bytes.Clone(o.start), "\n... %d bytes are left out ...\n%s", o.left, o.end)
}
