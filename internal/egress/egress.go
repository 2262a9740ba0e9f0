// Package egress is the only code that opens connections to vendors.
//
// A [Client] serves one connection: its servers, its credential, its limits. The guest
// names a server, a method and a path template that the running operation declares, and
// values. Egress builds one request from them, and matches, resolves, dials and sends that
// very request. [Client.Send] lists the steps.
//
// A guest cannot choose an origin or an address; see or set a credential; reach a private
// address; follow a redirect elsewhere; send or receive more than its budget; or wait longer
// than the call's deadline. Package grant decides whether a request may be sent. Other
// packages decide which operations are allowed, and limit rates.
//
// The package has no cookie jar and no cache, and does not read the environment.
package egress

import (
	"cmp"
	"context"
	crand "crypto/rand"
	"encoding/hex"
	"net/http"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/egress/wire"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/policy"
	"github.com/agenthost/agenthost/internal/redact"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// Config configures a [Client]: its servers, credential and limits. Servers is required.
type Config struct {
	// Servers are the manifest's: https origins with an optional base path.
	Servers []abi.Server
	// Server is the id of the server that the connection uses; empty means the first one.
	Server string
	// Override is the operator's own URL for that server. Only its scheme, host and port
	// may be plain http, private or loopback.
	Override string
	// Auth is the chosen scheme; nil sends no credential.
	Auth *abi.AuthScheme
	// Credentials are the values of the scheme's fields, by name.
	Credentials map[string]secret.Value
	// Hidden are further secrets to redact, such as those that a body carries.
	Hidden []secret.Value
	// Tables bounds the memory that Clients use to search for secrets; nil sets no bound
	// (about 80 KB).
	Tables *redact.Tables
	// RawBody leaves the bodies of answers unredacted, for callers that look for a secret
	// in them. Headers and errors are still redacted.
	RawBody bool
	// Share is a Client with the same servers, whose network connections this one uses
	// too. It is for credentials that replace each other, such as access tokens.
	Share *Client
	// Idle bounds the idle connections of several Clients; nil bounds those of this one.
	Idle *IdleConnections
	// Planning makes a Client that sends nothing: it builds requests for [Scope.Show], and the
	// Credentials are no secrets, but the names of their fields in braces. See [Placeholder].
	Planning bool
	// Limits bound one request; fields that are 0 have safe defaults.
	Limits Limits
	// Proxy is the operator's proxy; nil connects to vendors directly.
	Proxy *Proxy
	// Retry says how to repeat requests that may be repeated.
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

// At returns a configuration with the same limits and seams for one origin, without
// credentials and with nothing shared. Errors name the origin by id. If operator is true, it
// may be plain http and at a private address.
func (c Config) At(id, origin string, operator bool) Config {
	c.Servers, c.Server, c.Override = []abi.Server{{ID: id, URL: origin}}, "", ""
	c.Auth, c.Credentials, c.Hidden, c.RawBody, c.Share = nil, nil, nil, false, nil
	if operator {
		// A placeholder, which the operator's URL replaces.
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
	planning bool
	// names finds the secrets in lower case, in the names of headers, whose case servers
	// and proxies change.
	names     *redact.Redactor
	limits    Limits
	retry     Retry
	requestID func() string
	log       hclog.Logger
	seams     seams.Seams // complete
	proxy     *Proxy
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
		planning:  config.Planning,
		requestID: config.RequestID,
		log:       config.Logger,
		proxy:     config.Proxy,
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

// share uses the connections of another Client. Their diallers know the other Client's
// servers, so both must have the same ones.
func (c *Client) share(with *Client) error {
	for id, s := range c.servers {
		if other := with.servers[id]; other == nil || other.origin != s.origin || other.private != s.private {
			return fault.Invalid("share", "the server "+id+" is not the same in both clients", "share connections between clients of the same servers")
		}
	}
	c.pools = with.pools
	return nil
}

// Close closes idle connections, and those of running requests once these end.
func (c *Client) Close() { c.pools.closeIdle() }

// Scope is what the running operation may do, and its budget for one call. The zero
// Scope permits nothing.
type Scope struct {
	// Requests are those that the operation declares.
	Requests []abi.RequestTemplate
	// Content is the form of the answers to those that declare none; empty means JSON.
	Content abi.Content
	// Sink, if not nil, takes an answer of status 2xx that is not declared to be JSON: the
	// response has no body then, unless it is JSON all the same.
	Sink *Sink
	// Grant narrows them further; nil permits them all.
	Grant *policy.Grant
	// Given are the parameters of the call; they tell whose fault a wrong value is.
	Given *wire.Given
	// Retry permits repeating a request that may have arrived: the operation reads or is
	// idempotent.
	Retry bool
	// Reads says that the operation changes no data, even with a method like POST. After
	// a status of 500 only a read is repeated: a write may have happened in part.
	Reads bool
	// RetryRefused says that the vendor does nothing when it answers 429 with a
	// Retry-After, so that even a write may be sent again.
	RetryRefused bool
	// Budget is shared by all requests of the call; nil permits nothing.
	Budget *Budget
	// Rate keeps to the vendor's rate limit; nil does not wait.
	Rate Rate
	// Attempt, if not nil, is called after every attempt, on the goroutine of Send.
	Attempt func(Attempt)
	// Show, if not nil, is called before a request is sent for the first time, and before one that a
	// redirect asks for, on the goroutine of Send. Its error ends the request, which is not sent. A
	// repetition of the same request is not shown.
	Show func(*Shown) *abi.Error
	// Again is that of what is shown.
	Again bool
}

// Rate is the vendor's rate limit for the running operation.
type Rate interface {
	// Wait returns when a request may be sent. Its error is an *[abi.Error].
	Wait(ctx context.Context) error
	// Learn is called with every answer.
	Learn(status int, header http.Header)
}

// Response is a vendor's response. It has none of the connection's secrets.
type Response struct {
	Status int
	// Header has canonical names. It lacks hop-by-hop headers, cookies, and the headers
	// of an encoding that was undone.
	Header http.Header
	// Body is decoded and complete.
	Body []byte
	// Attempts is how many requests were sent, redirects included.
	Attempts int
	// RequestID is the X-Request-Id of the last of them.
	RequestID string
	// wireBytes is the size of the body as it came, before it was decoded.
	wireBytes int64
	// saved is the size of a body that went into a Sink.
	saved int64
	// file is what the answer names, if the request declares a file.
	file *named
}

// requestID returns 128 random bits, so that a vendor cannot link calls by it.
func requestID() string {
	var b [16]byte
	var text [2 * len(b)]byte
	_, _ = crand.Read(b[:]) // never fails
	hex.Encode(text[:], b[:])
	return string(text[:])
}
