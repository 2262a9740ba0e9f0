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
	"github.com/agenthost/agenthost/internal/nearest"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/spf13/cobra"
)

// auditFlags are the flags of audit.
type auditFlags struct {
	file   string
	filter audit.Filter
	since  string
	until  string
	last   int
	follow bool
}

func (a *app) auditCommand() *cobra.Command {
	var f auditFlags
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Print what was done: the records of calls",
		Long: `Print the records of the audit file, and of the files that it was rotated to: one for
each call, with who made it, what was decided, what was sent and how it ended. A record
holds names, sizes and numbers; it has no parameter's value and nothing of an answer.

The file is the one that the configuration names:

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
	flags.StringVar(&f.file, "file", "", "audit `file` to read instead of the configuration's")
	flags.StringVar(&f.filter.Connection, "connection", "", "only calls of this connection, by `name`")
	flags.StringVar(&f.filter.Operation, "operation", "", "only calls of this `entity.action`; entity.* stands for all of an entity")
	flags.StringVar(&f.filter.Caller, "caller", "", "only calls by this caller, by `name`")
	flags.StringVar(&f.filter.Outcome, "kind", "", "only calls that ended so: ok or the `kind` of an error, such as vendor_error")
	flags.BoolVar(&f.filter.Denied, "denied", false, "only calls that policy refused, or in which it refused a request")
	flags.StringVar(&f.since, "since", "", "only calls from then on: a `time` such as 2026-01-31T12:00:00Z, or how long ago, such as 1h")
	flags.StringVar(&f.until, "until", "", "only calls before then: a `time` or how long ago, as in --since")
	flags.IntVarP(&f.last, "lines", "n", 0, "only the last `number` of records")
	flags.BoolVarP(&f.follow, "follow", "f", false, "go on with records as they are written, until interrupted")
	_ = cmd.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions(outcomes(), cobra.ShellCompDirectiveNoFileComp))
	a.formatFlag(cmd, "`format`: table, json or ndjson", string(render.Table), string(render.JSON), string(render.NDJSON))
	return cmd
}

// outcomes are what a call can end with.
func outcomes() []string {
	all := []string{audit.Ok}
	for _, kind := range abi.Kinds() {
		all = append(all, string(kind))
	}
	return all
}

// check refuses flags that make no sense, and reads --since and --until.
func (f *auditFlags) check(a *app) error {
	if kind := f.filter.Outcome; kind != "" && kind != audit.Ok && abi.Kind(kind).Known() != abi.Kind(kind) {
		return &usageError{message: fmt.Sprintf("no call ends with the kind %q", kind), hint: nearest.Hint(kind, outcomes())}
	}
	if f.last < 0 {
		return &usageError{message: fmt.Sprintf("--lines is %d, and must be at least 1", f.last), hint: "leave it out to get all"}
	}
	if f.follow && a.format == string(render.JSON) {
		return &usageError{message: "--follow and -o json cannot be used together", hint: "use -o ndjson, which has one record a line"}
	}
	if f.follow && f.until != "" {
		return &usageError{message: "--follow and --until cannot be used together", hint: "leave one of them out"}
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
		return &usageError{message: fmt.Sprintf("no call comes since %s and until %s", f.since, f.until), hint: "--since is the earlier of the two"}
	}
	return nil
}

// moment reads a flag that is a time or how long ago; empty is the zero time.
func moment(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	ago, err := time.ParseDuration(text)
	if err != nil || ago < 0 {
		return time.Time{}, &usageError{message: fmt.Sprintf("%s is %q, which is neither a time nor how long ago", flag, text), hint: "write a time such as 2026-01-31T12:00:00Z, or a duration such as 90m or 24h"}
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
			return &usageError{message: "no audit file is named", hint: "add audit: {file: ./audit.jsonl} to agenthost.yaml, or say --file FILE"}
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
	// Follow starts at the end that the file has now, and what was written until Scan comes
	// there would be told of twice.
	var later iter.Seq2[*audit.Record, error]
	if f.follow {
		p.printed = make(map[string]bool)
		later = audit.Follow(ctx, f.file, f.filter)
	}
	records := audit.Scan(f.file, f.filter)
	if f.last > 0 {
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
		return &usageError{message: err.Error(), hint: "there is a file once a call was made; --file names another one"}
	}
	return err
}

// trailPrinter prints records.
type trailPrinter struct {
	app    *app
	format render.Format
	w      render.Writer
	bad    int
	// printed are the ids of the records so far; nil where none can come twice.
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
			err = p.w.End(nil) // a table waits for records to choose its columns by
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// skipped tells of lines that are no records, and stops telling after a few.
func (p *trailPrinter) skipped(bad *audit.LineError) {
	const enough = 5
	switch p.bad++; {
	case p.bad < enough:
		p.app.say("note", "skipped: "+bad.Error())
	case p.bad == enough:
		p.app.say("note", "skipped: "+bad.Error()+"; further ones are skipped without a note")
	}
}

// summary is a record as a row of a table.
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
	if r.Via != audit.ViaExecute {
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
