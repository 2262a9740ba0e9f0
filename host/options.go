package host

import (
	"context"
	"crypto/x509"
	"net"
	"time"

	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/egress"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/hashicorp/go-hclog"
)

// Options configure a [Host]. The zero value is a host without connectors.
type Options struct {
	// Plugins is a folder of .wasm files. It is looked into when a connector is asked
	// for that the host does not know yet, or all the time with Reload.
	Plugins string
	// Reload is how often to look whether files of the plugins folder appeared, changed
	// or went; a file counts when it has stayed the same from one look to the next. 0
	// means never: a connection then keeps the connector that it was first used with.
	// [Host.OnChange] tells of changes.
	Reload time.Duration
	// Connections by name.
	Connections map[string]Connection
	// Lock is the file that says which connectors a person approved (agenthost.lock).
	// A connector that is not in it is described and not used: its calls are denied.
	// Empty keeps no approvals: the program vouches for what is in Plugins, and so for
	// whoever can write there.
	Lock string
	// Updates says what becomes of a new version of an approved connector; empty means
	// that it is let through, and recorded in Lock, if it reaches no further.
	Updates grant.UpdatePolicy
	// FirstParty are connectors that need no approval: the SHA-256 of each module, in
	// hexadecimal, by the connector's name.
	FirstParty map[string]string
	// Cache is a private folder for compiled modules; empty means agenthost in
	// the user's cache folder.
	Cache string
	// UnloadAfter is how long a connector's native code, some 10 MB, stays in memory that
	// nobody calls; 0 means five minutes. The call that comes then loads it again, which
	// takes about 20 ms.
	UnloadAfter time.Duration
	// CompileWorker is a program and its arguments that compiles modules not seen
	// before in a process of its own, within CompileTimeout and CompileMemory: it
	// calls [sandbox.ServeCompile] with the arguments that follow, and is built with
	// this package. Empty compiles in this process, where vetting alone bounds what
	// a module costs.
	CompileWorker []string
	// CompileTimeout is the wall time of a worker; 0 means 60 seconds.
	CompileTimeout time.Duration
	// CompileMemory is what a worker may use, in bytes; 0 means 1 GiB.
	CompileMemory int64
	// Logger gets the host's and the connectors' log lines; nil logs nothing.
	Logger hclog.Logger
	// Audit says where the record of every call is kept; the zero value keeps none.
	Audit config.Audit
	// Sinks get the record of every call too: a trail of the embedder's own, or traces
	// and metrics with adapters/otel. Audit.Required holds for them as well.
	Sinks []audit.Sink
	// Secrets says where references to secrets lead; the zero value knows all places
	// that need no configuration.
	Secrets config.Secrets
	// Caller is who calls where [Call.Caller] does not say.
	Caller string
	// LookupEnv reads the environment for env: references and for connections
	// that exist because their variables are set. Nil means os.LookupEnv.
	LookupEnv func(string) (string, bool)

	// The seams below are for tests, for recordings and for networks with rules
	// of their own. Nil means the real thing.

	Resolver egress.Resolver
	Dial     func(ctx context.Context, network, address string) (net.Conn, error)
	Now      func() time.Time
	Sleep    func(ctx context.Context, d time.Duration) error
	Rand     func() float64
	// RootCAs are the certificate authorities that vendors' certificates are
	// checked against; nil means the system's.
	RootCAs *x509.CertPool
}

// FromConfig returns the options that a configuration asks for.
func FromConfig(c *config.Config) Options {
	return Options{Plugins: c.Plugins, Cache: c.Cache, Connections: c.Connections, Lock: c.Lock, Updates: c.Updates, Audit: c.Audit, Secrets: c.Secrets}
}
