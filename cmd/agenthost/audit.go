package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"time"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/spf13/cobra"
)

// auditFlags holds the flags of audit.
type auditFlags struct {
	file   string
	filter audit.Filter
	since  string
	until  string
	last   int
	follow bool
	// unfinished selects calls that began and did not end.
	unfinished bool
}

func (a *app) auditCommand() *cobra.Command {
	var f auditFlags
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Print the records of calls",
		Long: `Print the records of the audit file and of its rotated files. Each call has a record: who
made the call, what agenthost decided, what it sent and how the call ended. A record has
names, sizes and numbers, but no values of parameters and no data from the vendor.

The configuration names the file:

  audit: {file: ./audit.jsonl, max_size: 50MB, keep: 10}`,
		Example: `  agenthost audit -n 20
  agenthost audit --denied --since 24h
  agenthost audit --since 2026-01-31T12:00:00Z --until 2026-01-31T13:00:00Z
  agenthost audit --connection support --kind vendor_error -o ndjson
  agenthost audit -f --caller ada`,
		Args: args(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.audit(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.file, "file", "", "audit `file` to read instead of the one in the configuration")
	flags.StringVar(&f.filter.Connection, "connection", "", "only calls of the connection with this `name`")
	flags.StringVar(&f.filter.Operation, "operation", "", "only calls of this `entity.action`; entity.* matches all actions")
	flags.StringVar(&f.filter.Caller, "caller", "", "only calls by the caller with this `name`")
	flags.StringVar(&f.filter.Outcome, "kind", "", "only calls with this outcome: ok, or the `kind` of an error, such as vendor_error")
	flags.BoolVar(&f.filter.Denied, "denied", false, "only calls that policy denied, or that had a request denied")
	flags.StringVar(&f.since, "since", "", "only calls since this `time`, such as 2026-01-31T12:00:00Z, or 1h for an hour ago")
	flags.StringVar(&f.until, "until", "", "only calls before this `time`, written as for --since")
	flags.IntVarP(&f.last, "lines", "n", 0, "only the last `number` of records")
	flags.BoolVarP(&f.follow, "follow", "f", false, "keep printing new records until interrupted")
	flags.BoolVar(&f.unfinished, "unfinished", false, "only calls without an end: still running, or their process was killed")
	_ = cmd.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions(outcomes(), cobra.ShellCompDirectiveNoFileComp))
	a.formatFlag(cmd, "`format`: table, json or ndjson", string(render.Table), string(render.JSON), string(render.NDJSON))
	return cmd
}

// outcomes returns the possible outcomes of a call.
func outcomes() []string {
	all := []string{audit.Ok}
	for _, kind := range abi.Kinds() {
		all = append(all, string(kind))
	}
	return all
}

// check rejects flags that contradict each other, and parses --since and --until.
func (f *auditFlags) check(a *app) error {
	if kind := f.filter.Outcome; kind != "" && kind != audit.Ok && abi.Kind(kind).Known() != abi.Kind(kind) {
		return &usageError{message: fmt.Sprintf("--kind is %q, which is not an outcome", kind), hint: fault.Hint(kind, outcomes())}
	}
	if f.last < 0 {
		return &usageError{message: fmt.Sprintf("--lines is %d, but must be at least 1", f.last), hint: "leave it out to print all records"}
	}
	if f.follow && a.format == string(render.JSON) {
		return &usageError{message: "--follow and -o json cannot be used together", hint: "use -o ndjson, which writes one record per line"}
	}
	if f.unfinished && (f.follow || f.filter.Outcome != "" || f.filter.Denied || f.last > 0) {
		return &usageError{message: "--unfinished cannot be used together with --follow, --kind, --denied or --lines", hint: "an unfinished call has no kind; remove one of them"}
	}
	if f.follow && f.until != "" {
		return &usageError{message: "--follow and --until cannot be used together", hint: "remove one of them"}
	}
	now := a.now()
	var err error
	if f.filter.Since, err = moment("--since", f.since, now); err != nil {
		return err
	}
	if f.filter.Until, err = moment("--until", f.until, now); err != nil {
		return err
	}
	if f.since != "" && f.until != "" && !f.filter.Since.Before(f.filter.Until) {
		return &usageError{message: fmt.Sprintf("--since %s is not before --until %s", f.since, f.until), hint: "--since must be the earlier time"}
	}
	return nil
}

// moment parses a flag that is a time or a duration before now. Empty means the zero time.
func moment(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	ago, err := time.ParseDuration(text)
	if err != nil || ago < 0 {
		return time.Time{}, &usageError{message: fmt.Sprintf("%s is %q, which is neither a time nor a duration", flag, text), hint: "write a time such as 2026-01-31T12:00:00Z, or a duration such as 90m or 24h"}
	}
	return now.Add(-ago), nil
}

