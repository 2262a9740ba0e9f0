package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/params"
	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/internal/recording"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/spf13/cobra"
)

// execFlags holds the flags of exec.
type execFlags struct {
	param, paramFile  []string
	params            string
	all               bool
	limit             int
	selected, exclude []string
	record, intent    string
	outputFile        string
	stats, yes, plan  bool
	taped             func(*recording.Recording) error // gets the recording, if it is not nil
}

func (a *app) execCommand() *cobra.Command {
	var f execFlags
	cmd := &cobra.Command{
		Use:   "exec CONNECTION ENTITY ACTION",
		Short: "Run an operation",
		Long: `Run an operation of a connection and print its result.

Set a parameter with -p key=value. The operation defines the type of each parameter. A
string is used as typed; any other value is JSON. For an array, repeat the key for each
element, or write the whole array in brackets. Write key:=JSON to pass JSON for any type.
--params takes all parameters as a JSON object: as an argument, from a file (@file) or
from standard input (-). -p overrides --params. --param-file key=FILE takes the value of
one parameter from a file, with the same types as -p.

--plan shows what the call would send, and sends nothing: each request with its URL,
headers and body, and where the credential goes. It reads no secret. What an operation
asks for after an answer is not known, and not shown.

On a terminal, agenthost asks before it runs an operation that deletes. --yes skips the
question. An operation in allow.ask of the connection needs a yes for each call: at the
terminal, which shows the plan, or with agenthost ask approve.

The output is a table on a terminal, and JSON otherwise. -o raw writes the text or the
file of an operation that answers one, and nothing else. --output-file writes it to a new
file of any size up to limits.download_bytes, and prints its size and SHA-256. With --all and -o ndjson, json
or yaml, agenthost writes records as they arrive.`,
		Example: `  agenthost exec support issues get -p id=iss_1
  agenthost exec support issues create -p title='Login fails' -p body_html='<p>It does</p>' -p tags=bug -p tags=login
  agenthost exec support issues delete -p id=iss_1 --plan
  agenthost exec support accounts list --all -o ndjson --select id,name
  agenthost exec support reports download -p month=2026-01 -o raw > report.csv
  agenthost exec support recordings download -p id=rec_1 --output-file call.mp4
  agenthost exec support issues create -p title='Login fails' --param-file body_html=report.html
  echo '{"id": "iss_1"}' | agenthost exec support issues get --params -`,
		Args:              args(3, "CONNECTION", "ENTITY", "ACTION"),
		ValidArgsFunction: a.completeOperation,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			if f.outputFile != "" && a.format == rawFormat {
				return &usageError{message: "--output-file and -o raw cannot be used together", hint: "remove one of them"}
			}
			a.hurry()
			return a.open(cmd.Context(), func(h *host.Host) error {
				return a.exec(cmd.Context(), h, args, f)
			})
		},
	}
	f.paramFlags(a, cmd)
	flags := cmd.Flags()
	flags.BoolVar(&f.all, "all", false, "fetch all pages")
	flags.IntVar(&f.limit, "limit", 0, "largest number of records: per page, or with --all in total")
	flags.StringSliceVar(&f.selected, "select", nil, "`fields` to keep, such as id,assignee.email")
	flags.StringSliceVar(&f.exclude, "exclude", nil, "`fields` to drop")
	flags.StringVar(&f.intent, "intent", "", "the reason for the call, in a sentence; a hosted connection sends it to the Airbyte API")
	flags.StringVar(&f.record, "record", "", "write the call, its requests and its result to a `file` for agenthost replay")
	flags.StringVar(&f.outputFile, "output-file", "", "write the file that the operation answers to a new `file`")
	flags.BoolVar(&f.yes, "yes", false, "run an operation that deletes without asking")
	flags.BoolVar(&f.plan, "plan", false, "show what the call would send, and send nothing")
	flags.BoolVar(&f.stats, "stats", false, "print the cost of the call to standard error: time, requests, bytes, fuel, memory")
	_ = cmd.RegisterFlagCompletionFunc("select", a.completeFieldPaths)
	_ = cmd.RegisterFlagCompletionFunc("exclude", a.completeFieldPaths)
	a.formatFlag(cmd, "`format`: json, ndjson, table, yaml or raw", append(render.Formats(), rawFormat)...)
	return cmd
}

