// Package config is the configuration of a host: where its connectors are and which
// connections it has. It is read from agenthost.yaml by [Load], or built in Go.
//
// Reading is strict: an unknown key, a key of the wrong type or a secret written
// where a reference belongs is an error that names the line.
package config

import (
	"time"

	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/host/secret"
)

// Config is the whole configuration.
type Config struct {
	// Plugins is a folder of .wasm files, each of them a connector. A relative
	// path is relative to the configuration file.
	Plugins string
	// Cache is a private folder for compiled modules; empty means the user's
	// cache folder.
	Cache string
	// Lock is the file of what a person approved; empty means agenthost.lock beside
	// the configuration, for the command. A relative path is relative to the
	// configuration file.
	Lock string
	// Updates says what becomes of a new version of an approved connector; empty means
	// [grant.UpdatesSameReach].
	Updates grant.UpdatePolicy
	// Connections by name.
	Connections map[string]Connection
	// Audit says where the record of every call is kept.
	Audit Audit
	// Secrets says where references to secrets lead.
	Secrets Secrets
	// MCP says what agenthost mcp offers; a host does not read it.
	MCP MCP
}

// Mode says who calls the vendor.
type Mode string

// The modes. The zero value means [Direct].
const (
	// Direct: the host calls the vendor with credentials that it holds.
	Direct Mode = "direct"
	// Hosted: the host calls the Airbyte API, which calls the vendor.
	Hosted Mode = "hosted"
)

// Connection is a configured use of a connector.
type Connection struct {
	// Connector is the name in the connector's manifest.
	Connector string
	Mode      Mode
	// Server is the id of one of the manifest's servers, or the URL of a server
	// that the operator runs. A URL is the only way to reach a private address or
	// plain http, and opens that very origin alone.
	Server string
	// TLS says whom to trust for the servers, or in mode hosted for the Airbyte API; nil
	// trusts whom this machine trusts.
	TLS *TLS
	// Credentials are references to secrets, as [secret.ParseRef] reads them, by the
	// names of the auth schema's fields. In a configuration file, a relative path is
	// relative to that file.
	Credentials map[string]string
	// Secrets are credentials that a Go program already holds. A field may be in
	// one of Credentials and Secrets.
	Secrets map[string]secret.Value
	// OAuth changes where and for what the connection gets OAuth 2.0 tokens; nil takes
	// what the connector declares.
	OAuth *OAuth
	// Allow narrows what the connection may do; nil allows every operation of the
	// connector.
	Allow *Allow
	// Limits of one call; zero fields mean the defaults.
	Limits Limits
	// RateLimit says which of the vendor's rate limits are kept.
	RateLimit RateLimit
	// Airbyte is set for hosted connections.
	Airbyte *Airbyte
}

// Allow is what a connection may do.
type Allow = grant.Allow

// TLS is about the certificates of servers. It is for servers of the operator's own,
// and for networks that sign certificates themselves.
type TLS struct {
	// CAFile holds certificates of authorities in PEM form, which are trusted instead
	// of this machine's. In a configuration file, a relative path is relative to that
	// file.
	CAFile string
}

// Limits bound one call. Sizes are bytes.
type Limits struct {
	Timeout       time.Duration // wall time of a call, waiting included
	Memory        int64         // the guest's linear memory
	Fuel          int64         // the guest's CPU budget, in counts of its meter
	Requests      int           // HTTP requests, retries included
	RequestBytes  int64         // bytes of all requests, heads included
	ResponseBytes int64         // bytes of all decoded response bodies
	OutputBytes   int64         // bytes of a result
	LogLines      int           // lines that a guest may log
	LogBytes      int64         // bytes that a guest may log
	Concurrency   int           // calls of the connection at a time
}

// RateLimit says which of a vendor's rate limits the host keeps.
type RateLimit string

// The choices. The zero value means [RateManifest] for the connector's own servers, and
// [RateLearned] for a server that the operator runs, whose limits the manifest does not
// know.
const (
	// RateManifest keeps what the manifest documents and what answers say.
	RateManifest RateLimit = "manifest"
	// RateLearned keeps what answers say: Retry-After and the rate-limit headers.
	RateLearned RateLimit = "learned"
	// RateOff keeps nothing. Retries still honour Retry-After.
	RateOff RateLimit = "off"
)
