package sandbox

import (
	"bytes"
	"io"
	"strings"
	"unicode"

	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// maxLogLine is the length of the longest log line, in bytes.
const maxLogLine = 4096

// logBudget passes on a guest's log lines up to a limit.
type logBudget struct {
	make   func() hclog.Logger // nil drops the lines
	logger hclog.Logger        // made by out
	lines  int
	bytes  int64
	over   int // lines that were left out
}

func (b *logBudget) line(level hclog.Level, text []byte) {
	if len(text) > maxLogLine {
		text = text[:maxLogLine]
	}
	b.lines--
	b.bytes -= int64(len(text)) + 1
	if b.over > 0 || b.lines < 0 || b.bytes < 0 {
		b.over++
		return
	}
	b.out().Log(level, printable(text))
}

// end logs how many lines were left out.
func (b *logBudget) end() {
	if b.over > 0 {
		b.out().Warn("the connector logged too much; the rest of this call's lines are left out", "lines", b.over)
	}
}

func (b *logBudget) out() hclog.Logger {
	switch {
	case b.logger != nil:
	case b.make != nil:
		b.logger = b.make()
	default:
		b.logger = hclog.NewNullLogger()
	}
	return b.logger
}

// printable makes a guest's text safe for a terminal and for a line-based log.
func printable(text []byte) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || !unicode.IsGraphic(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(string(text), "\uFFFD"))
}

// level turns a level of the ABI into one of hclog.
func level(l int32) hclog.Level {
	switch l {
	case abi.LogTrace:
		return hclog.Trace
	case abi.LogDebug:
		return hclog.Debug
	case abi.LogWarn:
		return hclog.Warn
	case abi.LogError:
		return hclog.Error
	}
	return hclog.Info
}

// stdio is an instance's standard output or error. It logs the guest's lines for the running call.
type stdio struct {
	current *running
	partial []byte
}

// Write implements io.Writer and never fails, because a guest may print.
func (s *stdio) Write(p []byte) (int, error) {
	if s.current == nil {
		return len(p), nil
	}
	// One fd_write can name the same bytes many times over.
	s.current.work(32 + copied(len(p)))
	if s.current.logs.over > 0 {
		s.current.logs.over += bytes.Count(p, []byte{'\n'})
		return len(p), nil
	}
	for _, c := range p {
		if c == '\n' || len(s.partial) == maxLogLine {
			s.flush()
		}
		if c != '\n' {
			s.partial = append(s.partial, c)
		}
	}
	return len(p), nil
}

func (s *stdio) flush() {
	if s.current != nil && len(s.partial) > 0 {
		s.current.logs.line(hclog.Debug, s.partial)
	}
	s.partial = s.partial[:0]
}

// randomness is an instance's source of random bytes: the module's seed while it initialises, the
// host's afterwards. It returns them in pieces, so that a guest that asks for too many can be stopped.
type randomness struct {
	stdio  *stdio
	source io.Reader
}

// Read implements io.Reader.
func (r *randomness) Read(p []byte) (int, error) {
	const piece = 64 << 10
	if len(p) > piece {
		p = p[:piece]
	}
	if r.stdio.current != nil {
		// Making random bytes takes longer than copying them.
		r.stdio.current.work(int64(len(p)))
	}
	return r.source.Read(p)
}