// paramFlags adds the flags for parameters.
func (f *execFlags) paramFlags(a *app, cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.param, "param", "p", nil, "a parameter, `key=value` or key:=JSON (repeatable)")
	flags.StringArrayVar(&f.paramFile, "param-file", nil, "a parameter from a file, `key=FILE` or key:=FILE; - reads standard input (repeatable)")
	flags.StringVar(&f.params, "params", "", "all parameters as a `JSON` object; - reads standard input, @file reads a file")
	_ = cmd.RegisterFlagCompletionFunc("param", a.completeParam)
	_ = cmd.RegisterFlagCompletionFunc("param-file", a.completeParamFile)
}

// check rejects flags that contradict each other.
func (f *execFlags) check(cmd *cobra.Command) error {
	if len(f.selected) > 0 && len(f.exclude) > 0 {
		return &usageError{message: "--select and --exclude cannot be used together", hint: "remove one of them"}
	}
	if f.all && f.record != "" {
		return &usageError{message: "--all and --record cannot be used together", hint: "record one page at a time; -p cursor=... selects the next one"}
	}
	if f.outputFile != "" && (f.all || f.record != "") {
		return &usageError{message: "--output-file cannot be used together with --all or --record", hint: "remove the others"}
	}
	if f.plan && (f.all || f.record != "" || f.outputFile != "" || f.stats) {
		return &usageError{message: "--plan cannot be used together with --all, --record, --output-file or --stats", hint: "remove the others"}
	}
	if cmd.Flags().Changed("limit") && f.limit < 1 {
		return &usageError{message: fmt.Sprintf("--limit is %d, but must be at least 1", f.limit), hint: "leave it out to use the vendor's default"}
	}
	return nil
}

func (a *app) exec(ctx context.Context, h *host.Host, args []string, f execFlags) (err error) {
	connection, entity, action := args[0], args[1], args[2]
	call := host.Call{Entity: entity, Action: action, Select: f.selected, Exclude: f.exclude, Timeout: a.timeout, Intent: f.intent}
	operation, err := find(ctx, h, connection, entity, action)
	if err != nil {
		return h.Refuse(ctx, connection, call, err)
	}
	if operation == nil {
		// Execute returns an error that suggests the nearest names. It sends nothing.
		_, err := h.Execute(ctx, connection, call)
		return err
	}
	if a.format == rawFormat {
		if err := checkRaw(operation); err != nil {
			return h.Refuse(ctx, connection, call, err)
		}
	}
	if f.outputFile != "" {
		if err := checkOutputFile(operation); err != nil {
			return h.Refuse(ctx, connection, call, err)
		}
	}
	if err := a.consent(ctx, h, connection); err != nil {
		_ = h.Refuse(ctx, connection, call, err) // for the audit file; the user knows why
		return err
	}
	if call.Params, err = a.readParams(operation, f); err != nil {
		return h.Refuse(ctx, connection, host.Call{Entity: entity, Action: action}, err)
	}
	if f.plan {
		return a.plan(ctx, h, connection, call)
	}
	if operation.Ask != "" {
		if a.interactive() {
			call.Confirm = a.confirmPlan
		}
	} else if operation.Effect == abi.EffectDelete && operation.Allowed && !f.yes {
		what := fmt.Sprintf("%s.%s of connection %s deletes. Its parameters are %.300s. Run it?", entity, action, connection, call.Params)
		if err := a.confirm(what); err != nil {
			return h.Refuse(ctx, connection, host.Call{Entity: entity, Action: action}, err)
		}
	}
	var cost spent
	if f.stats {
		defer func() { err = errors.Join(err, a.stats(cost)) }()
	}
	var file *outputFile
	if f.outputFile != "" {
		if file, err = createOutput(f.outputFile); err != nil {
			return h.Refuse(ctx, connection, host.Call{Entity: entity, Action: action}, err)
		}
		defer file.discard()
		call.Output = file
	}
	w := render.New(a.stdout, a.resultStyle(f))
	if f.all {
		call.Limit = f.limit
		return a.pages(ctx, h, connection, call, w, &cost)
	}
	result, err := a.executeOnce(ctx, h, connection, call, &f)
	if err != nil {
		return err
	}
	cost.add(result)
	if file != nil {
		if err := file.keep(); err != nil {
			return err
		}
	}
	if a.format == rawFormat {
		return a.writeContent(result.Data)
	}
	if err := render.Write(w, result.Data, result.Meta, result.Records()); err != nil {
		return err
	}
	a.remarkColumns(w)
	if a.tabular() {
		a.remark(result)
	}
	if action == airbyteapi.ActionSearch && (a.tabular() || a.format == string(render.NDJSON)) {
		a.remarkCopies(result.Meta)
	}
	if result.Stopped != nil {
		return result.Stopped
	}
	return nil
}

