package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/params"
	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/spf13/cobra"
)

// execFlags are the flags of exec.
type execFlags struct {
	param             []string
	params            string
	all               bool
	limit             int
	selected, exclude []string
	record, intent    string
	stats             bool
}

func (a *app) execCommand() *cobra.Command {
	var f execFlags
	cmd := &cobra.Command{
		Use:   "exec CONNECTION ENTITY ACTION",
		Short: "Run an operation",
		Long: `Run an operation of a connection and print its result.

Parameters are given as -p key=value. The operation says what type a parameter has: a
string is taken as it is typed, everything else is JSON. For an array, a value is one
element, and the key may be repeated; a value in brackets is the whole array. Write
key:=JSON to give JSON whatever the type. --params takes all parameters as a JSON
object, from the argument, from a file (@file) or from standard input (-); -p wins.

A terminal gets a table and a pipe gets JSON. With --all and -o ndjson, json or yaml
records are written as they arrive, however many there are.`,
		Example: `  agenthost exec support issues get -p id=iss_1
  agenthost exec support issues create -p title='Login fails' -p body_html='<p>It does</p>' -p tags=bug -p tags=login
  agenthost exec support accounts list --all -o ndjson --select id,name
  echo '{"id": "iss_1"}' | agenthost exec support issues get --params -`,
		Args:              args(3, "CONNECTION", "ENTITY", "ACTION"),
		ValidArgsFunction: a.completeOperation,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			a.hurry()
			return a.open(cmd.Context(), func(h *host.Host) error {
				return a.exec(cmd.Context(), h, args, f)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.param, "param", "p", nil, "a parameter, `key=value` or key:=JSON; may be repeated")
	flags.StringVar(&f.params, "params", "", "all parameters as a `JSON` object; - reads standard input, @file a file")
	flags.BoolVar(&f.all, "all", false, "follow every page")
	flags.IntVar(&f.limit, "limit", 0, "how many records: of a page, or with --all in all")
	flags.StringSliceVar(&f.selected, "select", nil, "the only `fields` to keep, such as id,assignee.email")
	flags.StringSliceVar(&f.exclude, "exclude", nil, "`fields` to drop")
	flags.StringVar(&f.intent, "intent", "", "why, in a sentence; a hosted connection tells the Airbyte API for its records")
	flags.StringVar(&f.record, "record", "", "write the call, its requests and its result to a `file`, for agenthost replay")
	flags.BoolVar(&f.stats, "stats", false, "say on standard error what the call cost: time, requests, bytes, fuel, memory")
	_ = cmd.RegisterFlagCompletionFunc("param", a.completeParam)
	a.formatFlag(cmd, "`format`: json, ndjson, table or yaml", render.Formats()...)
	return cmd
}

// check refuses flags that contradict each other.
func (f *execFlags) check(cmd *cobra.Command) error {
	if len(f.selected) > 0 && len(f.exclude) > 0 {
		return &usageError{message: "--select and --exclude cannot be used together", hint: "leave one of them out"}
	}
	if f.all && f.record != "" {
		return &usageError{message: "--all and --record cannot be used together", hint: "record one page, and the next one with -p cursor=..."}
	}
	if cmd.Flags().Changed("limit") && f.limit < 1 {
		return &usageError{message: fmt.Sprintf("--limit is %d, and must be at least 1", f.limit), hint: "leave it out to get what the vendor gives"}
	}
	return nil
}

func (a *app) exec(ctx context.Context, h *host.Host, args []string, f execFlags) (err error) {
	connection, entity, action := args[0], args[1], args[2]
	call := host.Call{Entity: entity, Action: action, Select: f.selected, Exclude: f.exclude, Timeout: a.timeout, Intent: f.intent}
	operation, err := find(ctx, h, connection, entity, action)
	if err != nil {
		return err
	}
	if operation == nil {
		// The host knows the names and words the refusal; it sends nothing.
		_, err := h.Execute(ctx, connection, call)
		return err
	}
	if call.Params, err = a.readParams(operation, f); err != nil {
		return err
	}
	if err := a.consent(ctx, h, connection); err != nil {
		return err
	}
	var cost spent
	if f.stats {
		defer func() { err = errors.Join(err, a.stats(cost)) }()
	}
	w := render.New(a.stdout, a.resultStyle(f))
	if f.all {
		call.Limit = f.limit
		return a.pages(ctx, h, connection, call, w, &cost)
	}
	result, err := a.executeOnce(ctx, h, connection, call, f.record)
	if err != nil {
		return err
	}
	cost.add(result)
	if err := write(w, result); err != nil {
		return err
	}
	if a.tabular() {
		a.remark(result)
	}
	return nil
}

// find returns an operation of a connection, nil where there is no such connection or none
// of that name.
func find(ctx context.Context, h *host.Host, connection, entity, action string) (*host.Operation, error) {
	operations, err := h.Operations(ctx, connection)
	var unknown *host.Error
	if errors.As(err, &unknown) && unknown.Kind == abi.KindUnknownOperation {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for i := range operations {
		if operations[i].Entity == entity && operations[i].Action == action {
			return &operations[i], nil
		}
	}
	return nil, nil
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
	arguments := f.param
	if f.limit > 0 && !f.all {
		if params.Find(schema, "limit") == nil {
			return nil, &usageError{
				message: fmt.Sprintf("%s %s takes no limit", operation.Entity, operation.Action),
				hint:    "leave --limit out",
			}
		}
		arguments = append(arguments[:len(arguments):len(arguments)], fmt.Sprintf("limit=%d", f.limit))
	}
	parsed, err := params.Parse(schema, object, arguments)
	return parsed, asUsage(err)
}

// resultStyle is a table for a person and JSON for a program, unless -o says otherwise.
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

// write writes one result.
func write(w render.Writer, result *host.Result) error {
	if rawjson.KindOf(result.Data) != rawjson.Array {
		return w.Single(result.Data, result.Meta)
	}
	for record := range result.Records() {
		if err := w.Record(record); err != nil {
			return err
		}
	}
	return w.End(result.Meta)
}

// remark says below a table what the table cannot say.
func (a *app) remark(result *host.Result) {
	isList := rawjson.KindOf(result.Data) == rawjson.Array
	switch {
	case isList && rawjson.Count(result.Data) == 0:
		a.say("note", "no records")
	case result.HasMore && result.NextCursor != "":
		a.say("note", "there are more records; add --all, or -p "+params.Shell("cursor="+result.NextCursor))
	}
}
