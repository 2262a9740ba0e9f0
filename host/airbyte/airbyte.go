// Package airbyte is a client of the Airbyte API, through which hosted connections run
// their operations: it keeps the vendors' credentials and calls the vendors.
//
// Every request goes out through host/egress, with its guard against addresses, its
// limits, its redaction and its repetitions. What this package adds is the service
// itself: access tokens that expire, organizations, workspaces, connectors and what it
// answers. The client secret is a [secret.Value] that is written into the body of the
// request for a token and nowhere else, and is read anew where [Config.Renew] says how.
//
// The wire format is what the vendor's own clients were observed to send in 2026, and
// the documents "Airbyte Agent API" 0.9.0 and the connectors' authentication pages.
package airbyte

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/agenthost/agenthost/host/egress"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/host/secret/lease"
	"github.com/hashicorp/go-hclog"
)

// Config says where the service is and who asks. ClientID and ClientSecret are required.
type Config struct {
	// BaseURL is the operator's own URL of the service; empty means [DefaultBaseURL].
	// As with a connection's server, it is the only way to plain http and to a
	// private address.
	BaseURL string
	// ClientID and ClientSecret are those of an application of the Airbyte account, as
	// they were read just now.
	ClientID, ClientSecret secret.Value
	// Renew reads both again, for applications whose secret is replaced while the client
	// is in use. It is called before a request for a token, where they were last read
	// longer than RenewAfter ago, and where the service does not know them; never by two
	// goroutines at a time. Its ctx ends after 15 seconds, and not with a call's. An error
	// that is an *[abi.Error] and Retryable lets what was read before serve for 15 minutes
	// from its reading; every other one is that of the calls that wait for the token. It
	// must hold no secret. Nil means that the two never change.
	Renew func(ctx context.Context) (clientID, clientSecret secret.Value, err error)
	// RenewAfter is how long they are used before they are read again; 0 means a minute.
	RenewAfter time.Duration
	// OrganizationID is sent with every request where it is set. An application that
	// belongs to several organizations needs it.
	OrganizationID string
	// UserAgent is sent with every request.
	UserAgent string
	// Logger gets debug lines, without secrets. Nil logs nothing.
	Logger hclog.Logger

	// The seams below are for tests and for networks with rules of their own, as in
	// [egress.Config]. Nil means the real thing.

	Resolver egress.Resolver
	Dial     func(ctx context.Context, network, address string) (net.Conn, error)
	Now      func() time.Time
	Sleep    func(ctx context.Context, d time.Duration) error
	Rand     func() float64
	RootCAs  *x509.CertPool
}

// Client asks the service on behalf of one application. It is safe for concurrent use:
// all calls share one access token and one set of connections. Get one from [New].
type Client struct {
	config Config
	log    hclog.Logger
	now    func() time.Time
	// connections is the first client, whose connections serve all others.
	connections *egress.Client
	application *lease.Lease[application]
	tokens      tokens
	lookups     lookups
	// life ends when the client is closed, and with it what several calls wait for.
	life context.Context
	end  context.CancelFunc

	mu     sync.Mutex // guards closed, and that work grows no more once it is set
	closed bool
	work   sync.WaitGroup
}

// serviceID is the service's id among the servers of its egress client.
const serviceID = "airbyte"

// limits bound one request. Files travel in parameters and results; what a call may use
// of this is its budget's to say.
var limits = egress.Limits{RequestBody: 32 << 20, ResponseBody: 64 << 20, Connections: 64}

// New returns a client. It sends nothing yet.
//
// # Errors
//
// All are *[abi.Error]: kind invalid_params for a base URL or an organization that cannot
// be one, auth_failed where the client id or secret is missing.
func New(config Config) (*Client, error) {
	config.BaseURL = origin(config.BaseURL)
	c := &Client{config: config, log: config.Logger, now: config.Now}
	if c.log == nil {
		c.log = hclog.NewNullLogger()
	}
	if c.now == nil {
		c.now = time.Now
	}
	if config.OrganizationID != "" && !organizationForm.MatchString(config.OrganizationID) {
		return nil, invalid("organization_id", fmt.Sprintf("%.60q is not the id of an organization", config.OrganizationID), "it is a UUID, as the Airbyte settings show it")
	}
	first, err := c.newApplication(config.ClientID, config.ClientSecret, nil)
	if err != nil {
		return nil, err
	}
	c.connections, c.application = first.client, c.lease(first)
	c.life, c.end = context.WithCancel(context.Background())
	c.tokens.client = c
	c.lookups.client = c
	return c, nil
}

// Close ends what calls wait for, and closes idle connections. Calls that are under way
// fail.
func (c *Client) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.end()
	c.work.Wait()
	c.connections.Close()
}

// start runs work in a goroutine that Close waits for, and reports false where the client
// is closed.
func (c *Client) start(work func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.work.Go(work)
	}
	return !c.closed
}
