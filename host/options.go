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

	"github.com/agenthost/agenthost/host/approval"
	"github.com/agenthost/agenthost/host/ask"
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
	// Plugins is a folder of .wasm files. The host reads it when it needs a connector that it does
	// not know yet, or regularly with Reload.
	Plugins string
	// Reload is how often to look whether files of the plugins folder appeared, changed or went.
	// The host takes a file that was the same in two looks. 0 means never: a connection then keeps
	// the connector that it was first used with. [Host.OnChange] tells of changes.
	Reload time.Duration
	// Installed are connectors beside those of Plugins, with their approvals: those that package server
	// keeps. Other programs leave it out.
	Installed *catalog.InstalledSet[approval.File]
	// Copies are copies of the records of direct connections, to search in: programs of this module open
	// them. Other programs leave it out.
	Copies backend.Copies
	// Connections are those of the host, such as [StaticConnections]. Nil means that the
	// environment makes them: one for each connector whose variables are set, such as
	// AGENTHOST_PYLON_API_TOKEN, which may do all that its connector can. If Connections is set,
	// the environment makes none.
	Connections Connections
	// Environment lets the environment make connections in addition to Connections.
	Environment bool
	// Lock is the file that says which connectors a person approved (agenthost.lock). The host
	// describes a connector that is not in it, but denies its calls. Empty keeps no approvals: the
	// program vouches for what is in Plugins, and so for anyone who can write there.
	Lock string
	// Updates decides on a new version of an approved connector. Empty accepts a version that needs
	// no further access, and records it in Lock.
	Updates grant.UpdatePolicy
	// Revoked, if not nil, says why a connector of Lock that came from a registry must not run any more,
	// such as that its signer is revoked. It returns an empty text for one that may.
	Revoked func(*grant.Approval) string
	// FirstParty are connectors that need no approval: the SHA-256 of each module, in
	// hexadecimal, by the connector's name.
	FirstParty map[string]string
	// Declared returns what the module with a digest declares, if the program knows it, such as for
	// a connector that is built into it. The host calls it if the cache has no declaration. Digest
	// is the SHA-256 of the file, in hexadecimal, so that a declaration never serves another file.
	// Nil knows none.
	Declared func(digest string) (Declaration, bool)
	// Cache is a private folder for compiled modules, which must belong to this user; empty means
	// agenthost in the user's cache folder. If that is not writable, the host makes a folder for
	// itself, which Close removes.
	Cache string
	// UnloadAfter is how long the native code of an unused connector, some 10 MB, stays in memory;
	// 0 means five minutes. The next call loads it again in about 20 ms.
	UnloadAfter time.Duration
	// CompileWorker is a program and its arguments. It compiles new modules in a separate process,
	// within CompileTimeout and CompileMemory: it calls [ServeCompile] with the arguments that
	// follow, and is built with this package. If it is empty, the host compiles in this process,
	// where only vetting limits the cost of a module.
	CompileWorker []string
	// CompileTimeout is the wall time of a worker; 0 means 60 seconds.
	CompileTimeout time.Duration
	// CompileMemory is the most memory of a worker, in bytes; 0 means 1 GiB.
	CompileMemory int64
	// CompileAhead lets the host compile in the background, one connector at a time, in the compile
	// worker, which it needs. First come connectors that may run and whose declaration is unknown.
	// Then, at the lowest priority, come those that a connection uses and that are not compiled
	// yet, and files without an approval. [Host.Tools] and [Host.Connections] do not wait: they
	// cover the known connectors, and [Host.OnChange] tells when there are more. A call does not
	// wait for other connectors. Without it, the first use of a connector compiles it.
	CompileAhead bool
	// OnCompile, if not nil, is called for each caller that waits for the compilation of a
	// connector. It gets the connector's name, or its file's if the name is not known yet. The
	// caller waits for it. It may be called by several goroutines at once, and must not use the
	// host.
	OnCompile func(connector string)
	// Running is how many guests of all connections run at once; 0 means the number of processors
	// that Go may use. A guest that waits for its vendor does not run. If more guests want to run,
	// connections take turns of 5 ms.
	Running int
	// HostBytes is how many bytes of all calls may be in flight: parameters, answers of vendors,
	// output of guests, and long messages of clients. A call starts when its parameters and 1 MiB
	// are free, and ends with limit_exceeded if it needs more than is free. 0 means 256 MiB; the
	// least is 2 MiB.
	HostBytes int64
	// WorkspaceLimits are what the calls of one workspace may use at a time: Calls, Bytes, Queue and
	// Wait, as serve.limits has them. They do not count for the operator's own calls.
	WorkspaceLimits backend.WorkspaceLimits
	// Logger gets the host's and the connectors' log lines; nil logs nothing.
	Logger hclog.Logger
	// Audit says where the record of every call is kept; the zero value keeps none.
	Audit config.Audit
	// Sinks also get the record of every call: the embedder's own trail, or traces and metrics with
	// adapters/otel. Audit.Required applies to them too.
	Sinks []audit.Sink
	// Proxy is the way to vendors, their authorization servers and the Airbyte API; nil
	// connects to them directly, and ignores proxies in the environment.
	Proxy *config.Proxy
	// Secrets says where references to secrets lead; the zero value knows all places
	// that need no configuration.
	Secrets config.Secrets
	// Sources are the program's own secret sources, by the scheme of their references: with
	// {"corp": source}, corp:pylon reads "pylon". The built-in schemes cannot be replaced.
	Sources map[string]secret.Source
	// IdleConnections is the most idle network connections to vendors that the host keeps; 0 means
	// 512. It closes each after a minute of idleness.
	IdleConnections int
	// Asks keeps the questions to persons that calls of operations in allow.ask need, and their
	// answers. Without it such a call is denied, unless [Call.Confirm] asks.
	Asks ask.Store
	// AskWait is how long such a call waits for the answer, beyond the time that it may take else;
	// then it ends with the code needs_approval, and the id of the question. 0 does not wait.
	AskWait time.Duration
	// AskExpires is how long a question and its answer are good; 0 means an hour.
	AskExpires time.Duration
	// Caller is the caller of a call without [Call.Caller].
	Caller string
	// LookupEnv reads the environment for env: references and for connections
	// that exist because their variables are set. Nil means os.LookupEnv.
	LookupEnv func(string) (string, bool)

	// Seams replace the network, the clock and chance, for tests and for unusual networks. The zero
	// value means the real ones.
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

