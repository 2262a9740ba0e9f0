// Package config is the configuration of a host: its connectors and connections. [Load] reads
// it from agenthost.yaml, or a program builds it in Go.
//
// Reading is strict: an unknown key, a key of the wrong type or a secret instead of a
// reference is an error with the line.
package config

import (
	"time"

	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential/logins"
	"github.com/agenthost/agenthost/internal/provenance"
	"github.com/agenthost/agenthost/internal/ratelimit"
)

// Config is the whole configuration.
type Config struct {
	// Plugins is a folder of connectors, which are .wasm files. A relative path is relative
	// to the configuration file.
	Plugins string
	// Registries says which of them come from registries. The command puts those into the folder; a host
	// does not read it.
	Registries provenance.Registries
	// Cache is a private folder for compiled modules; empty means the user's
	// cache folder.
	Cache string
	// Lock is the file with approvals. Empty means, for the command, agenthost.lock next to
	// the configuration. A relative path is relative to the configuration file.
	Lock string
	// Updates decides on new versions of approved connectors; empty means
	// [grant.UpdatesSameReach].
	Updates grant.UpdatePolicy
	// Trust says who may sign connectors that come from a registry; nil means that a person
	// approves each of them.
	Trust *provenance.Trust
	// Connections by name. Nil means that the file has no connections: key; the environment
	// then makes connections.
	Connections map[string]Connection
	// Environment also makes connections from environment variables.
	Environment bool
	// Proxy is the proxy for vendors; nil means direct connections.
	Proxy *Proxy
	// HostBytes is limits.host_bytes: the bytes that all running calls may hold together; 0
	// means 256 MiB.
	HostBytes int64
	// Audit configures the records of calls.
	Audit Audit
	// Asks configures how persons are asked about calls.
	Asks Asks
	// Secrets configures the sources of secrets.
	Secrets Secrets
	// ContextStore configures the copies of records that the command keeps; a host does not read it.
	ContextStore ContextStore
	// MCP configures agenthost mcp; a host does not read it.
	MCP MCP
	// Serve configures agenthost serve; a host does not read it.
	Serve Serve
}

// Mode decides who calls the vendor.
type Mode string

// The modes. The zero value means [Direct].
const (
	// Direct: the host keeps the credentials and calls the vendor.
	Direct Mode = "direct"
	// Hosted: the host calls the Airbyte API, which calls the vendor.
	Hosted Mode = "hosted"
)

// Connection is a configured use of a connector.
type Connection struct {
	// Connector is the name in the connector's manifest.
	Connector string
	Mode      Mode
	// Server is the id of a server in the manifest, or the URL of a server that the operator
	// runs. Only a URL permits a private address or plain http, and only for its origin.
	Server string
	// Config are the values that the connector declares under config, as text: the name of a
	// tenant, true, 42. They are not secret: logs, errors and the connector have them.
	Config map[string]string
	// TLS configures trust for the servers or, in mode hosted, for the Airbyte API; nil
	// means the system's certificate authorities.
	TLS *TLS
	// Credentials are references to secrets (see [secret.ParseRef]) by field of the auth
	// schema. In a configuration file, a relative path is relative to that file.
	Credentials map[string]string
	// Secrets are credentials that a Go program already has. A field may be in either
	// Credentials or Secrets.
	Secrets map[string]secret.Value
	// Tokens keeps the tokens of OAuth 2.0 in the place of the folder of tokens. It is for
	// programs of this module; others leave it nil.
	Tokens logins.Keeper
	// Rates are the vendor's rate limits that several processes share. It is for programs of this
	// module; others leave it nil.
	Rates ratelimit.Pools
	// Copies is the name of the copies of the connection's records, for programs of this module whose names of
	// connections may be those of others later; empty means the connection's name.
	Copies string
	// OAuth overrides the connector's declaration of OAuth 2.0; nil keeps it.
	OAuth *OAuth
	// Allow restricts the connection; nil allows every operation of the connector.
	Allow *Allow
	// Limits of one call; zero fields mean the defaults.
	Limits Limits
	// RateLimit decides which of the vendor's rate limits the host obeys.
	RateLimit RateLimit
	// Airbyte is set for hosted connections.
	Airbyte *Airbyte
}

// Allow is what a connection may do.
type Allow = grant.Allow

// TLS configures the certificates of servers. It is for the operator's own servers, and for
// networks with their own certificate authority.
type TLS struct {
	// CAFile has the certificates of authorities in PEM form. The host trusts them instead
	// of the system's. In a configuration file, a relative path is relative to that file.
	CAFile string
}

// Limits are the limits of one call. Sizes are in bytes.
type Limits struct {
	Timeout       time.Duration // wall time of a call, including waiting
	Memory        int64         // the guest's linear memory
	Fuel          int64         // the guest's CPU budget, in units of fuel
	Requests      int           // HTTP requests, including retries
	RequestBytes  int64         // bytes of all requests, including headers
	ResponseBytes int64         // bytes of all decoded response bodies
	DownloadBytes int64         // bytes of a file that goes to the caller's writer
	OutputBytes   int64         // bytes of a result
	LogLines      int           // lines that a guest may log
	LogBytes      int64         // bytes that a guest may log
	Concurrency   int           // concurrent calls of the connection
}

// RateLimit decides which of a vendor's rate limits the host obeys.
type RateLimit string

// The choices. The zero value means [RateManifest] for the connector's servers, and
// [RateLearned] for a server that the operator runs, because the manifest does not know its
// limits.
const (
	// RateManifest obeys the limits in the manifest and in responses.
	RateManifest RateLimit = "manifest"
	// RateLearned obeys the limits in responses: Retry-After and the rate-limit headers.
	RateLearned RateLimit = "learned"
	// RateOff obeys no limits. Retries still honour Retry-After.
	RateOff RateLimit = "off"
)
