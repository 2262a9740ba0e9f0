// Package client is a client of the Airbyte API, through which hosted connections run
// their operations: it keeps the vendors' credentials and calls the vendors.
//
// Every request goes out through internal/egress, with its guard against addresses, its
// limits, its redaction and its repetitions. What this package adds is the service
// itself: access tokens that expire, organizations, workspaces, connectors and what it
// answers. The client secret is a [secret.Value] that is written into the body of the
// request for a token and nowhere else, and is read anew where [Config.Renew] says how.
//
// The wire format is in internal/airbyteapi.
package client

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/credential/lease"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/redact"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/hashicorp/go-hclog"
)

// Config has the address of the service and the client that asks. ClientID and ClientSecret are required.
type Config struct {
	// BaseURL is the operator's own URL of the service; empty means [airbyteapi.DefaultBaseURL].
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
	// Planning makes a client that sends nothing and needs no ClientID and ClientSecret. Only
	// [Client.Run] may be called.
	Planning bool
	// OrganizationID is sent with every request where it is set. An application that
	// belongs to several organizations needs it.
	OrganizationID string
	// UserAgent is sent with every request.
	UserAgent string
	// Logger gets debug lines, without secrets. Nil logs nothing.
	Logger hclog.Logger
	// Tables bounds the memory of the search for secrets, as in [egress.Config].
	Tables *redact.Tables
	// Proxy is the operator's way out; nil connects to the service directly.
	Proxy *egress.Proxy
	// Idle bounds the idle connections together with those of others, as in [egress.Config].
	Idle *egress.IdleConnections
	// Seams are the network, the clock and chance.
	seams.Seams
}

// Client asks the service on behalf of one application. It is safe for concurrent use:
// all calls share one access token and one set of connections. Get one from [New].
type Client struct {
	config Config
	log    hclog.Logger
	// connections is the first client, whose connections serve all others.
	connections *egress.Client
	application *lease.Lease[application]
	tokens      tokens
	lookups     lookups
	copies      readiness
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
	config.Seams = config.Seams.WithDefaults()
	c := &Client{config: config, log: config.Logger}
	if c.log == nil {
		c.log = hclog.NewNullLogger()
	}
	if config.OrganizationID != "" && !airbyteapi.IsOrganization(config.OrganizationID) {
		return nil, fault.Invalid("organization_id", fmt.Sprintf("%.60q is not the id of an organization", config.OrganizationID), "it is a UUID, as the Airbyte settings show it")
	}
	if config.Planning {
		config.ClientID, config.ClientSecret = egress.Placeholder("client_id"), egress.Placeholder("client_secret")
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

// baseURLVariables are the environment variables by which the vendor's own clients are
// pointed elsewhere: its command, its SDK and PyAirbyte. The first that is set counts.
var baseURLVariables = []string{"AIRBYTE_API_HOST", "SDK_DEV_ADP_API_HOST", "AIRBYTE_AGENTS_API_URL"}

// BaseURL returns the operator's URL of the service: the configured one, or that of the
// environment variables AIRBYTE_API_HOST, SDK_DEV_ADP_API_HOST and
// AIRBYTE_AGENTS_API_URL, in this order. It is empty if neither is set, which means
// [airbyteapi.DefaultBaseURL]. The URL may end in /api/v1, as PyAirbyte's does.
func BaseURL(configured string, lookupEnv func(string) (string, bool)) string {
	url := configured
	for _, name := range baseURLVariables {
		if url == "" {
			url, _ = lookupEnv(name)
		}
	}
	return origin(url)
}

// origin drops what a base URL may end in. The service's own URL is nobody's: it gets no
// leave to be at a private address.
func origin(url string) string {
	url = strings.TrimRight(strings.TrimSpace(url), "/")
	url = strings.TrimRight(strings.TrimSuffix(url, airbyteapi.Prefix), "/")
	if url == airbyteapi.DefaultBaseURL {
		return ""
	}
	return url
}
