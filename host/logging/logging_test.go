package logging_test

import (
	"bytes"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host/logging"
	"github.com/hashicorp/go-hclog"
)

// plain leaves the time out, so that the output is the same every time.
func plain(level slog.Level) *slog.HandlerOptions {
	return &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}
}

func ExampleFromSlog() {
	logger := logging.FromSlog(slog.New(slog.NewTextHandler(os.Stdout, plain(slog.LevelInfo))))
	// host.Open(ctx, host.Options{Logger: logger, ...})
	logger.Named("egress").With("connection", "support").Info("sent", "status", 200)
	logger.Debug("not this one")
	// Output: level=INFO msg=sent logger=egress connection=support status=200
}

func TestFromSlog(t *testing.T) {
	var out bytes.Buffer
	l := logging.FromSlog(slog.New(slog.NewTextHandler(&out, plain(slog.LevelWarn))))
	if l.IsInfo() || !l.IsWarn() || l.GetLevel() != hclog.Warn || l.With("a", 1).IsInfo() || l.Named("b").GetLevel() != hclog.Warn {
		t.Errorf("levels: %v", l.GetLevel())
	}
	l.Info("dropped")
	l.Warn("odd", "a", 1, "b")
	l.ResetNamed("x").Error("format", "took", hclog.Fmt("%d ms", 3))
	want := "level=WARN msg=odd a=1 EXTRA_VALUE_AT_END=b\nlevel=ERROR msg=format logger=x took=\"3 ms\"\n"
	if out.String() != want {
		t.Errorf("got %s\nwant %s", out.String(), want)
	}
}

func TestToSlog(t *testing.T) {
	var out bytes.Buffer
	l := logging.ToSlog(hclog.New(&hclog.LoggerOptions{Output: &out, Level: hclog.Info, DisableTime: true}))
	l.Debug("dropped")
	l.With("a", 1).WithGroup("g").Warn("line", "b", 2, slog.Group("h", "c", 3))
	if got := out.String(); !strings.Contains(got, "[WARN]  line: a=1 g.b=2 g.h.c=3") || strings.Contains(got, "dropped") {
		t.Error(got)
	}
	if l.Enabled(t.Context(), slog.LevelDebug) || !l.Enabled(t.Context(), slog.LevelInfo) {
		t.Error("levels")
	}
	off := logging.ToSlog(hclog.New(&hclog.LoggerOptions{Output: &out, Level: hclog.Off}))
	if off.Enabled(t.Context(), slog.LevelError) {
		t.Error("off is on")
	}
}
