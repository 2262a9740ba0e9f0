// Package connector reads what a connector declares: its manifest, its operations and how it
// authenticates. [Parse] checks the whole declaration, so that the rest of the host need not;
// [Connector.Operation] and [Operation.Validate] check a call against it before a sandbox starts.
//
// The package does no I/O. Everything in it is safe for concurrent use.
package connector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Connector is a checked declaration.
type Connector struct {
	// Digest is the SHA-256 of the module, in hexadecimal.
	Digest   string
	Manifest *abi.Manifest
	Auth     *abi.AuthSchema

	operations   map[abi.OperationRef]*Operation
	contextStore func() []*Operation
	searches     func() []*Operation
	copied       func() map[string]*abi.Operation
	syncs        func() []*Sync
}

// MaxDeclaration is the size in bytes of the largest manifest, and of the largest auth schema.
const MaxDeclaration = 4 << 20

// Parse reads and checks the answers of describe and auth_schema. An error is an [*abi.Error] of
// kind connector_fault whose Field is the path of the wrong value, such as
// operations[3].requests[0].path. The checks end within about a second of ctx.
func Parse(ctx context.Context, digest string, manifest, auth []byte) (*Connector, error) {
	c, err := Load(digest, manifest, auth)
	if err != nil {
		return nil, err
	}
	if err := check(ctx, c); err != nil {
		return nil, err
	}
	return c, nil
}

// Load is Parse without the checks, for a declaration that Parse accepted before.
func Load(digest string, manifest, auth []byte) (*Connector, error) {
	c := &Connector{Digest: digest, Manifest: new(abi.Manifest), Auth: new(abi.AuthSchema)}
	if err := decode("manifest", manifest, c.Manifest); err != nil {
		return nil, err
	}
	if err := decode("auth_schema", auth, c.Auth); err != nil {
		return nil, err
	}
	c.operations = make(map[abi.OperationRef]*Operation, len(c.Manifest.Operations))
	for i := range c.Manifest.Operations {
		op := &c.Manifest.Operations[i]
		c.operations[abi.OperationRef{Entity: op.Entity, Action: op.Action}] = &Operation{Operation: op, name: op.Entity + "." + op.Action}
	}
	// Only hosted connections need them, and making their schemas takes time.
	c.contextStore = sync.OnceValue(func() []*Operation { return contextStoreOperations(c.Manifest.Airbyte) })
	c.copied = sync.OnceValue(func() map[string]*abi.Operation { return listsOf(c.syncs()) })
	c.searches = sync.OnceValue(func() []*Operation { return searchOperations(c.syncs()) })
	c.syncs = sync.OnceValue(func() []*Sync {
		syncs, _ := newSyncs(c) // Parse accepted them
		return syncs
	})
	return c, nil
}

// decode reads one of the two documents. It ignores unknown fields, so that newer connectors
// load in older hosts.
func decode(what string, data []byte, into any) error {
	if len(data) > MaxDeclaration {
		return malformed(what, "is %d bytes long, the limit is %d", len(data), MaxDeclaration)
	}
	err := json.Unmarshal(data, into)
	var wrongType *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrongType):
		return malformed(wrongType.Field, "is a JSON %s where the %s has a %s", wrongType.Value, what, wrongType.Type)
	default:
		return malformed(what, "is not JSON: %v", err)
	}
}

// maxFault is the length of the longest message of a fault, in bytes. It may quote the
// declaration.
const maxFault = 2000

// malformed is the error for a wrong declaration.
func malformed(field, format string, args ...any) *abi.Error {
	message := field + " " + fmt.Sprintf(format, args...)
	if len(message) > maxFault {
		message = strings.ToValidUTF8(message[:maxFault], "") + "..."
	}
	return &abi.Error{
		Kind:    abi.KindConnectorFault,
		Field:   field,
		Message: message,
		Hint:    "the connector's author must fix this; docs/abi.md has the format",
	}
}

// Module is the connector as a person approves it.
func (c *Connector) Module() grant.Module {
	return grant.Module{Name: c.Manifest.Name, Version: c.Manifest.Version, Digest: c.Digest, Reach: grant.ReachOf(c.Manifest, c.Auth)}
}

// Operation returns the operation of an entity and an action. The error has kind
// unknown_operation and suggests a similar name.
func (c *Connector) Operation(entity, action string) (*Operation, error) {
	if op := c.operations[abi.OperationRef{Entity: entity, Action: action}]; op != nil {
		return op, nil
	}
	var entities, actions []string
	for i := range c.Manifest.Operations {
		op := &c.Manifest.Operations[i]
		entities = append(entities, op.Entity)
		if op.Entity == entity {
			actions = append(actions, op.Action)
		}
	}
	if len(actions) == 0 {
		return nil, &abi.Error{
			Kind:    abi.KindUnknownOperation,
			Field:   "entity",
			Message: fmt.Sprintf("%s has no entity %q", c.Manifest.Name, entity),
			Hint:    fault.Hint(entity, entities),
		}
	}
	return nil, &abi.Error{
		Kind:    abi.KindUnknownOperation,
		Field:   "action",
		Message: fmt.Sprintf("%s %s has no action %q", c.Manifest.Name, entity, action),
		Hint:    fault.Hint(action, actions),
	}
}

// Server returns the server with an id, the first one for "". The error has kind
// invalid_params.
func (c *Connector) Server(id string) (*abi.Server, error) {
	if id == "" {
		return &c.Manifest.Servers[0], nil
	}
	i := slices.IndexFunc(c.Manifest.Servers, func(s abi.Server) bool { return s.ID == id })
	if i >= 0 {
		return &c.Manifest.Servers[i], nil
	}
	var ids []string
	for _, s := range c.Manifest.Servers {
		ids = append(ids, s.ID)
	}
	return nil, &abi.Error{
		Kind:    abi.KindInvalidParams,
		Field:   "server",
		Message: fmt.Sprintf("%s has no server %q", c.Manifest.Name, id),
		Hint:    serverHint(id, ids),
	}
}

// serverHint says what to write in place of a server that there is not.
func serverHint(id string, ids []string) string {
	address, err := netip.ParseAddrPort(id)
	host, port, _ := strings.Cut(id, ":")
	if _, notPort := strconv.ParseUint(port, 10, 16); err == nil || notPort == nil && host != "" {
		scheme := "https://"
		if host == "localhost" || address.Addr().IsLoopback() {
			scheme = "http://"
		}
		return "write " + scheme + id + ": the URL of your own server begins with http:// or https://"
	}
	if best := fault.Nearest(id, ids); best != "" {
		return "did you mean " + best + "? The URL of your own server works, too"
	}
	return fault.Choices(ids) + ", or write the URL of your own server"
}