// FromConfig returns the options that a configuration asks for. It opens no store for Asks.
func FromConfig(c *config.Config) Options {
	o := Options{Plugins: c.Plugins, Cache: c.Cache, Environment: c.Environment, Lock: c.Lock, Updates: c.Updates, Proxy: c.Proxy, Audit: c.Audit, Secrets: c.Secrets, HostBytes: c.HostBytes, AskWait: c.Asks.Wait, AskExpires: c.Asks.Expires}
	if c.Connections != nil {
		o.Connections = StaticConnections(c.Connections)
	}
	if c.Trust != nil {
		o.Revoked = func(a *grant.Approval) string { return c.Trust.Revokes(a.Source.Reference.Digest, a.Source.Signer) }
	}
	return o
}

// check refuses what Open does not know. A file is read as strictly by package config; in Go
// a misspelt word is only a string, and one that decides something must not be taken for
// another.
func (o *Options) check() error {
	if err := notNegative("",
		size{"reload", int64(o.Reload)}, size{"asks.wait", int64(o.AskWait)}, size{"asks.expires", int64(o.AskExpires)}, size{"unload_after", int64(o.UnloadAfter)},
		size{"compile_timeout", int64(o.CompileTimeout)}, size{"compile_memory", o.CompileMemory},
		size{"idle_connections", int64(o.IdleConnections)}, size{"running", int64(o.Running)}, size{"limits.host_bytes", o.HostBytes},
		size{"serve.limits.calls", int64(o.WorkspaceLimits.Calls)}, size{"serve.limits.bytes", o.WorkspaceLimits.Bytes},
		size{"serve.limits.queue", int64(o.WorkspaceLimits.Queue)}, size{"serve.limits.wait", int64(o.WorkspaceLimits.Wait)},
		size{"audit.max_size", o.Audit.MaxSize}, size{"audit.keep", int64(o.Audit.Keep)},
	); err != nil {
		return err
	}
	policies := []string{string(grant.UpdatesSameReach), string(grant.UpdatesNever)}
	switch {
	case o.HostBytes > 0 && o.HostBytes < backend.LeastMemory:
		return fault.Invalid("limits.host_bytes", fmt.Sprintf("limits.host_bytes is %d, which is too little for one call", o.HostBytes), fmt.Sprintf("give %d or more, or 0 for the default", backend.LeastMemory))
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
