package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/params"
	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/contextstore"
	"github.com/agenthost/agenthost/internal/contextstore/copies"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// Options configure the demo.
type Options struct {
	// Plugins is the folder with the modules of pylon, ashby, incident-io and overreach.
	Plugins string
	Out     io.Writer
	Style   render.Options
	Logger  hclog.Logger
	Now     func() time.Time
	// OnCompile is host.Options.OnCompile.
	OnCompile func(connector string)
}

// story is one run of the demo.
type story struct {
	o       Options
	h       *host.Host
	copies  *copies.Copies
	vendors *vendors
	vendor  *vendor // the vendor of most steps
	out     *recorder
	steps   int
}

// recorder keeps all output, so that the last step can search it for tokens.
type recorder struct {
	w    io.Writer
	kept bytes.Buffer
}

func (r *recorder) Write(p []byte) (int, error) {
	r.kept.Write(p)
	return r.w.Write(p)
}

// Run runs and checks every step. The error names the step that failed.
func Run(ctx context.Context, o Options) (err error) {
	v, err := startVendors(ctx, o)
	if err != nil {
		return err
	}
	defer v.close(ctx)
	folder, err := os.MkdirTemp("", "agenthost-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for copies of records: %w", err)
	}
	defer os.RemoveAll(folder)
	files, err := contextstore.OpenFiles(folder, o.Now, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, files.Close()) }() //nolint:contextcheck // what is written ends with the folder
	copied := copies.New(copies.Options{Store: files, Now: o.Now, Log: o.Logger})
	defer func() { err = errors.Join(err, copied.Close()) }()
	h, err := host.Open(ctx, host.Options{
		Plugins:     o.Plugins,
		Connections: v.connections(),
		Logger:      o.Logger,
		LookupEnv:   v.lookupEnv,
		OnCompile:   o.OnCompile,
		Copies:      copied,
	})
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := h.Close(context.WithoutCancel(ctx)); err == nil {
			err = closeErr
		}
	}()
	s := &story{o: o, h: h, copies: copied, vendors: v, vendor: v.pylon, out: &recorder{w: o.Out}}
	fmt.Fprintf(s.out, "A simulated Pylon is at %s, an Ashby at %s and an incident.io at %s. Only the host has their keys.\n"+
		"A simulated Airbyte API, at %s, can keep keys for it.\n", v.pylon.URL, v.ashby.URL, v.incidentIO.URL, v.airbyte.URL)
	for _, chapter := range []func(context.Context) error{s.connectors, s.reading, s.writing, s.searching, s.others, s.hosted, s.refusals, s.secrets} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	fmt.Fprintf(s.out, "\nAll %d steps passed.\n", s.steps)
	return nil
}

// step writes a heading and the equivalent command line.
func (s *story) step(title string, command ...string) {
	s.steps++
	heading := fmt.Sprintf("%d. %s", s.steps, title)
	if s.o.Style.Color {
		heading = render.Bold(heading)
	}
	fmt.Fprintf(s.out, "\n%s\n", heading)
	if len(command) > 0 {
		fmt.Fprintf(s.out, "$ %s\n", shellLine(command))
	}
}

// shellLine returns the command line for some arguments.
func shellLine(arguments []string) string {
	words := []string{"agenthost"}
	for _, argument := range arguments {
		words = append(words, params.Shell(argument))
	}
	return strings.Join(words, " ")
}

// expect returns an error for the step if ok is false.
func (s *story) expect(ok bool, format string, values ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf("demo, step %d: "+format, append([]any{s.steps}, values...)...)
}

// everything is a connection without restrictions.
const everything = "support"

// exec shows the command line of a call, makes the call and shows its result.
func (s *story) exec(ctx context.Context, title string, call host.Call) (*host.Result, error) {
	return s.execOn(ctx, title, everything, call)
}

func (s *story) execOn(ctx context.Context, title, connection string, call host.Call) (*host.Result, error) {
	s.step(title, commandLine(connection, call)...)
	result, err := s.h.Execute(ctx, connection, call)
	if err != nil {
		return nil, fmt.Errorf("demo, step %d: %w", s.steps, err)
	}
	return result, s.show(result, call.Select)
}

// show writes a result as a table.
func (s *story) show(result *host.Result, fields []string) error {
	style := s.o.Style
	style.Format, style.Fields = render.Table, fields
	return render.Write(render.New(s.out, style), result.Data, result.Meta, result.Records())
}

// refused makes a call that agenthost must deny before it reaches the vendor.
func (s *story) refused(ctx context.Context, title, connection string, call host.Call) error {
	s.step(title, commandLine(connection, call)...)
	before := len(s.vendor.Requests())
	_, err := s.h.Execute(ctx, connection, call)
	var e *abi.Error
	if !errors.As(err, &e) || e.Kind != abi.KindDenied {
		return s.expect(false, "agenthost did not deny the call: %v", err)
	}
	fmt.Fprintf(s.out, "agenthost: error: %s\n", render.Visible(e.Error()))
	if e.Hint != "" {
		fmt.Fprintf(s.out, "agenthost: hint: %s\n", render.Visible(e.Hint))
	}
	sent := len(s.vendor.Requests()) - before
	fmt.Fprintf(s.out, "The vendor received %d requests.\n", sent)
	return s.expect(sent == 0, "the denied call sent %d requests", sent)
}

// commandLine returns the arguments for a call.
func commandLine(connection string, call host.Call) []string {
	words := []string{"exec", connection, call.Entity, call.Action}
	given, _ := call.Params.(host.Params)
	for _, name := range sortedNames(given) {
		words = append(words, "-p", fmt.Sprintf("%s=%v", name, given[name]))
	}
	if len(call.Select) > 0 {
		words = append(words, "--select", strings.Join(call.Select, ","))
	}
	return words
}

func sortedNames(given host.Params) []string {
	names := make([]string, 0, len(given))
	for name := range given {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
