// Package directrun runs what the simulated Airbyte API executes, with the host's own connectors and direct connections
// to simulated vendors.
package directrun

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/secret"
)

// Runner is an airbyte.Runner. It keeps a host for each account that it has run something for. Close it.
type Runner struct {
	options host.Options
	servers map[string]string

	mu    sync.Mutex
	hosts map[[sha256.Size]byte]*host.Host
}

// New returns a runner with the connectors of o.Plugins. Servers are the addresses of the vendors, by the names of the
// connectors.
func New(o host.Options, servers map[string]string) *Runner {
	return &Runner{options: o, servers: servers, hosts: make(map[[sha256.Size]byte]*host.Host)}
}

const connection = "account"

// Run runs one operation, with the credentials that it is given.
func (r *Runner) Run(ctx context.Context, slug string, credentials map[string]string, entity, action string, params json.RawMessage) (data, meta json.RawMessage, err error) {
	h, err := r.host(ctx, slug, credentials)
	if err != nil {
		return nil, nil, err
	}
	result, err := h.Execute(ctx, connection, host.Call{Entity: entity, Action: action, Params: params})
	if err != nil {
		return nil, nil, err
	}
	return result.Data, result.Meta, nil
}

func (r *Runner) host(ctx context.Context, slug string, credentials map[string]string) (*host.Host, error) {
	named, err := json.Marshal(map[string]any{slug: credentials})
	if err != nil {
		return nil, fmt.Errorf("directrun: %w", err)
	}
	key := sha256.Sum256(named)
	r.mu.Lock()
	defer r.mu.Unlock()
	if h := r.hosts[key]; h != nil {
		return h, nil
	}
	secrets := make(map[string]secret.Value, len(credentials))
	for name, value := range credentials {
		secrets[name] = secret.New([]byte(value))
	}
	o := r.options
	o.Connections = host.StaticConnections{connection: {Connector: slug, Server: r.servers[slug], Secrets: secrets}}
	h, err := host.Open(context.WithoutCancel(ctx), o)
	if err != nil {
		return nil, err
	}
	r.hosts[key] = h
	return h, nil
}

// Close closes the hosts.
func (r *Runner) Close(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var failed error
	for _, h := range r.hosts {
		failed = errors.Join(failed, h.Close(ctx))
	}
	clear(r.hosts)
	return failed
}