// find returns an operation of a connection. It returns nil if the connection or the
// operation does not exist.
func find(ctx context.Context, h *host.Host, connection, entity, action string) (*host.Operation, error) {
	operation, err := h.Operation(ctx, connection, entity, action)
	var unknown *host.Error
	if errors.As(err, &unknown) && unknown.Kind == abi.KindUnknownOperation {
		return nil, nil
	}
	return operation, err
}

// readParams reads the parameters from the flags and standard input.
func (a *app) readParams(operation *host.Operation, f execFlags) (json.RawMessage, error) {
	schema, err := params.Describe(operation.Params)
	if err != nil {
		return nil, err
	}
	object, err := a.paramsText(f.params)
	if err != nil {
		return nil, err
	}
	arguments, err := a.paramFiles(f)
	if err != nil {
		return nil, err
	}
	arguments = slices.Concat(f.param, arguments)
	if f.limit > 0 && !f.all {
		if params.Find(schema, "limit") == nil {
			return nil, &usageError{
				message: fmt.Sprintf("%s %s has no parameter limit", operation.Entity, operation.Action),
				hint:    "remove --limit",
			}
		}
		arguments = append(arguments, fmt.Sprintf("limit=%d", f.limit))
	}
	parsed, err := params.Parse(schema, object, arguments)
	return parsed, asUsage(err)
}

// resultStyle returns the output options: the format of -o, or else a table for a terminal
// and JSON for a program.
func (a *app) resultStyle(f execFlags) render.Options {
	o := a.style(render.Format(a.format))
	if o.Format == "" {
		o.Format = render.JSON
		if o.Terminal {
			o.Format = render.Table
		}
	}
	o.Fields = f.selected
	return o
}

func (a *app) tabular() bool {
	return a.format == string(render.Table) || a.format == "" && a.out.terminal
}

// remark writes a note below a table: that it is empty, or that more records exist.
func (a *app) remark(result *host.Result) {
	isList := rawjson.KindOf(result.Data) == rawjson.Array
	switch {
	case isList && rawjson.Count(result.Data) == 0:
		a.say("note", "no records")
	case result.HasMore && result.NextCursor != "":
		a.say("note", "more records exist; add --all, or -p "+params.Shell("cursor="+result.NextCursor))
	}
}

// remarkCopies writes what the meta of a search says, where that is not shown.
func (a *app) remarkCopies(raw json.RawMessage) {
	meta := struct {
		Complete bool     `json:"complete"`
		Notes    []string `json:"notes"`
	}{Complete: true}
	if len(raw) == 0 || json.Unmarshal(raw, &meta) != nil {
		return
	}
	if !meta.Complete {
		a.say("note", "not all records are copied yet")
	}
	for _, note := range meta.Notes {
		a.say("note", render.Visible(note))
	}
}

// remarkColumns writes a note below a table that does not show all fields.
func (a *app) remarkColumns(w render.Writer) {
	const listed = 8
	names := render.Hidden(w)
	if len(names) == 0 {
		return
	}
	more, noun := "", "columns"
	if len(names) == 1 {
		noun = "column"
	}
	if extra := len(names) - listed; extra > 0 {
		more = fmt.Sprintf(" and %d more", extra)
	}
	a.say("note", fmt.Sprintf("%d %s not shown: %s%s; choose columns with --select, or add -o json", len(names), noun, clip(names[:min(listed, len(names))]), more))
}

// clip joins names, each of which has at most 40 characters in the result.
func clip(names []string) string {
	short := make([]string, len(names))
	for i, name := range names {
		short[i] = fmt.Sprintf("%.40s", name)
	}
	return strings.Join(short, ", ")
}

