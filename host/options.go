package host

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/internal/backend/direct"
	"github.com/agenthost/agenthost/internal/backend/hosted"
	"github.com/agenthost/agenthost/internal/catalog"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/hashicorp/go-hclog"
)

// Seams are the places where a host meets the machine: resolver, dialler, clock, sleep,
// randomness and certificate authorities.
type Seams = seams.Seams

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
	// Connections are those of the host, such as [StaticConnections]. Nil means that the
	// environment makes them: one for each connector whose variables are set, such as
	// AGENTHOST_PYLON_API_TOKEN, which may do all that its connector can. Beside Connections that are
	// not nil the environment makes none.
	Connections Connections
	// Environment says that the environment makes connections beside Connections too.
	Environment bool
	// Lock is the file that says which connectors a person approved (agenthost.lock).
	// A connector that is not in it is described and not used: its calls are denied.
	// Empty keeps no approvals: the program vouches for what is in Plugins, and so for
	// anyone who can write there.
	Lock string
	// Updates says what becomes of a new version of an approved connector; empty means
	// that it is let through, and recorded in Lock, if it reaches no further.
	Updates grant.UpdatePolicy
	// FirstParty are connectors that need no approval: the SHA-256 of each module, in
	// hexadecimal, by the connector's name.
	FirstParty map[string]string
	// Declared returns what the module of a digest declares, where the program knows that
	// without the module, as of a connector that it is built with; it is called where the cache
	// does not have it. Digest is the SHA-256 of the file as it is, in hexadecimal, so that what
	// a program says of one file is never taken for another. Nil knows nothing.
	Declared func(digest string) (Declaration, bool)
	// Cache is a private folder for compiled modules, which must belong to this user; empty
	// means agenthost in the user's cache folder, or where that cannot be written to, a new
	// folder for this host, which Close removes.
	Cache string
	// UnloadAfter is how long a connector's native code, some 10 MB, stays in memory that
	// nobody calls; 0 means five minutes. The call that comes then loads it again, which
	// takes about 20 ms.
	UnloadAfter time.Duration
	// CompileWorker is a program and its arguments that compiles modules not seen
	// before in a process of its own, within CompileTimeout and CompileMemory: it
	// calls [ServeCompile] with the arguments that follow, and is built with
	// this package. Empty compiles in this process, where only vetting bounds what
	// a module costs.
	CompileWorker []string
	// CompileTimeout is the wall time of a worker; 0 means 60 seconds.
	CompileTimeout time.Duration
	// CompileMemory is what a worker may use, in bytes; 0 means 1 GiB.
	CompileMemory int64
	// CompileAhead lets the host compile in the background, one connector at a time, in the
	// compile worker, which it needs. First come those that are approved, or need no approval,
	// whose declaration is not known; then, at the lowest priority, those that a connection
	// uses and that are not compiled, and files that nobody approved. [Host.Tools] and
	// [Host.Connections] wait for none of them: they are about the connectors that are known,
	// and [Host.OnChange] tells when there are more. A call does not wait for other connectors.
	// Without it a connector is compiled when somebody needs it.
	CompileAhead bool
	// OnCompile, if not nil, is called for each caller who has to wait because a connector is
	// compiled that the cache does not have, with its name, or that of its file where it is not
	// known yet. The caller waits for it. It may be called by several goroutines at once, and
	// must not use the host.
	OnCompile func(connector string)
	// Running is how many guests run at once, those of all connections together; 0 means as
	// many as there are processors that Go may use. A guest that waits for its vendor does not
	// run. Connections take turns of 5 ms where more guests want to run.
	Running int
	// HostBytes is how many bytes may be in flight, those of all calls together: parameters,
	// answers of vendors, output of guests, and long messages of clients. A call starts when its
	// parameters and 1 MiB are free, and ends with limit_exceeded where it needs more than is. 0
	// means 256 MiB; the least is 2 MiB.
	HostBytes int64
	// Logger gets the host's and the connectors' log lines; nil logs nothing.
	Logger hclog.Logger
	// Audit says where the record of every call is kept; the zero value keeps none.
	Audit config.Audit
	// Sinks get the record of every call too: a trail of the embedder's own, or traces
	// and metrics with adapters/otel. Audit.Required holds for them as well.
	Sinks []audit.Sink
	// Proxy is the way to vendors, their authorization servers and the Airbyte API; nil
	// connects to them directly, and ignores proxies in the environment.
	Proxy *config.Proxy
	// Secrets says where references to secrets lead; the zero value knows all places
	// that need no configuration.
	Secrets config.Secrets
	// Sources are secret sources of the program's own, by the scheme of the references that
	// lead to them: with {"corp": source}, corp:pylon reads "pylon". The built-in schemes
	// cannot be replaced.
	Sources map[string]secret.Source
	// IdleConnections is how many idle connections to vendors are kept at most, those of all
	// connections together; 0 means 512. Each is closed after a minute of idleness.
	IdleConnections int
	// Caller is the caller of a call without [Call.Caller].
	Caller string
	// LookupEnv reads the environment for env: references and for connections
	// that exist because their variables are set. Nil means os.LookupEnv.
	LookupEnv func(string) (string, bool)

	// Seams replace the network, the clock and chance, for tests and for networks with rules
	// of their own. The zero value means the real ones.
	Seams

	modules func(*direct.Modules) // changes how modules are compiled, in tests
}