func (a *app) audit(ctx context.Context, f auditFlags) error {
	if err := f.check(a); err != nil {
		return err
	}
	if f.file == "" {
		c, _, err := a.loadConfig()
		if err != nil {
			return err
		}
		if f.file = c.Audit.File; f.file == "" {
			return &usageError{message: "the audit file is not set", hint: "add audit: {file: ./audit.jsonl} to agenthost.yaml, or add --file FILE"}
		}
	}
	p := &trailPrinter{app: a, format: render.Format(a.format)}
	if p.format == "" {
		p.format = render.NDJSON
		if a.out.terminal {
			p.format = render.Table
		}
	}
	style := a.style(p.format)
	style.Fields = []string{"time", "caller", "connection", "operation", "outcome", "status", "requests", "ms", "rule"}
	p.w = render.New(a.stdout, style)
	// Follow starts at the current end of the file. Scan may read past that end, so remember
	// what it printed.
	var later iter.Seq2[*audit.Record, error]
	if f.follow {
		p.printed = make(map[string]bool)
		later = audit.Follow(ctx, f.file, f.filter)
	}
	records := audit.Scan(f.file, f.filter)
	switch {
	case f.unfinished:
		records = audit.Unfinished(f.file, f.filter)
	case f.last > 0:
		records = audit.Last(f.file, f.filter, f.last)
	}
	if err := p.print(records, false); err != nil && !(f.follow && errors.Is(err, os.ErrNotExist)) {
		return notReadable(err)
	}
	if !f.follow {
		return p.w.End(nil)
	}
	return notReadable(p.print(later, true))
}

func notReadable(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return &usageError{message: err.Error(), hint: "the first call makes the file; --file reads another one"}
	}
	return err
}

// trailPrinter prints records.
type trailPrinter struct {
	app    *app
	format render.Format
	w      render.Writer
	bad    int
	// printed has the ids of printed records. It is nil if no record can come twice.
	printed map[string]bool
}

func (p *trailPrinter) print(records iter.Seq2[*audit.Record, error], now bool) error {
	for r, err := range records {
		var bad *audit.LineError
		switch {
		case errors.As(err, &bad):
			p.skipped(bad)
			continue
		case err != nil:
			return err
		case now && p.printed[r.ID]:
			continue
		case !now && p.printed != nil:
			p.printed[r.ID] = true
		}
		row, err := p.row(r)
		if err == nil {
			err = p.w.Record(row)
		}
		if err == nil && now {
			err = p.w.End(nil) // a table waits for records to choose its columns
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// skipped reports lines that are not records. It stops after a few.
func (p *trailPrinter) skipped(bad *audit.LineError) {
	const enough = 5
	switch p.bad++; {
	case p.bad < enough:
		p.app.say("note", "skipped: "+bad.Error())
	case p.bad == enough:
		p.app.say("note", "skipped: "+bad.Error()+"; agenthost will not report further ones")
	}
}

// summary is a record in a table.
type summary struct {
	Time       string `json:"time"`
	Caller     string `json:"caller"`
	Connection string `json:"connection"`
	Operation  string `json:"operation"`
	Outcome    string `json:"outcome"`
	Status     string `json:"status"`
	Requests   int    `json:"requests"`
	MS         string `json:"ms"`
	Rule       string `json:"rule"`
}

func (p *trailPrinter) row(r *audit.Record) (json.RawMessage, error) {
	if p.format != render.Table {
		return json.Marshal(r)
	}
	s := summary{
		Time: r.Time.Local().Format("Jan 02 15:04:05"), Caller: r.Caller, Connection: r.Connection, Operation: r.Operation(),
		Outcome: r.Outcome, MS: fmt.Sprintf("%.1f", milliseconds(r.Duration)),
	}
	if r.Event == audit.EventStart {
		s.Outcome, s.MS = "(no end)", ""
	}
	if r.Via != "execute" {
		s.Operation += " (" + string(r.Via) + ")"
	}
	if r.Decision != nil && !r.Decision.Allowed {
		s.Rule = r.Decision.Rule
	}
	for _, q := range r.Requests {
		if q.Attempt > 0 {
			s.Requests++
		}
		if q.Status > 0 {
			s.Status = fmt.Sprint(q.Status)
		}
		if q.Rule != "" {
			s.Rule = q.Rule
		}
	}
	s.Requests += r.MoreRequests
	return json.Marshal(s)
}
