package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/nearest"
	"github.com/agenthost/agenthost/pdk/abi"
)

// EnvPrefix starts the names of the variables that make connections.
const EnvPrefix = "AGENTHOST_"

// CredentialVariable is the environment variable that gives a field of the connection
// which is named after a connector: AGENTHOST_PYLON_API_TOKEN for api_token of pylon.
// The field "server" is the connection's server.
func CredentialVariable(connector, field string) string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(connector+"_"+field, "-", "_"))
}

// fromEnvironment makes the connection that is named after a connector, where the
// variables of its credentials are set.
func (h *Host) fromEnvironment(ctx context.Context, name string) (Connection, error) {
	info, err := h.Connector(ctx, name)
	if err != nil {
		var e *Error
		if errors.As(err, &e) && e.Kind != abi.KindUnknownOperation {
			return Connection{}, err // its file is there but cannot be used
		}
		return Connection{}, h.unknownConnection(ctx, name)
	}
	c := Connection{Connector: name, Credentials: make(map[string]string)}
	if server, ok := h.options.LookupEnv(CredentialVariable(name, "server")); ok {
		c.Server = server
	}
	var missing []string
	for i := range info.Auth.Schemes {
		clear(c.Credentials)
		missing = missing[:0]
		for _, field := range info.Auth.Schemes[i].Fields {
			variable := CredentialVariable(name, field.Name)
			if _, ok := h.options.LookupEnv(variable); ok {
				c.Credentials[field.Name] = "env:" + variable
			} else if field.Required {
				missing = append(missing, variable)
			}
		}
		if len(missing) == 0 {
			return c, nil
		}
	}
	return Connection{}, &Error{
		Kind: abi.KindAuthFailed, Field: missing[0],
		Message: fmt.Sprintf("connection %s is not configured, and %s is not set", name, missing[0]),
		Hint:    fmt.Sprintf("set %s, or add connections.%s to agenthost.yaml", missing[0], name),
	}
}

func (h *Host) unknownConnection(ctx context.Context, name string) error {
	var names []string
	for known := range h.options.Connections {
		names = append(names, known)
	}
	// Connectors make connections of their own name, so a slip in one of those is
	// worth pointing out too.
	infos, err := h.Connectors(ctx)
	if err != nil {
		return err
	}
	for _, info := range infos {
		if info.Err == nil {
			names = append(names, info.Name)
		}
	}
	hint := nearest.Hint(name, names)
	if len(names) == 0 {
		hint = "add connections." + name + " to agenthost.yaml"
	}
	return &Error{Kind: abi.KindUnknownOperation, Field: "connection", Message: fmt.Sprintf("there is no connection %q", name), Hint: hint}
}

// Sources of a connection.
const (
	sourceConfig      = "config"
	sourceEnvironment = "environment"
)

// ConnectionInfo is what is known of a connection.
type ConnectionInfo struct {
	Name      string
	Connector string
	Mode      config.Mode
	// Server is the id or the URL that was configured; empty means the
	// connector's first server.
	Server string
	// Source is "config" or "environment".
	Source string
}

// Connections returns the configured connections and those that the environment makes,
// by name.
func (h *Host) Connections(ctx context.Context) ([]ConnectionInfo, error) {
	var infos []ConnectionInfo
	for name, c := range h.options.Connections {
		infos = append(infos, ConnectionInfo{Name: name, Connector: c.Connector, Mode: cmp.Or(c.Mode, config.Direct), Server: c.Server, Source: sourceConfig})
	}
	connectors, err := h.Connectors(ctx)
	if err != nil {
		return nil, err
	}
	for _, connector := range connectors {
		if _, configured := h.options.Connections[connector.Name]; configured || connector.Err != nil {
			continue
		}
		if c, err := h.fromEnvironment(ctx, connector.Name); err == nil {
			infos = append(infos, ConnectionInfo{Name: connector.Name, Connector: connector.Name, Mode: config.Direct, Server: c.Server, Source: sourceEnvironment})
		}
	}
	slices.SortFunc(infos, func(a, b ConnectionInfo) int { return strings.Compare(a.Name, b.Name) })
	return infos, nil
}
