package host

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/agenthost/agenthost/host/airbyte"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/connector"
	"github.com/agenthost/agenthost/host/egress"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/host/oauth"
	"github.com/agenthost/agenthost/host/ratelimit"
	"github.com/agenthost/agenthost/host/sandbox"
	"github.com/agenthost/agenthost/host/secret/lease"
	"github.com/agenthost/agenthost/pdk/abi"
)

// connection is a Connection in use: its connector is found and its server chosen.
// Credentials are read when they are first needed.
type connection struct {
	name      string
	config    Connection
	limits    config.Limits
	file      *pluginFile
	connector *connector.Connector
	grant     *grant.Grant
	server    *abi.Server
	override  string // the operator's URL for server
	slots     chan struct{}
	rates     *ratelimit.Limiter // nil where none are kept

	standing standing

	lease *lease.Lease[credential] // of a direct connection

	mu sync.Mutex
	// service and target are set in a hosted connection, on first use, by who holds
	// opening.
	opening chan struct{}
	service *airbyte.Client // the host's to close
	target  airbyte.Target
	tokens  *oauth.Source // nil where tokens are not got with OAuth 2.0
}

// defaultLimits are those of a connection that sets none. What bounds a guest is the
// sandbox's to say.
func defaultLimits() config.Limits {
	guest := sandbox.DefaultLimits()
	return config.Limits{
		Timeout:       time.Minute,
		Memory:        guest.Memory,
		Fuel:          guest.Fuel,
		Requests:      100,
		RequestBytes:  32 << 20,
		ResponseBytes: 64 << 20,
		OutputBytes:   guest.OutputBytes,
		LogLines:      guest.LogLines,
		LogBytes:      guest.LogBytes,
		Concurrency:   64,
	}
}

func withDefaults(l config.Limits) config.Limits {
	d := defaultLimits()
	return config.Limits{
		Timeout:       cmp.Or(l.Timeout, d.Timeout),
		Memory:        cmp.Or(l.Memory, d.Memory),
		Fuel:          cmp.Or(l.Fuel, d.Fuel),
		Requests:      cmp.Or(l.Requests, d.Requests),
		RequestBytes:  cmp.Or(l.RequestBytes, d.RequestBytes),
		ResponseBytes: cmp.Or(l.ResponseBytes, d.ResponseBytes),
		OutputBytes:   cmp.Or(l.OutputBytes, d.OutputBytes),
		LogLines:      cmp.Or(l.LogLines, d.LogLines),
		LogBytes:      cmp.Or(l.LogBytes, d.LogBytes),
		Concurrency:   cmp.Or(l.Concurrency, d.Concurrency),
	}
}

// checkConnections refuses what is wrong whatever the connector is.
func checkConnections(connections map[string]Connection) error {
	for name, c := range connections {
		at := "connections." + name
		switch {
		case c.Connector == "":
			return invalid(at+".connector", "connection "+name+" names no connector", "add connector: and the connector's name")
		case c.RateLimit != "" && c.RateLimit != config.RateManifest && c.RateLimit != config.RateLearned && c.RateLimit != config.RateOff:
			return invalid(at+".rate_limit", fmt.Sprintf("connection %s has the unknown rate limit %q", name, c.RateLimit), "use manifest, learned or off")
		case c.Mode != "" && c.Mode != config.Direct && c.Mode != config.Hosted:
			return invalid(at+".mode", fmt.Sprintf("connection %s has the unknown mode %q", name, c.Mode), "use direct or hosted")
		}
		if c.Mode == config.Hosted {
			if err := checkHosted(name, c); err != nil {
				return err
			}
		}
		for field := range c.Secrets {
			if _, both := c.Credentials[field]; both {
				return invalid(at+".credentials."+field, "connection "+name+" has "+field+" in both Credentials and Secrets", "give it once")
			}
		}
	}
	return nil
}

func invalid(field, message, hint string) *Error {
	return &Error{Kind: abi.KindInvalidParams, Field: field, Message: message, Hint: hint}
}

// connection looks up a connection by name: one that is configured, or one that the
// environment makes for the connector of that name.
func (h *Host) connection(ctx context.Context, name string) (*connection, error) {
	h.mu.Lock()
	c := h.connections[name]
	h.mu.Unlock()
	if c != nil {
		return c, nil
	}
	cfg, configured := h.options.Connections[name]
	if !configured {
		var err error
		if cfg, err = h.fromEnvironment(ctx, name); err != nil {
			return nil, err
		}
	}
	c, err := h.connect(ctx, name, cfg)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if known := h.connections[name]; known != nil {
		return known, nil
	}
	if !h.registry.current(c.file) {
		return c, nil // its file was replaced meanwhile: this call ends on the old one
	}
	h.connections[name] = c
	return c, nil
}

// connect finds a connection's connector and server, and checks its configuration
// against what the connector declares.
func (h *Host) connect(ctx context.Context, name string, cfg Connection) (*connection, error) {
	file, err := h.registry.find(ctx, cfg.Connector)
	if err != nil {
		return nil, err
	}
	declared, err := file.declared(ctx)
	if err != nil {
		return nil, err
	}
	c := &connection{name: name, config: cfg, limits: withDefaults(cfg.Limits), file: file, connector: declared}
	c.slots = make(chan struct{}, c.limits.Concurrency)
	c.lease = h.newLease(c)
	c.opening = make(chan struct{}, 1)
	if strings.Contains(cfg.Server, "://") {
		c.override = cfg.Server
		c.server = &declared.Manifest.Servers[0]
	} else if c.server, err = declared.Server(cfg.Server); err != nil {
		return nil, err
	}
	if c.isHosted() {
		if err := c.checkKnown(); err != nil {
			return nil, err
		}
	}
	if cfg.RateLimit == "" && (c.override != "" || c.isHosted()) {
		// What the manifest documents is the vendor's limit and nobody else's.
		c.config.RateLimit = config.RateLearned
	}
	if cfg.RateLimit != config.RateOff {
		c.rates = ratelimit.New(h.options.Now, h.options.Sleep)
	}
	return c, c.newGrant()
}

// rate returns the gate that an operation's requests go through. Operations that the
// vendor counts together share one.
func (c *connection) rate(op *connector.Operation) egress.Rate {
	if c.rates == nil {
		return nil
	}
	name, limit := op.Name(), op.RateLimit
	if limit != nil && limit.Bucket != "" {
		name = limit.Bucket
	}
	if c.config.RateLimit == config.RateLearned {
		limit = nil
	}
	return c.rates.Gate(name, limit)
}

// admit waits until the connection may run one more call.
func (c *connection) admit(ctx context.Context) (leave func(), err error) {
	select {
	case c.slots <- struct{}{}:
		return func() { <-c.slots }, nil
	default:
	}
	select {
	case c.slots <- struct{}{}:
		return func() { <-c.slots }, nil
	case <-ctx.Done():
		return nil, (&Error{
			Kind: abi.KindTimeout, Field: "limits.concurrency", Retryable: true,
			Message: fmt.Sprintf("%d calls of connection %s run already, and none ended in time", c.limits.Concurrency, c.name),
			Hint:    "call again, or raise limits.concurrency of the connection",
		}).WithCause(ctx.Err())
	}
}
