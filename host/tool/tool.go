// Package tool turns operations of connections into tools for language models: a name,
// a description and a JSON Schema each, and a function that takes JSON arguments and
// returns JSON. It knows the shapes that OpenAI, Anthropic and Gemini expect, and
// depends on none of their packages; host/mcp serves the same tools.
//
// Most programs get a [Set] from host.Host.Tools. [New] makes one of any [Connection].
//
// What a tool answers fits a number of characters (see package budget) and holds no
// hidden character unescaped. What goes wrong is an [*abi.Error]; [Failure] words it
// for a model.
package tool

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/agenthost/agenthost/internal/nearest"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Tool is something that a model may call. It is safe for concurrent use.
type Tool struct {
	// Name has up to 64 of [a-zA-Z0-9_-] and starts with a letter: what every
	// provider takes.
	Name string
	// Title is for people.
	Title       string
	Description string
	// Input is a JSON Schema 2020-12 of type object.
	Input json.RawMessage
	// Output is the JSON Schema of what Call returns.
	Output      json.RawMessage
	Annotations Annotations

	run func(ctx context.Context, args json.RawMessage, o callOptions) (json.RawMessage, error)
}

// Annotations say what calling a tool may do. They come from the effects that the
// connector declares and that the host enforces. A nil pointer means unknown, which
// clients read as true.
type Annotations struct {
	// ReadOnly means that nothing changes at the vendor.
	ReadOnly bool
	// Destructive is true where something may be removed, false where nothing can be
	// changed, and nil for an operation that writes: the manifest does not say
	// whether it adds or overwrites.
	Destructive *bool
	// Idempotent means that calling twice is the same as calling once.
	Idempotent bool
	// OpenWorld means that a call reaches a vendor.
	OpenWorld bool
}

// Call runs the tool. Arguments are a JSON object that fits Input, or empty for {}; the
// answer is a JSON object that fits Output.
//
// The error is an [*abi.Error], with the kinds that host.Host.Execute documents.
func (t *Tool) Call(ctx context.Context, args json.RawMessage, options ...CallOption) (json.RawMessage, error) {
	var o callOptions
	for _, option := range options {
		option(&o)
	}
	members, err := arguments(args)
	if err != nil {
		return nil, err
	}
	return t.run(ctx, members, o)
}

// Answer is Call for a loop that hands the outcome to a model whatever it is: the
// answer, or the failure in words, and whether it is one.
func (t *Tool) Answer(ctx context.Context, args json.RawMessage, options ...CallOption) (text string, failed bool) {
	answer, err := t.Call(ctx, args, options...)
	return worded(answer, err)
}

func worded(answer json.RawMessage, err error) (text string, failed bool) {
	if err != nil {
		return Failure(err), true
	}
	return string(answer), false
}

// CallOption adds to a call what its arguments do not say.
type CallOption func(*callOptions)

type callOptions struct {
	caller   string
	progress func(Progress)
}

// As says who calls, for the audit record.
func As(caller string) CallOption { return func(o *callOptions) { o.caller = caller } }

// OnProgress is told how far the call has come: after each request to the vendor, and after
// each page of a call that collects several. The call waits for it.
func OnProgress(f func(Progress)) CallOption { return func(o *callOptions) { o.progress = f } }

// Set is some tools, in the order in which a model should see them.
type Set []*Tool

// Find returns the tool of a name. The error has kind unknown_operation and says what
// was probably meant.
func (s Set) Find(name string) (*Tool, error) {
	if i := slices.IndexFunc(s, func(t *Tool) bool { return t.Name == name }); i >= 0 {
		return s[i], nil
	}
	names := make([]string, len(s))
	for i, t := range s {
		names[i] = t.Name
	}
	return nil, &abi.Error{Kind: abi.KindUnknownOperation, Field: "name", Message: "there is no tool " + quote(name), Hint: nearest.Hint(name, names)}
}

// Call runs the tool of a name, as the loop of an agent does.
func (s Set) Call(ctx context.Context, name string, args json.RawMessage, options ...CallOption) (json.RawMessage, error) {
	t, err := s.Find(name)
	if err != nil {
		return nil, err
	}
	return t.Call(ctx, args, options...)
}

// Answer is [Tool.Answer] of the tool of a name. That there is none is a failure too.
func (s Set) Answer(ctx context.Context, name string, args json.RawMessage, options ...CallOption) (text string, failed bool) {
	answer, err := s.Call(ctx, name, args, options...)
	return worded(answer, err)
}
