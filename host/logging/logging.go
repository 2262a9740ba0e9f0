// Package logging connects the two loggers that Go programs have: hclog, which the host
// takes, and log/slog. [FromSlog] makes host.Options.Logger of an slog logger; [ToSlog] hands
// the host's logger to a library that wants slog.
package logging

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/hashicorp/go-hclog"
)

// levelTrace is below slog's own levels, as far as those are apart.
const levelTrace = slog.LevelDebug - 4

func slogLevel(l hclog.Level) slog.Level {
	switch l {
	case hclog.Trace:
		return levelTrace
	case hclog.Debug:
		return slog.LevelDebug
	case hclog.Warn:
		return slog.LevelWarn
	case hclog.Error:
		return slog.LevelError
	}
	return slog.LevelInfo
}

func hclogLevel(l slog.Level) hclog.Level {
	switch {
	case l < slog.LevelDebug:
		return hclog.Trace
	case l < slog.LevelInfo:
		return hclog.Debug
	case l < slog.LevelWarn:
		return hclog.Info
	case l < slog.LevelError:
		return hclog.Warn
	}
	return hclog.Error
}

// ToSlog returns an slog logger that writes to an hclog logger. Groups become prefixes of
// the names of attributes, with a dot.
func ToSlog(to hclog.Logger) *slog.Logger { return slog.New(&handler{to: to}) }

// handler is an [slog.Handler] over hclog.
type handler struct {
	to     hclog.Logger
	prefix string
}

func (h *handler) Enabled(_ context.Context, l slog.Level) bool {
	level := h.to.GetLevel()
	return level != hclog.Off && hclogLevel(l) >= level
}

func (h *handler) Handle(_ context.Context, r slog.Record) error {
	var args []any
	r.Attrs(func(a slog.Attr) bool {
		args = appendAttr(args, h.prefix, a)
		return true
	})
	h.to.Log(hclogLevel(r.Level), r.Message, args...)
	return nil
}

func appendAttr(args []any, prefix string, a slog.Attr) []any {
	value := a.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, member := range value.Group() {
			args = appendAttr(args, prefix, member)
		}
		return args
	}
	if a.Equal(slog.Attr{}) {
		return args
	}
	return append(args, prefix+a.Key, value.Any())
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	var args []any
	for _, a := range attrs {
		args = appendAttr(args, h.prefix, a)
	}
	return &handler{h.to.With(args...), h.prefix}
}

func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return &handler{h.to, h.prefix + name + "."}
}

// FromSlog returns an hclog logger that writes to an slog logger, for
// host.Options.Logger. The names of the host's parts are the attribute "logger". Levels are
// those of the slog logger: setting another one on what FromSlog returns has no effect.
func FromSlog(to *slog.Logger) hclog.Logger {
	// The interceptor's own output is off; its sink gets every line of any level.
	l := hclog.NewInterceptLogger(&hclog.LoggerOptions{Level: hclog.Off, Output: discard{}})
	l.RegisterSink(sink{to})
	return leveled{l, to}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// sink takes the lines of an hclog logger.
type sink struct{ to *slog.Logger }

func (s sink) Accept(name string, level hclog.Level, msg string, args ...any) {
	attrs := make([]any, 0, len(args)+2)
	if name != "" {
		attrs = append(attrs, "logger", name)
	}
	// Hclog takes an odd number of arguments, with the last one for a value without a name.
	if len(args)%2 == 1 {
		args = slices.Insert(slices.Clone(args), len(args)-1, any(hclog.MissingKey))
	}
	for i := 0; i < len(args); i += 2 {
		value := args[i+1]
		if f, ok := value.(hclog.Format); ok {
			value = format(f)
		}
		attrs = append(attrs, fmt.Sprint(args[i]), value)
	}
	s.to.Log(context.Background(), slogLevel(level), msg, attrs...)
}

func format(f hclog.Format) string {
	if len(f) == 0 {
		return ""
	}
	pattern, ok := f[0].(string)
	if !ok {
		return strings.TrimSpace(fmt.Sprintln(f...))
	}
	return fmt.Sprintf(pattern, f[1:]...)
}

// leveled says which levels are on by asking the slog logger.
type leveled struct {
	hclog.InterceptLogger
	to *slog.Logger
}

func (l leveled) on(level slog.Level) bool { return l.to.Enabled(context.Background(), level) }

func (l leveled) IsTrace() bool { return l.on(levelTrace) }
func (l leveled) IsDebug() bool { return l.on(slog.LevelDebug) }
func (l leveled) IsInfo() bool  { return l.on(slog.LevelInfo) }
func (l leveled) IsWarn() bool  { return l.on(slog.LevelWarn) }
func (l leveled) IsError() bool { return l.on(slog.LevelError) }

func (l leveled) GetLevel() hclog.Level {
	for level := hclog.Trace; level <= hclog.Error; level++ {
		if l.on(slogLevel(level)) {
			return level
		}
	}
	return hclog.Off
}

// Named and With keep the levels, which the embedded logger's would lose.
func (l leveled) Named(name string) hclog.Logger {
	return leveled{l.InterceptLogger.NamedIntercept(name), l.to}
}

func (l leveled) ResetNamed(name string) hclog.Logger {
	return leveled{l.InterceptLogger.ResetNamedIntercept(name), l.to}
}

func (l leveled) With(args ...any) hclog.Logger {
	if with, ok := l.InterceptLogger.With(args...).(hclog.InterceptLogger); ok {
		return leveled{with, l.to}
	}
	return l
}
