// Package devloop is what agenthost plugin dev has besides the command: a host with one connector, which
// another build replaces while it runs, and a vendor of recorded answers that the host reaches and
// nothing else.
//
// What a connector may do is approved in the memory of the process. Its author approves nothing by editing
// it: so such a host has made-up credentials only, reads no configuration and no environment, and its
// network is the one address of the stand-in.
package devloop

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/approval"
	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/catalog"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/modulebuild"
	"github.com/agenthost/agenthost/internal/pattern"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// Options configure a [Session].
type Options struct {
	// Cache keeps compiled modules, and CompileWorker compiles them, as in host.Options.
	Cache         string
	CompileWorker []string
	// Sink gets the record of every call.
	Sink   audit.Sink
	Logger hclog.Logger
	Now    func() time.Time
}

// Session is a host with the connector that is being written. Get one from [Start].
type Session struct {
	StandIn *StandIn
	// Folder is private to the process, and removed by Close.
	Folder string

	host      *host.Host
	now       func() time.Time
	installed *catalog.InstalledSet[approval.File]
	vendor    *vendorsim.Server
	own       *connections

	mu      sync.Mutex
	current *grant.Module // nil before the first build
	used    []string      // files of builds, the last one at the end
	builds  int           // that were asked for a file
}

// Start starts the stand-in and a host without a connector.
func Start(ctx context.Context, o Options) (_ *Session, err error) {
	s := &Session{StandIn: new(StandIn), now: o.Now, own: new(connections)}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close(context.WithoutCancel(ctx)))
		}
	}()
	if s.Folder, err = os.MkdirTemp("", "agenthost-dev-*"); err != nil {
		return nil, err
	}
	if s.vendor, err = vendorsim.Start(ctx, s.StandIn, vendorsim.Options{LogSize: -1, ErrorLog: o.Logger.Named("stand-in").StandardLogger(nil)}); err != nil {
		return nil, err
	}
	address := strings.TrimPrefix(s.vendor.URL, "http://")
	s.installed = catalog.NewInstalledSet[approval.File](filepath.Join(s.Folder, "connectors"), nil)
	if err := os.Mkdir(filepath.Join(s.Folder, "connectors"), 0o700); err != nil {
		return nil, err
	}
	options := host.Options{
		Installed: s.installed, Connections: s.own, Cache: o.Cache, CompileWorker: o.CompileWorker, Logger: o.Logger, Sinks: []audit.Sink{o.Sink},
		LookupEnv: func(string) (string, bool) { return "", false },
	}
	options.Seams = onlyTo(address, o.Now)
	s.host, err = host.Open(ctx, options)
	return s, err
}

// onlyTo is a network of one address.
func onlyTo(address string, now func() time.Time) host.Seams {
	return host.Seams{Resolver: nowhere{}, Now: now, Dial: func(ctx context.Context, network, to string) (net.Conn, error) {
		if to != address {
			return nil, errElsewhere
		}
		return new(net.Dialer).DialContext(ctx, network, to)
	}}
}

// errElsewhere is the error of every connection but to the stand-in.
var errElsewhere = errors.New("agenthost plugin dev reaches its stand-in only")

// nowhere finds no host: the stand-in is an address.
type nowhere struct{}

// LookupNetIP implements host.Seams.
func (nowhere) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return nil, errElsewhere
}

// Close ends the host and the stand-in, and removes the folder.
func (s *Session) Close(ctx context.Context) error {
	var err error
	if s.host != nil {
		err = s.host.Close(ctx)
	}
	if s.vendor != nil {
		err = errors.Join(err, s.vendor.Close())
	}
	if s.Folder != "" {
		err = errors.Join(err, os.RemoveAll(s.Folder))
	}
	return err
}

// Host runs calls of the connector.
func (s *Session) Host() *host.Host { return s.host }

// Vendor is the URL of the stand-in.
func (s *Session) Vendor() string { return s.vendor.URL }

// Connection is the name of the connection, which is the connector's; empty before the first build.
func (s *Session) Connection() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil {
		return ""
	}
	return s.current.Name
}

// Swap is how a build differs from the one before.
type Swap struct {
	First, Same     bool
	Wider, Narrower []string
}

