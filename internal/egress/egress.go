// Package egress is the only code that opens a connection to a vendor. It sends the
// requests that a connector asks for, and no others.
//
// A [Client] serves one connection: its servers, its credential, its limits. The guest
// names a server, a method and a path template that the running operation declares, and
// values; egress makes of them one request, and that very request is matched, resolved,
// dialled and sent. [Client.Send] reads as the list of the steps.
//
// What a guest cannot do: choose an origin or an address; see or set a credential;
// reach a private address; follow a redirect to elsewhere; send or receive more than its
// budget; wait longer than the call's deadline. Whether a request may be sent is decided by
// package grant, on the very values that are then resolved, dialled and sent. What the
// package does not do: decide which operations are allowed, or limit rates.
//
// The package has no cookie jar and no cache, and does not read the environment.
package egress

import (
	"cmp"
	"context"
	crand "crypto/rand"
	"encoding/hex"
	"net/http"

	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/egress/wire"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/redact"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// Config configures a [Client]: its servers, credential and limits. Servers is required.
type Config struct {
	// Servers are the manifest's: https origins with an optional base path.
	Servers []abi.Server
	// Server is the id of the server that the connection chose; empty means the
	// first one.
	Server string
	// Override is the operator's own URL for the chosen server. It is the only way
	// to plain http and to private and loopback addresses, and opens them for that
	// one scheme, host and port.
	Override string
	// Auth is the chosen scheme; nil sends no credential.
	Auth *abi.AuthScheme
	// Credentials are the values of the scheme's fields, by name.
	Credentials map[string]secret.Value
	// Hidden are further secrets that no answer may hold, such as those that a body
	// carries.
	Hidden []secret.Value
	// Tables bounds the memory of the Client's search for secrets, together with others';
	// nil leaves it unbounded, at some 80 KB.
	Tables *redact.Tables
	// RawBody says that the body of an answer comes as the server wrote it, credentials
	// and all: for who looks for a secret in it. Headers and errors do not.
	RawBody bool
	// Share is a Client with the same servers, whose connections and limits of
	// connections this one shares. It is for credentials that follow each other, as
	// access tokens do. Nil makes connections of its own.
	Share *Client
	// Idle bounds the idle connections of this Client together with those of others. Nil
	// bounds its own.
	Idle *IdleConnections
	// Limits bound one request; fields that are 0 have safe defaults.
	Limits Limits
	// Proxy is the operator's way out; nil connects to vendors directly.
	Proxy *Proxy
	// Retry says how to repeat what may be repeated.
	Retry Retry
	// UserAgent is sent with every request; empty means "agenthost".
	UserAgent string
	// RequestID returns the X-Request-Id of the next request, which goes to the vendor
	// and into the log; nil means 128 random bits in hexadecimal.
	RequestID func() string
	// Logger gets one debug line per attempt, without queries, headers and bodies.
	// Nil logs nothing.
	Logger hclog.Logger
	// Seams are the network, the clock and chance.
	seams.Seams
}

// At returns a configuration of the same limits and seams for one origin, which errors name
// by an id, without credentials and without anything shared. Where the operator named the
// origin, it may be at plain http and at a private address.
func (c Config) At(id, origin string, operator bool) Config {
	c.Servers, c.Server, c.Override = []abi.Server{{ID: id, URL: origin}}, "", ""
	c.Auth, c.Credentials, c.Hidden, c.RawBody, c.Share = nil, nil, nil, false, nil
	if operator {
		// Stands for the server's own URL, which the operator's takes the place of.
		c.Servers[0].URL, c.Override = "https://"+id+".invalid", origin
	}
	return c
}

// Client sends requests for one connection. It may be used by several goroutines.
type Client struct {
	servers  map[string]*server
	chosen   *server
	rules    wire.Rules
	injector injector
	redactor *redact.Redactor
	rawBody  bool
	// names finds the secrets in lower case, for the names of headers, whose case no
	// server and no proxy keeps.
	names     *redact.Redactor
	limits    Limits
	retry     Retry
	requestID func() string
	log       hclog.Logger
	seams     seams.Seams // complete
	pools     *pools
}

// New returns a Client.
//
// # Errors
//
// All are *[abi.Error] and name the field at fault: kind invalid_params for a bad
// server, override or scheme, auth_failed for a missing or unusable credential.
func New(config Config) (*Client, error) {
	config.Seams = config.Seams.WithDefaults()
	c := &Client{
		limits:    config.Limits.withDefaults(),
		retry:     config.Retry.withDefaults(),
		rawBody:   config.RawBody,
		requestID: config.RequestID,
		log:       config.Logger,
		seams:     config.Seams,
	}
	c.rules.Limits = wire.Limits{URL: c.limits.URL, Headers: c.limits.RequestHeaders, Body: c.limits.RequestBody}
	c.rules.UserAgent = []string{cmp.Or(config.UserAgent, "agenthost")}
	if !wire.ValidHeaderValue(c.rules.UserAgent[0]) {
		return nil, fault.Invalid("user_agent", "the user agent has a line break or another control character", "use printable characters")
	}
	if c.requestID == nil {
		c.requestID = requestID
	}
	if c.log == nil {
		c.log = hclog.NewNullLogger()
	}
	if err := c.addServers(config); err != nil {
		return nil, err
	}
	c.rules.Chosen, c.rules.Servers = c.chosen.id, make(map[string]wire.Server, len(c.servers))
	for _, s := range c.servers {
		c.rules.Servers[s.id] = wire.Server{Origin: s.origin, Base: s.base}
		if err := config.Proxy.takes(s.origin); err != nil {
			return nil, err
		}
	}
	if err := c.addCredential(config); err != nil {
		return nil, err
	}
	if config.Share != nil {
		return c, c.share(config.Share)
	}
	c.pools = newPools(config, c.limits)
	return c, nil
}

// share takes over the connections of another Client. Its diallers know the other
// Client's servers, so they must be the same.
func (c *Client) share(with *Client) error {
	for id, s := range c.servers {
		if other := with.servers[id]; other == nil || other.origin != s.origin || other.private != s.private {
			return fault.Invalid("share", "the server "+id+" is not the same in both clients", "share connections between clients of the same servers")
		}
	}
	c.pools = with.pools
	return nil
}

// Close closes idle connections. Requests that are under way end normally, and their
// connections with them.
func (c *Client) Close() { c.pools.closeIdle() }

// Scope is what the running operation may do, and its budget for one call. The zero
// Scope permits nothing.
type Scope struct {
	// Requests are those that the operation declares.
	Requests []abi.RequestTemplate
	// Grant narrows them further; nil does not.
	Grant *grant.Grant
	// Given are the parameters of the call, which tell whose fault a wrong value is.
	Given *wire.Given
	// Retry says that a request may be repeated although it may have arrived: the
	// operation reads or is idempotent.
	Retry bool
	// Reads says that the operation changes nothing, whatever the method. A status of
	// 500 may mean that a write happened in part; after a read it is worth another try.
	Reads bool
	// RetryRefused says that an answer of 429 with a Retry-After means that nothing was
	// done, so that even a write may be sent again.
	RetryRefused bool
	// Budget is shared by all requests of the call; nil permits nothing.
	Budget *Budget
	// Rate keeps within what the vendor allows; nil waits for nothing.
	Rate Rate
	// Attempt is told of every attempt when it has ended, on the goroutine of Send; nil
	// is told of nothing.
	Attempt func(Attempt)
}

// Rate is the vendor's rate limit for the running operation.
type Rate interface {
	// Wait returns when a request may be sent. Its error is an *[abi.Error].
	Wait(ctx context.Context) error
	// Learn is told of every answer.
	Learn(status int, header http.Header)
}

// Response is a vendor's response. It has none of the connection's secrets.
type Response struct {
	Status int
	// Header has canonical names. Hop-by-hop headers, cookies and the headers that
	// describe an encoding which has been undone are not in it.
	Header http.Header
	// Body is decoded and complete.
	Body []byte
	// Attempts is how many requests were sent, redirects included.
	Attempts int
	// RequestID is the X-Request-Id of the last of them.
	RequestID string
	// wireBytes is the size of the body as it came, before it was decoded.
	wireBytes int64
}

// requestID returns 128 random bits. They say nothing about the call, so that a vendor
// cannot tell by them which calls belong together.
func requestID() string {
	var b [16]byte
	var text [2 * len(b)]byte
	_, _ = crand.Read(b[:]) // never fails
	hex.Encode(text[:], b[:])
	return string(text[:])
}