// ServeCompile compiles one module, or checks what one declares: the program of
// [Options.CompileWorker] calls it, with the arguments that follow its own. It reads from in,
// answers on out, and writes only to the folder that the arguments name. It limits the whole
// process, and calls exit, which is os.Exit, when it reaches a limit.
func ServeCompile(ctx context.Context, arguments []string, in io.Reader, out io.Writer, exit func(code int)) error {
	return catalog.ServeCompile(ctx, arguments, in, out, exit)
}

// FromConfig returns the options that a configuration asks for.
func FromConfig(c *config.Config) Options {
	o := Options{Plugins: c.Plugins, Cache: c.Cache, Environment: c.Environment, Lock: c.Lock, Updates: c.Updates, Proxy: c.Proxy, Audit: c.Audit, Secrets: c.Secrets, HostBytes: c.HostBytes}
	if c.Connections != nil {
		o.Connections = StaticConnections(c.Connections)
	}
	return o
}

// check refuses what Open does not know. A file is read as strictly by package config; in Go
// a misspelt word is only a string, and one that decides something must not be taken for
// another.
func (o *Options) check() error {
	if err := notNegative("",
		size{"reload", int64(o.Reload)}, size{"unload_after", int64(o.UnloadAfter)},
		size{"compile_timeout", int64(o.CompileTimeout)}, size{"compile_memory", o.CompileMemory},
		size{"idle_connections", int64(o.IdleConnections)}, size{"running", int64(o.Running)}, size{"limits.host_bytes", o.HostBytes},
		size{"audit.max_size", o.Audit.MaxSize}, size{"audit.keep", int64(o.Audit.Keep)},
	); err != nil {
		return err
	}
	policies := []string{string(grant.UpdatesSameReach), string(grant.UpdatesNever)}
	switch {
	case o.HostBytes > 0 && o.HostBytes < config.MinHostBytes:
		return fault.Invalid("limits.host_bytes", fmt.Sprintf("limits.host_bytes is %d, which is too little for one call", o.HostBytes), fmt.Sprintf("give %d or more, or 0 for the default", config.MinHostBytes))
	case o.Updates != "" && !slices.Contains(policies, string(o.Updates)):
		return fault.Invalid("updates", fmt.Sprintf("there is no update policy %.60q", string(o.Updates)), fault.Hint(string(o.Updates), policies))
	case len(o.CompileWorker) > 0 && o.CompileWorker[0] == "":
		return fault.Invalid("compile_worker", "the compile worker has no program", "name a program, or remove compile_worker")
	case o.CompileAhead && len(o.CompileWorker) == 0:
		return fault.Invalid("compile_ahead", "compiling ahead needs a compile worker", "set compile_worker, or remove compile_ahead")
	case o.Audit.File == "" && (o.Audit.MaxSize > 0 || o.Audit.Keep > 0):
		return fault.Invalid("audit", "max_size and keep need file", "set File")
	}
	for _, name := range slices.Sorted(maps.Keys(o.FirstParty)) {
		digest := o.FirstParty[name]
		if raw, err := hex.DecodeString(digest); err != nil || len(raw) != 32 || strings.ToLower(digest) != digest || name == "" {
			return fault.Invalid("first_party."+name, fmt.Sprintf("%.80q is not the digest of a module", digest), "write its SHA-256 as 64 hexadecimal digits in lower case")
		}
	}
	fixed, _ := o.Connections.(StaticConnections)
	for _, name := range slices.Sorted(maps.Keys(fixed)) {
		c := fixed[name]
		if err := o.checkConnection(name, &c); err != nil {
			return err
		}
	}
	return nil
}