// Use puts a build, whose file is in the folder of connectors, into the place of the one before: calls use it from the next one on. After an error,
// everything stays as it is. No two calls of Use may run at the same time.
func (s *Session) Use(ctx context.Context, r *modulebuild.Result) (*Swap, error) {
	now := &grant.Module{Name: r.Manifest.Name, Version: r.Manifest.Version, Digest: r.Digest, Reach: grant.ReachOf(r.Manifest, r.Auth)}
	s.mu.Lock()
	before := s.current
	s.mu.Unlock()
	swap := &Swap{First: before == nil}
	if before != nil {
		swap.Wider, swap.Narrower = now.Reach.Beyond(before.Reach), before.Reach.Beyond(now.Reach)
		if swap.Same = before.Digest == now.Digest; swap.Same {
			same := r.File
			r.File = s.used[len(s.used)-1]
			return swap, os.Remove(same)
		}
	}
	connection, err := s.connection(r)
	if err != nil {
		return nil, err
	}
	approved := new(approval.File)
	approved.Set(grant.Approval{Module: *now, At: s.now(), By: "agenthost plugin dev"})
	if err := s.installed.Put(ctx, catalog.InstalledConnector[approval.File]{Name: now.Name, Digest: now.Digest, Path: r.File, Approval: approved}); err != nil {
		return nil, err
	}
	if before != nil && before.Name != now.Name {
		s.installed.Remove(before.Name)
	}
	s.own.set(now.Name, connection)
	s.mu.Lock()
	s.current = now
	s.mu.Unlock()
	s.used = append(s.used, r.File)
	for len(s.used) > 2 { // no call uses the ones before
		_ = os.Remove(s.used[0]) // Close removes what is left
		s.used = s.used[1:]
	}
	return swap, nil
}

// Next is the file for the next build, which [Session.Use] takes as it is.
func (s *Session) Next() string {
	s.builds++
	return filepath.Join(s.Folder, "connectors", strconv.Itoa(s.builds)+".wasm")
}

// connection is one to the stand-in, with values that the connector takes and that nobody has.
func (s *Session) connection(r *modulebuild.Result) (config.Connection, error) {
	c := config.Connection{Connector: r.Manifest.Name, Server: s.vendor.URL, Config: make(map[string]string), Secrets: make(map[string]secret.Value)}
	for _, f := range r.Manifest.Config {
		switch {
		case f.Default != "":
		case len(f.Enum) > 0:
			c.Config[f.Name] = f.Enum[0]
		case f.Type == "integer":
			c.Config[f.Name] = "1"
		case f.Type == "boolean":
			c.Config[f.Name] = "true"
		case f.Required:
			text, err := madeUp(f, "example")
			if err != nil {
				return c, err
			}
			c.Config[f.Name] = text
		}
	}
	scheme := schemeOf(r.Auth)
	if scheme == nil {
		return c, nil
	}
	for _, f := range scheme.Fields {
		text, err := madeUp(f, "made-up-"+rand.Text())
		if err != nil {
			return c, err
		}
		c.Secrets[f.Name] = secret.New([]byte(text))
	}
	if scheme.OAuth2 != nil { // a token that a person has already, so that nobody is asked for one
		c.Secrets["access_token"] = secret.New([]byte("made-up-" + rand.Text()))
	}
	return c, nil
}

// schemeOf is the first scheme that needs no authorization server, or else the first one.
func schemeOf(auth *abi.AuthSchema) *abi.AuthScheme {
	for i := range auth.Schemes {
		if auth.Schemes[i].OAuth2 == nil {
			return &auth.Schemes[i]
		}
	}
	if len(auth.Schemes) == 0 {
		return nil
	}
	return &auth.Schemes[0]
}

// madeUp is a value that a field takes.
func madeUp(f abi.AuthField, seed string) (string, error) {
	if f.Pattern == "" {
		return seed, nil
	}
	whole, err := pattern.Whole(f.Pattern)
	if err != nil {
		return "", err
	}
	for _, text := range []string{seed, pattern.Sample(f.Pattern, seed)} {
		if whole.MatchString(text) {
			return text, nil
		}
	}
	return "", fault.Invalid(f.Name, "cannot make up a value that matches "+f.Pattern, "write a simpler pattern")
}

// connections are the one of the connector. It implements host.Connections.
type connections struct {
	mu       sync.Mutex
	name     string
	revision int
	value    config.Connection
	changes  chan<- host.ConnectionChange // nil while nobody listens
}

func (c *connections) set(name string, value config.Connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.name, c.value = name, value
	c.revision++
	select {
	case c.changes <- host.ConnectionChange{Everything: true}:
	default: // one that waits says the same, or nobody listens
	}
}

// Get implements host.Connections.
func (c *connections) Get(_ context.Context, _ host.Principal, name string) (config.Connection, string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.revision == 0 || name != c.name {
		return config.Connection{}, "", host.ErrNoConnection
	}
	return c.value, strconv.Itoa(c.revision), nil
}

// List implements host.Connections.
func (c *connections) List(_ context.Context, _ host.Principal, prefix, _ string) (host.ConnectionPage, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var page host.ConnectionPage
	if c.revision > 0 && strings.HasPrefix(c.name, prefix) {
		page.Connections = []host.ListedConnection{{Name: c.name, Revision: strconv.Itoa(c.revision), Connection: c.value}}
	}
	return page, nil
}

// Changes implements host.Connections.
func (c *connections) Changes(ctx context.Context) (<-chan host.ConnectionChange, error) {
	changes := make(chan host.ConnectionChange, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes = changes
	context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.changes = nil
		close(changes)
	})
	return changes, nil
}
