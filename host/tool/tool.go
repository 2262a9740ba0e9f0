// Package tool turns operations of connections into tools for language models. A tool has a
// name, a description, a JSON Schema, and a function from JSON arguments to a JSON result. The
// package supports the formats of OpenAI, Anthropic and Gemini without their packages;
// host/mcp serves the same tools.
//
// Most programs get a [Set] from host.Host.Tools. [New] makes one from any [Connection].
//
// A result has a limited number of characters, and invisible characters in it are escaped.
// Errors are [*abi.Error]s; [Failure] describes them for a model.
package tool

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/agenthost/agenthost/host/ask"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Tool is a function that a model can call. It is safe for concurrent use. Tools share
// schemas: do not change the bytes of Input and Output.
type Tool struct {
	// Name has up to 64 characters of [a-zA-Z0-9_-] and starts with a letter. Every
	// provider accepts this.
	Name string
	// Title is for people.
	Title       string
	Description string
	// Input is a JSON Schema 2020-12 of type object.
	Input json.RawMessage
	// Output is the JSON Schema of the result of Call.
	Output      json.RawMessage
	Annotations Annotations
	// Entity and Action name the operation of every call of the tool, if that is fixed.
	Entity, Action string

	run func(ctx context.Context, args json.RawMessage, o callOptions) (json.RawMessage, error)
	// connection is that of every call of the tool, if it is fixed.
	connection string
	options    *Options
}

// Annotations describe the possible effects of a call. They come from the effects that the
// connector declares and the host enforces. A nil pointer means unknown; clients treat it as
// true.
type Annotations struct {
	// ReadOnly means that nothing changes at the vendor.
	ReadOnly bool
	// Destructive is true if the call may remove data, and false if it only reads. It is nil
	// for an operation that writes, because the manifest does not say whether it adds or
	// overwrites.
	Destructive *bool
	// Idempotent means that calling twice is the same as calling once.
	Idempotent bool
	// OpenWorld means that a call reaches a vendor.
	OpenWorld bool
}

// Call runs the tool. Arguments are a JSON object that fits Input, or empty for {}. The
// result is a JSON object that fits Output.
//
// The error is an [*abi.Error], with the kinds that host.Host.Execute documents.
func (t *Tool) Call(ctx context.Context, args json.RawMessage, options ...CallOption) (json.RawMessage, error) {
	var o callOptions
	for _, option := range options {
		option(&o)
	}
	o.aim = &aim{Refusal: Refusal{Connection: t.connection, Call: Call{Entity: t.Entity, Action: t.Action}}}
	members, err := arguments(args)
	var answer json.RawMessage
	if err == nil {
		answer, err = t.run(ctx, members, o)
	}
	return answer, t.options.refuse(ctx, o.aim, args, o.caller, err)
}

// Answer is Call for an agent's loop: it returns the text for the model, which is the result
// or a description of the failure, and whether the call failed.
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

// CallOption is an option of a call.
type CallOption func(*callOptions)

type callOptions struct {
	aim      *aim
	caller   string
	confirm  func(ctx context.Context, plan *ask.Plan) (ask.Answer, error)
	progress func(Progress)
}

// As sets the caller for the audit record.
func As(caller string) CallOption { return func(o *callOptions) { o.caller = caller } }

// Confirm sets a function that asks a person about a call that needs a yes, with its plan, whose
// texts may be anybody's. An error means that nobody can be asked in this way.
func Confirm(f func(ctx context.Context, plan *ask.Plan) (ask.Answer, error)) CallOption {
	return func(o *callOptions) { o.confirm = f }
}

// OnProgress sets a function for the progress of the call. It runs when the call waits for the
// compilation of its connector, after each request to the vendor, and after each page of a
// call that collects several. The call waits for the function.
func OnProgress(f func(Progress)) CallOption { return func(o *callOptions) { o.progress = f } }

// Set is a list of tools in a fixed order.
type Set []*Tool

// Find returns the tool with a name. The error has kind unknown_operation and suggests the
// nearest name.
func (s Set) Find(name string) (*Tool, error) {
	if i := slices.IndexFunc(s, func(t *Tool) bool { return t.Name == name }); i >= 0 {
		return s[i], nil
	}
	names := make([]string, len(s))
	for i, t := range s {
		names[i] = t.Name
	}
	return nil, &abi.Error{Kind: abi.KindUnknownOperation, Field: "name", Message: "there is no tool " + quote(name), Hint: fault.Hint(name, names)}
}

// Call finds a tool by name and runs it.
func (s Set) Call(ctx context.Context, name string, args json.RawMessage, options ...CallOption) (json.RawMessage, error) {
	t, err := s.Find(name)
	if err != nil && len(s) > 0 {
		var o callOptions
		for _, option := range options {
			option(&o)
		}
		err = s[0].options.refuse(ctx, &aim{Refusal: Refusal{Tool: name}}, args, o.caller, err)
	}
	if err != nil {
		return nil, err
	}
	return t.Call(ctx, args, options...)
}

// Answer is [Tool.Answer] of the tool with a name. An unknown name is a failure, too.
func (s Set) Answer(ctx context.Context, name string, args json.RawMessage, options ...CallOption) (text string, failed bool) {
	answer, err := s.Call(ctx, name, args, options...)
	return worded(answer, err)
}