// size is a number that may be 0, which means a default, and not less.
type size struct {
	field string
	value int64
}

func notNegative(at string, sizes ...size) error {
	for _, s := range sizes {
		if s.value < 0 {
			return fault.Invalid(at+s.field, at+s.field+" is negative", "give a positive number, or 0 for the default")
		}
	}
	return nil
}

// checkConnection refuses a connection that is wrong for every connector.
func (o *Options) checkConnection(name string, c *Connection) error {
	at := "connections." + name
	modes := []string{string(config.Direct), string(config.Hosted)}
	rates := []string{string(config.RateManifest), string(config.RateLearned), string(config.RateOff)}
	switch {
	case name == "":
		return fault.Invalid("connections", "a connection has no name", "give it one")
	case c.Connector == "":
		return fault.Invalid(at+".connector", "connection "+name+" names no connector", "add connector: and the connector's name")
	case c.RateLimit != "" && !slices.Contains(rates, string(c.RateLimit)):
		return fault.Invalid(at+".rate_limit", fmt.Sprintf("connection %s has the unknown rate limit %q", name, c.RateLimit), "use manifest, learned or off")
	case c.Mode != "" && !slices.Contains(modes, string(c.Mode)):
		return fault.Invalid(at+".mode", fmt.Sprintf("connection %s has the unknown mode %q", name, c.Mode), "use direct or hosted")
	case c.Mode != config.Hosted && c.Airbyte != nil:
		return fault.Invalid(at+".airbyte", "connection "+name+" has airbyte, which works only in mode hosted", "set mode: hosted, or remove airbyte")
	case c.Mode == config.Hosted && c.Server != "":
		return fault.Invalid(at+".server", "connection "+name+" has a server, which works only in mode direct", "remove server; to change the Airbyte API's address, use base_url under airbyte")
	case o.Proxy != nil && plainHTTP(c.Server):
		return fault.Invalid(at+".server", "the server of connection "+name+" is an http URL, but a proxy needs https", "write https, or remove proxy")
	case c.TLS != nil && c.TLS.CAFile == "":
		return fault.Invalid(at+".tls", "connection "+name+" has tls without ca_file", "add ca_file with the authority's certificate, or remove tls")
	case c.TLS != nil && plainHTTP(c.Server):
		return fault.Invalid(at+".tls", "tls needs https, but the server of connection "+name+" is an http URL", "write https, or remove tls")
	}
	if c.Mode == config.Hosted {
		if err := hosted.Check(name, c); err != nil {
			return err
		}
	}
	schemes := slices.Collect(maps.Keys(o.Sources))
	for field, reference := range c.Credentials {
		if _, err := secret.ParseRef(reference, schemes...); err != nil {
			return fault.Under(at+".credentials."+field, err)
		}
		if _, both := c.Secrets[field]; both {
			return fault.Invalid(at+".credentials."+field, "connection "+name+" has "+field+" in both Credentials and Secrets", "give it once")
		}
	}
	if _, err := backend.NewGrant(name, c.Allow); err != nil {
		return err
	}
	l := c.Limits
	return notNegative(at+".limits.",
		size{"timeout", int64(l.Timeout)}, size{"memory", l.Memory}, size{"fuel", l.Fuel}, size{"requests", int64(l.Requests)},
		size{"request_bytes", l.RequestBytes}, size{"response_bytes", l.ResponseBytes}, size{"download_bytes", l.DownloadBytes}, size{"output_bytes", l.OutputBytes},
		size{"log_lines", int64(l.LogLines)}, size{"log_bytes", l.LogBytes}, size{"concurrency", int64(l.Concurrency)},
	)
}

func plainHTTP(url string) bool { return strings.HasPrefix(strings.ToLower(url), "http:") }
