package host

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/host/tool"
	"github.com/agenthost/agenthost/internal/catalog"
	"github.com/agenthost/agenthost/pdk/abi"
)

// ToolOptions say which tools [Host.Tools] makes. The zero value makes tools of every
// connection, in the form that suits their number.
type ToolOptions struct {
	// Principal is the caller of the tools: it may see their connections, and has the scopes for
	// their operations. The zero value is the local operator.
	Principal Principal
	// Connections are the names of connections; empty means all.
	Connections []string
	// Options are the form, the threshold between forms, and the budget of an answer.
	tool.Options
}

// Tools returns the operations that connections allow as tools for a language model. They are safe
// for concurrent use, and each call takes the steps of [Host.Execute]: the host validates and
// decides a model's call like every other call. Before that, it repairs common mistakes of models
// in arguments; docs/agents.md has the rules.
//
//	tools, err := h.Tools(ctx, host.ToolOptions{})
//	request.Tools = tools.OpenAIChat()          // or Anthropic(), Gemini(), ...
//	text, failed := tools.Answer(ctx, name, arguments)
//
// Tools are those of the connectors as they are now: call Tools again after a connector changed.
// With [Options.CompileAhead], tools of connectors that are not known yet are missing. A connection
// without calls keeps only its configuration: the memory of tools grows with the connectors, and
// hardly with the connections of each.
//
// # Errors
//
//   - unknown_operation: a connection that ToolOptions names does not exist
//   - invalid_params: an option is wrong
//   - connector_fault: a named connection's connector cannot be used
//
// A connection that ToolOptions does not name and that cannot be used makes no tools;
// the host logs why.
func (h *Host) Tools(ctx context.Context, o ToolOptions) (tool.Set, error) {
	ctx, leave, err := h.gate.pass(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	ctx = h.catalog.KnownOnly(ctx)
	offers, err := h.offered(ctx, o)
	if err != nil {
		return nil, err
	}
	l := newListing(h, o.Principal)
	connections := make([]tool.Connection, 0, len(offers))
	seen := make(map[string]bool, len(offers))
	for _, offer := range offers {
		if seen[offer.name] {
			continue
		}
		seen[offer.name] = true
		c, err := l.toolConnection(ctx, offer)
		if errors.Is(err, catalog.ErrNotKnown) {
			h.log.Info("the tools of a connection come later: its connector is not compiled yet", "connection", offer.name)
			continue
		}
		if err != nil {
			if len(o.Connections) > 0 {
				return nil, err
			}
			h.log.Warn("a connection makes no tools", "connection", offer.name, "error", err)
			continue
		}
		if len(c.Operations) > 0 { // hints name only connections that may be used
			connections = append(connections, c)
		}
	}
	names := slices.Sorted(maps.Keys(seen))
	o.Refused = func(ctx context.Context, r tool.Refusal) error {
		return h.refuseTool(h.catalog.KnownOnly(ctx), o, names, r)
	}
	return tool.New(connections, o.Options)
}

// offer is a connection that tools may be of.
type offer struct {
	name    string
	config  Connection // empty where the environment makes it
	version connectionVersion
}

// offered returns the connections that options are about.
func (h *Host) offered(ctx context.Context, o ToolOptions) ([]offer, error) {
	var offers []offer
	for _, name := range o.Connections {
		c, version, err := h.configuration(ctx, o.Principal, name)
		if err != nil {
			return nil, err
		}
		offers = append(offers, offer{name, c, version})
	}
	if len(o.Connections) > 0 {
		return offers, nil
	}
	there := make(map[string]bool)
	for c, err := range h.configured(ctx, o.Principal) {
		if err != nil {
			return nil, err
		}
		there[c.Name] = true
		offers = append(offers, offer{c.Name, c.Connection, connectionVersion{o.Principal, true, c.Revision}})
	}
	if o.Principal.IsOperator() {
		made, err := h.environmentInfos(ctx, func(name string) bool { return there[name] })
		if err != nil {
			return nil, err
		}
		for _, c := range made {
			offers = append(offers, offer{name: c.Name})
		}
	}
	slices.SortFunc(offers, func(a, b offer) int { return strings.Compare(a.name, b.name) })
	return offers, nil
}

// RefuseTool is [Host.Refuse] for a call of a tool, of those of some options: it leaves the
// record, and returns the error to answer. That is denied where the tool, or the operation,
// would be there if its connection allowed it, and otherwise r.Err. The tools of [Host.Tools]
// call it themselves.
func (h *Host) RefuseTool(ctx context.Context, o ToolOptions, r tool.Refusal) error {
	ctx, leave, err := h.gate.pass(ctx)
	if err != nil {
		return err
	}
	defer leave()
	ctx = h.catalog.KnownOnly(ctx) // a wrong name waits for no compiler
	names := slices.Clone(o.Connections)
	if len(names) == 0 {
		offers, err := h.offered(ctx, o)
		if err != nil {
			return err
		}
		for i := range offers {
			names = append(names, offers[i].name)
		}
	}
	slices.Sort(names)
	return h.refuseTool(ctx, o, names, r)
}

// refuseTool is RefuseTool where the names of the connections are known, in order.
func (h *Host) refuseTool(ctx context.Context, o ToolOptions, offered []string, r tool.Refusal) error {
	if r.Tool != "" {
		h.findTool(ctx, o, offered, &r)
	}
	via := viaExecute
	if r.Described {
		via = viaDescribe
	}
	call := Call{Entity: r.Entity, Action: r.Action, Params: r.Params, Principal: o.Principal, Caller: r.Caller}
	if _, there := slices.BinarySearch(offered, r.Connection); r.Entity == "" || !there {
		// What is not offered is not looked up: an agent hears nothing of it.
		e := h.trail.begin(via, r.Connection, call)
		return e.endRefusal(ctx, r.Err)
	}
	err := h.refuse(ctx, via, r.Connection, call, r.Err)
	var public *Error
	if errors.As(err, &public) && public.Kind == abi.KindUnknownOperation {
		return r.Err // whose hint has what the tools have
	}
	return err
}

// findTool finds the operation that a tool would be of, if its connection allowed it.
func (h *Host) findTool(ctx context.Context, o ToolOptions, offered []string, r *tool.Refusal) {
	r.Action = r.Tool
	for _, name := range offered {
		if !strings.HasPrefix(r.Tool, o.PrefixOf(name)) {
			continue
		}
		c, err := h.connection(ctx, o.Principal, name)
		if err != nil {
			continue // then there is nothing to say of its operations
		}
		for _, op := range c.backend.Operations() {
			if o.NameOf(name, op.Entity, op.Action) == r.Tool {
				r.Connection, r.Entity, r.Action = name, op.Entity, op.Action
				return
			}
		}
	}
}

// page runs an operation for a tool.
func (h *Host) page(ctx context.Context, p Principal, connection string, call tool.Call) (*tool.Page, error) {
	result, err := h.execute(ctx, connection, Call{
		Entity: call.Entity, Action: call.Action, Params: call.Params,
		Select: call.Select, Exclude: call.Exclude, Principal: p, Caller: call.Caller, Confirm: call.Confirm, OnRequest: call.OnRequest, OnCompile: call.OnCompile,
	}, runOptions{via: viaExecute, repair: true})
	if err != nil {
		return nil, err
	}
	page := &tool.Page{Data: result.Data, Meta: result.Meta, NextCursor: result.NextCursor}
	if result.Stopped != nil {
		page.Stopped = result.Stopped
	}
	return page, nil
}

// listing looks at many connections at one time, and at what they share once: a file of the
// plugins folder, its approval, and the operations of a grant. The host does not keep the
// connections without a call. It is for one goroutine, and one listing.
type listing struct {
	host     *Host
	as       Principal
	files    map[string]foundFile // by the connector's name
	approved map[*catalog.File]grant.Decision
	granted  map[granted][]*abi.Operation
}

type foundFile struct {
	file *catalog.File
	err  error
}

// granted is the same for connections that may run the same operations.
type granted struct {
	file  *catalog.File
	mode  config.Mode
	all   bool   // those that it may not run too
	allow string // its grant's OperationKey
}

func newListing(h *Host, p Principal) *listing {
	return &listing{
		host:     h,
		as:       p,
		files:    make(map[string]foundFile),
		approved: make(map[*catalog.File]grant.Decision),
		granted:  make(map[granted][]*abi.Operation),
	}
}

// connection is [Host.connection] of a listing.
func (l *listing) connection(ctx context.Context, o offer) (*connection, error) {
	if c := l.host.connected(connectionKey{l.as.Workspace, o.name}); c != nil && c.is(o.version) {
		return c, nil
	}
	return l.host.connect(ctx, o.name, o.config, o.version, l.find)
}

func (l *listing) find(ctx context.Context, connector string) (*catalog.File, error) {
	f, known := l.files[connector]
	if !known {
		f.file, f.err = l.host.catalog.Find(ctx, connector)
		l.files[connector] = f
	}
	return f.file, f.err
}

// allowed returns the operations that a connection may run, as it shows them. Connections
// that may run the same ones get the same slice, which must not be changed. The rule is that
// by which the first of the others is denied.
func (l *listing) allowed(ctx context.Context, c *connection) (ops []*abi.Operation, rule string, err error) {
	approved, known := l.approved[c.file]
	if !known {
		if approved, err = l.host.approved(ctx, c); err != nil {
			return nil, "", err
		}
		l.approved[c.file] = approved
	}
	if !approved.Allowed {
		return nil, approved.Rule, nil
	}
	all := l.operations(c)
	if c.Grant == nil && l.as.IsOperator() {
		return all, "", nil
	}
	id := granted{file: c.file, mode: c.backend.Mode(), allow: c.Grant.OperationKey()}
	ops, known = l.granted[id]
	if !known {
		for _, op := range all {
			if c.permits(l.as, op).Allowed {
				ops = append(ops, op)
			}
		}
		l.granted[id] = ops
	}
	if len(ops) == 0 {
		rule = c.permits(l.as, all[0]).Rule
	}
	return ops, rule, nil
}

// operations returns all operations of a connection, as it shows them.
func (l *listing) operations(c *connection) []*abi.Operation {
	id := granted{file: c.file, mode: c.backend.Mode(), all: true}
	all := l.granted[id]
	if all == nil {
		all = c.backend.Operations()
		for i, op := range all {
			all[i] = c.backend.View(op)
		}
		l.granted[id] = all
	}
	return all
}

// toolConnection is a connection with the operations that it allows.
func (l *listing) toolConnection(ctx context.Context, o offer) (tool.Connection, error) {
	name := o.name
	c, err := l.connection(ctx, o)
	if err != nil {
		return tool.Connection{}, err
	}
	allowed, rule, err := l.allowed(ctx, c)
	if err != nil {
		return tool.Connection{}, err
	}
	var asks []*abi.Operation
	for _, op := range allowed {
		if _, yes := c.Grant.Asks(op); yes {
			asks = append(asks, op)
		}
	}
	h, p := l.host, l.as
	if len(allowed) == 0 {
		h.log.Warn("a connection makes no tools: it may run nothing", "connection", name, "rule", rule)
	}
	return tool.Connection{
		Name: name, Title: c.Connector.Manifest.Title, Description: c.Connector.Manifest.Description, Operations: allowed, Ask: asks,
		Execute: func(ctx context.Context, call tool.Call) (*tool.Page, error) { return h.page(ctx, p, name, call) },
	}, nil
}
