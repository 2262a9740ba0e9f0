package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/table"
	"github.com/agenthost/agenthost/internal/yamlfile"
	"github.com/agenthost/agenthost/pdk/abi"
)

// report writes an error to standard error: what happened, then what to do. Messages
// start in lower case and end without a full stop. With -o json or ndjson, a line of JSON
// follows for programs.
func (a *app) report(err error) {
	if err == nil {
		return
	}
	var usage *usageError
	var configuration *config.Error
	var written *table.Error
	var public *abi.Error
	switch {
	case errors.As(err, &usage):
		a.complain(usage.message, usage.hint)
		public = &abi.Error{Kind: abi.KindInvalidParams, Message: usage.message, Hint: usage.hint}
	case errors.As(err, &configuration):
		for _, p := range configuration.Problems {
			a.complain(p.String(), p.Hint)
		}
		errors.As(err, &public)
	case errors.As(err, &written):
		problems, more := written.Listed()
		for _, p := range problems {
			a.complain(p.String(), p.Hint)
		}
		if more != "" {
			a.complain(more, "")
		}
		errors.As(err, &public)
	case errors.As(err, &public) && public.Kind == abi.KindInvalidParams && errors.Is(err, fault.ErrConfiguration):
		a.complain(a.placeOf(public.Field)+public.Message, public.Hint) // the kind would speak of parameters
	case errors.As(err, &public):
		a.complain(public.Error(), public.Hint)
		a.details(public)
	default:
		a.complain(err.Error(), "")
		public = &abi.Error{Kind: abi.KindInternal, Message: err.Error()}
	}
	if a.format == string(render.JSON) || a.format == string(render.NDJSON) {
		a.reportJSON(public)
	}
}

// placeOf says where the configuration has the setting of a connection, as far as its file can tell.
// It is empty for other settings.
func (a *app) placeOf(setting string) string {
	if !strings.HasPrefix(setting, "connections.") {
		return ""
	}
	file, line := a.configPath(), 0
	if data, err := readRegular(context.Background(), file, yamlfile.MaxSize); err == nil {
		line = yamlfile.Line(data, setting, yamlfile.Limits{Tokens: 40_000, Depth: 32})
	}
	if line == 0 {
		return setting + ": "
	}
	return fmt.Sprintf("%s:%d: %s: ", file, line, setting)
}

// details writes the other fields of a call's error.
func (a *app) details(e *abi.Error) {
	if e.Rule != "" {
		a.say("rule", e.Rule)
	}
	if folder, _ := a.lookupEnv("AGENTHOST_PLUGINS"); e.Kind == abi.KindUnknownOperation && e.Field == "connector" && folder != "" && a.plugins == "" {
		a.say("hint", "AGENTHOST_PLUGINS is set, and wins over plugins: in the configuration")
	}
	if e.RetryAfterMS > 0 {
		a.say("hint", "try again in "+e.RetryAfter().String())
	}
	if e.RequestID != "" {
		a.say("note", "the vendor's request id is "+e.RequestID)
	}
	if e.RequestSent && !fault.IsReading(e) && (e.Kind == abi.KindTimeout || e.Kind == abi.KindNetwork) {
		a.say("note", "the vendor may have received the request and made the change")
	}
}

func (a *app) complain(message, hint string) {
	a.say("error", message)
	if hint != "" {
		a.say("hint", hint)
	}
}

// say writes lines of the form "agenthost: what: text". The text may come from a vendor or a
// connector, so say escapes control characters.
func (a *app) say(what, text string) {
	if what == "error" && a.err.color {
		what = render.Red(what)
	}
	for line := range strings.SplitSeq(text, "\n") {
		fmt.Fprintf(a.stderr, "agenthost: %s: %s\n", what, render.Visible(line))
	}
}

func (a *app) reportJSON(e *abi.Error) {
	w := render.New(a.stderr, render.Options{Format: render.NDJSON, Terminal: true})
	line, err := marshal(map[string]*abi.Error{"error": e})
	if err == nil {
		err = w.Record(line)
	}
	if err != nil {
		a.say("error", err.Error())
	}
}

// safeLog escapes control characters in log lines, because connectors write some of them.
type safeLog struct{ w io.Writer }

func (l safeLog) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		if _, err := io.WriteString(l.w, render.Visible(strings.TrimSuffix(line, "\n"))+"\n"); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// The exit codes. They are part of the command's interface: scripts depend on them.
const (
	exitOK          = 0
	exitOther       = 1
	exitUsage       = 2
	exitParams      = 3
	exitAuth        = 4
	exitDenied      = 5
	exitNotFound    = 6
	exitRateLimited = 7
	exitVendor      = 8
	exitConnector   = 9
	exitNetwork     = 10
	exitInterrupted = 130 // what a shell reports after SIGINT
)

// exitCodes maps the kind of an error to an exit code.
var exitCodes = map[abi.Kind]int{
	abi.KindInvalidParams:    exitParams,
	abi.KindUnknownOperation: exitUsage,
	abi.KindAuthFailed:       exitAuth,
	abi.KindPermissionDenied: exitDenied,
	abi.KindNotFound:         exitNotFound,
	abi.KindConflict:         exitVendor,
	abi.KindRateLimited:      exitRateLimited,
	abi.KindVendorError:      exitVendor,
	abi.KindDenied:           exitDenied,
	abi.KindLimitExceeded:    exitConnector,
	abi.KindTimeout:          exitNetwork,
	abi.KindCancelled:        exitInterrupted,
	abi.KindConnectorFault:   exitConnector,
	abi.KindNetwork:          exitNetwork,
	abi.KindInternal:         exitOther,
}

// exitMeanings are the lines on exit codes in the help text.
var exitMeanings = []struct {
	code    int
	meaning string
}{
	{exitOK, "success"},
	{exitUsage, "wrong command line or configuration; unknown connection, entity or action"},
	{exitParams, "invalid parameters"},
	{exitAuth, "the vendor rejected the credential, or the credential is missing"},
	{exitDenied, "denied by policy, or by the vendor's permissions"},
	{exitNotFound, "not found at the vendor"},
	{exitRateLimited, "rate limited"},
	{exitVendor, "another error from the vendor"},
	{exitConnector, "the connector failed or reached a limit"},
	{exitNetwork, "network error or timeout"},
	{exitInterrupted, "interrupted or cancelled"},
	{exitOther, "another error; a replay differs from its recording; check --all found a failure"},
}

func exitCodesHelp() string {
	var b strings.Builder
	b.WriteString("Exit codes:\n")
	for _, line := range exitMeanings {
		fmt.Fprintf(&b, "  %3d  %s\n", line.code, line.meaning)
	}
	return strings.TrimRight(b.String(), "\n")
}

// usageError reports a mistake in the command line.
type usageError struct{ message, hint string }

func (e *usageError) Error() string { return e.message }

// exitCode returns the exit code for an error.
func exitCode(ctx context.Context, err error) int {
	if err == nil {
		return exitOK
	}
	if ctx.Err() != nil {
		return exitInterrupted
	}
	var usage *usageError
	var configuration *config.Error
	if errors.As(err, &usage) || errors.As(err, &configuration) || errors.Is(err, fault.ErrConfiguration) {
		return exitUsage
	}
	var public *abi.Error
	if errors.As(err, &public) {
		return exitCodes[public.Kind.Known()]
	}
	return exitOther
}