// asUsage turns an error about a malformed argument into a usage error.
func asUsage(err error) error {
	if errors.Is(err, params.ErrForm) {
		return &usageError{message: err.Error(), hint: "for example: -p id=iss_1"}
	}
	return err
}

// pages writes each page as it arrives and keeps none. The meta at the end is that of the
// last page.
func (a *app) pages(ctx context.Context, h *host.Host, connection string, call host.Call, w render.Writer, cost *spent) error {
	progress := a.progress()
	defer progress.Clear()
	var meta json.RawMessage
	seen := 0
	var stopped error
	for page, err := range h.Pages(ctx, connection, call) {
		if err != nil {
			stopped = err // the records before it are shown
			break
		}
		cost.add(page)
		if rawjson.KindOf(page.Data) != rawjson.Array {
			progress.Clear()
			return w.Single(page.Data, page.Meta)
		}
		if a.out.terminal {
			progress.Clear()
		}
		records := 0
		for record := range page.Records() {
			if err := w.Record(record); err != nil {
				return err
			}
			records++
		}
		meta, seen = page.Meta, seen+records
		progress.Page(records)
	}
	progress.Clear()
	if stopped != nil && seen == 0 {
		return stopped
	}
	if err := w.End(meta); err != nil {
		return err
	}
	a.remarkColumns(w)
	if a.tabular() && seen == 0 {
		a.say("note", "no records")
	}
	return stopped
}

// progress returns a progress line for standard error, or nil if that is not a terminal.
func (a *app) progress() *render.Progress {
	if !a.err.terminal {
		return nil
	}
	return &render.Progress{W: a.stderr, Now: a.now}
}

// statistics is the JSON output of --stats. Times are in milliseconds.
type statistics struct {
	Calls         int     `json:"calls"`
	TotalMS       float64 `json:"total_ms"`
	VendorMS      float64 `json:"vendor_ms"`
	GuestMS       float64 `json:"guest_ms"`
	HostMS        float64 `json:"host_ms"`
	Requests      int     `json:"requests"`
	BytesSent     int64   `json:"bytes_sent"`
	BytesReceived int64   `json:"bytes_received"`
	Fuel          int64   `json:"fuel"`
	GuestMemory   int64   `json:"guest_memory_bytes"`
}

// spent adds up the cost of calls.
type spent struct {
	calls int
	host.Stats
}

func (s *spent) add(result *host.Result) {
	s.calls++
	s.Stats = s.Stats.Add(result.Stats)
}

// stats writes the cost of calls to standard error: a line of JSON with -o json or ndjson,
// and a table otherwise.
func (a *app) stats(s spent) error {
	if s.calls == 0 {
		return nil
	}
	if a.format == string(render.JSON) || a.format == string(render.NDJSON) {
		line, err := marshal(map[string]statistics{"stats": {
			Calls:   s.calls,
			TotalMS: milliseconds(s.Duration), VendorMS: milliseconds(s.Vendor), GuestMS: milliseconds(s.Guest), HostMS: milliseconds(s.Host()),
			Requests: s.Requests, BytesSent: s.BytesSent, BytesReceived: s.BytesReceived,
			Fuel: s.Fuel, GuestMemory: s.GuestMemory,
		}})
		if err != nil {
			return err
		}
		return render.New(a.stderr, render.Options{Format: render.NDJSON, Terminal: true}).Record(line)
	}
	style := render.Options{Format: render.Table, Terminal: a.err.terminal, Width: a.err.width, Color: a.err.color}
	return render.Pairs(a.stderr, style, [][2]string{
		{"calls", strconv.Itoa(s.calls)},
		{"time", duration(s.Duration)},
		{"  vendor", duration(s.Vendor)},
		{"  guest", duration(s.Guest)},
		{"  host", duration(s.Host())},
		{"requests", strconv.Itoa(s.Requests)},
		{"sent", fmt.Sprintf("%d bytes", s.BytesSent)},
		{"received", fmt.Sprintf("%d bytes", s.BytesReceived)},
		{"fuel", strconv.FormatInt(s.Fuel, 10)},
		{"guest memory", fmt.Sprintf("%.1f MiB", float64(s.GuestMemory)/(1<<20))},
	})
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func duration(d time.Duration) string { return fmt.Sprintf("%.2f ms", milliseconds(d)) }
