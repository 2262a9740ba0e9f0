package architecture

import (
	"fmt"
	"maps"
	"slices"
)

// imports is a rule on what packages import outside their tests. A pattern is as in
// matches.
type imports struct {
	name   string
	of     []string // the packages that are bound
	except []string // of these, the ones that are not
	only   []string // what they may import, anything if empty
	never  []string // what they may not import all the same
	why    string
	broken map[string]string
	kept   map[string]string
}

// tools are programs and packages for developers, for tests and for the demo. Nobody embeds them.
var tools = []string{
	"internal/architecture/...", "internal/bench/...", "internal/canary", "internal/connector/synctest", "internal/contextstore/syncer/syncertest", "internal/coordinate/databasetest", "internal/demo/...", "internal/exampletest", "internal/firstparty/...",
	"internal/hostile", "internal/mcpclients", "internal/mcpconformance/...", "internal/mutate", "internal/oauthsim", "internal/readme", "internal/store/pgtest", "internal/vaultsim", "internal/vendorsim/...",
	"internal/wasmasm", "internal/wasmtest/...", "internal/wiresim",
}

func importRules() []rule {
	guest := `"github.com/agenthost/agenthost/pdk"`
	table := []imports{
		{
			name: "pdk/abi is wire types", of: []string{"pdk/abi"}, only: []string{"std"}, never: []string{"net/...", "os/...", "fmt", "reflect"},
			why:    "every guest links pdk/abi: it has no network and no files, and what formats by reflection makes each module larger",
			broken: map[string]string{"pdk/abi/a.go": `package abi; import _ "net/url"`, "pdk/abi/b.go": `package abi; import _ "github.com/google/go-cmp/cmp"`},
			kept:   map[string]string{"pdk/abi/a.go": `package abi; import _ "time"`, "pdk/abi/a_test.go": `package abi; import _ "fmt"`},
		},
		{
			name: "pdk is small", of: []string{"pdk"}, only: []string{"std", "pdk/abi", "internal/hostfunc", "internal/expression"}, never: []string{"net/...", "os/...", "fmt", "reflect"},
			why:    "connector authors get pdk and no dependency with it, and a guest has no network and no files for those packages to use",
			broken: map[string]string{"pdk/a_wasip1.go": `package pdk; import _ "net/http"`, "pdk/b.go": `package pdk; import _ "github.com/agenthost/agenthost/internal/rawjson"`},
			kept:   map[string]string{"pdk/a.go": `package pdk; import _ "github.com/agenthost/agenthost/pdk/abi"`},
		},
		{
			name: "pdktest needs no host", of: []string{"pdk/pdktest"}, only: []string{"std", "pdk", "pdk/abi", "internal/hostfunc", "internal/expression", "internal/egress/wire", "internal/configvalue"},
			why:    "authors test a connector in plain Go: the test kit brings no sandbox and no dependency into their module, and holds requests to the host's own rules",
			broken: map[string]string{"pdk/pdktest/a.go": `package pdktest; import _ "github.com/agenthost/agenthost/host"`},
		},
		{
			name: "connectors know a vendor only", of: []string{"plugins/...", "internal/demo/...", "internal/mcpconformance/connector", "examples/connector-hello"},
			only:   []string{"std", "pdk", "pdk/abi"},
			why:    "a reviewer of a connector reads the connector, pdk and nothing else",
			broken: map[string]string{"plugins/pylon/a.go": `package main; import _ "github.com/google/go-cmp/cmp"`, "internal/demo/overreach/a.go": `package main; import _ "github.com/agenthost/agenthost/host/secret"`},
			kept:   map[string]string{"plugins/pylon/a.go": `package main; import ` + guest, "plugins/pylon/a_test.go": `package main; import _ "github.com/agenthost/agenthost/pdk/pdktest"`},
		},
		{
			name: "imports point inward", of: []string{"host/...", "internal/..."}, except: slices.Concat([]string{"host", "host/mcp"}, tools), never: []string{"host", "cmd/..."},
			why:    "cmd builds upon host, host upon its subpackages and internal, and those upon pdk/abi: the other way round, a part cannot be understood without the whole",
			broken: map[string]string{"internal/egress/a.go": `package egress; import _ "github.com/agenthost/agenthost/host"`},
			kept:   map[string]string{"internal/egress/a.go": `package egress; import _ "github.com/agenthost/agenthost/host/secret"`, "host/a.go": `package host; import _ "github.com/agenthost/agenthost/internal/egress"`},
		},
		{
			name: "the host does not hold the pdk", of: []string{"host/...", "internal/..."}, except: slices.Concat(tools, []string{"internal/modulebuild", "internal/table/...", "internal/tableimport/..."}), never: []string{"pdk", "pdk/pdktest", "internal/table/...", "internal/tableimport/..."},
			why:    "pdk is the guest's side: what both sides need is in pdk/abi, so that connectors in other languages get the same treatment; internal/table makes modules, and a host gets nothing but the module",
			broken: map[string]string{"host/a.go": `package host; import ` + guest},
			kept:   map[string]string{"host/a.go": `package host; import _ "github.com/agenthost/agenthost/pdk/abi"`},
		},
		{
			name: "the host does not build connectors", of: []string{"host/...", "internal/...", "server/..."}, except: slices.Concat(tools, []string{"internal/modulebuild"}), never: []string{"internal/modulebuild", "internal/scaffold"},
			why:    "to build sources is to run what they say, outside of the sandbox: only the command does it, where a person asked for it",
			broken: map[string]string{"host/a.go": `package host; import _ "github.com/agenthost/agenthost/internal/modulebuild"`},
			kept:   map[string]string{"cmd/agenthost/a.go": `package main; import _ "github.com/agenthost/agenthost/internal/modulebuild"`},
		},
		{
			name: "sources of new connectors are files", of: []string{"internal/scaffold"}, only: []string{"std", "pdk/abi", "internal/fault"}, never: []string{"net/...", "os/exec", "text/template"},
			why:    "what an author begins with is the example of the repository with a name put in: nothing is made up, run or fetched",
			broken: map[string]string{"internal/scaffold/a.go": `package scaffold; import _ "os/exec"`, "internal/scaffold/b.go": `package scaffold; import _ "github.com/agenthost/agenthost/internal/table"`},
		},
		{
			name: "nothing builds upon the command", of: []string{"host/...", "pdk/...", "plugins/...", "internal/..."}, never: []string{"cmd/..."},
			why:    "what the command can do, the library can do: the command only wires packages together",
			broken: map[string]string{"internal/a/a.go": `package a; import _ "github.com/agenthost/agenthost/cmd/agenthost/internal/render"`},
		},
		{
			name: "nothing builds upon the server", of: []string{"host/...", "pdk/...", "plugins/...", "internal/..."}, except: tools, never: []string{"server/..."},
			why:    "the server is one of the programs around the host: who embeds the host gets no database and no API with it",
			broken: map[string]string{"host/a.go": `package host; import _ "github.com/agenthost/agenthost/server"`},
			kept:   map[string]string{"cmd/agenthost/a.go": `package main; import _ "github.com/agenthost/agenthost/server"`},
		},
		{
			name: "tokens of the server are pure", of: []string{"server/internal/token"}, only: []string{"std", "host/secret", "internal/connections"}, never: []string{"net/...", "os/..."},
			why:    "whom a request is from is decided by code that asks nobody, and that is read with all that it depends on",
			broken: map[string]string{"server/internal/token/a.go": `package token; import _ "github.com/agenthost/agenthost/host"`},
		},
		{
			name: "pages know no store", of: []string{"server/internal/pages"}, only: []string{"std", "pdk/abi", "internal/budget", "internal/httpserve", "github.com/hashicorp/go-hclog"}, never: []string{"os/...", "text/template"},
			why:    "how a page is escaped, under which headers it is, and which forms count is read without what the pages are about",
			broken: map[string]string{"server/internal/pages/a.go": `package pages; import _ "github.com/agenthost/agenthost/internal/store"`, "server/internal/pages/b.go": `package pages; import _ "text/template"`},
		},
		{
			name: "logins have few imports", of: []string{"server/internal/login"},
			only: []string{"std", "host/secret", "internal/egress", "github.com/coreos/go-oidc/v3/oidc", "golang.org/x/oauth2"}, never: []string{"net", "net/http", "os/..."},
			why:    "a reviewer reads the code that says who somebody is with all that it depends on; it asks issuers only through internal/egress",
			broken: map[string]string{"server/internal/login/a.go": `package login; import _ "net/http"`, "server/internal/login/b.go": `package login; import _ "github.com/agenthost/agenthost/internal/store"`},
		},
		{
			name: "no test code in the library", of: []string{"host/...", "pdk/...", "plugins/...", "internal/...", "server/..."}, except: tools,
			never:  []string{"internal/canary", "internal/connector/synctest", "internal/contextstore/syncer/syncertest", "internal/coordinate/databasetest", "internal/exampletest", "internal/vendorsim/...", "internal/vaultsim", "internal/oauthsim", "internal/store/pgtest", "internal/wiresim", "internal/wasmtest", "internal/wasmasm", "internal/demo/...", "internal/bench", "testing/..."},
			why:    "simulated vendors and test tools are no part of what people embed",
			broken: map[string]string{"host/a.go": `package host; import _ "github.com/agenthost/agenthost/internal/vendorsim/pylon"`},
			kept:   map[string]string{"host/a_test.go": `package host; import _ "github.com/agenthost/agenthost/internal/vendorsim/pylon"`},
		},
		{
			name: "secret has few imports", of: []string{"host/secret"}, only: []string{"std", "pdk/abi", "internal/fault"}, never: []string{"net/...", "os/..."},
			why:    "a reviewer can read all of the code that holds credentials; it reads no file and opens no connection",
			broken: map[string]string{"host/secret/a.go": `package secret; import _ "github.com/hashicorp/go-hclog"`, "host/secret/b.go": `package secret; import _ "net/http"`, "host/secret/c.go": `package secret; import _ "os"`},
		},
		{
			name: "the store is the server's", of: []string{"cmd/...", "host/...", "internal/...", "pdk/...", "plugins/..."}, except: slices.Concat([]string{"internal/store/...", "cmd/agenthost"}, tools),
			never:  []string{"internal/store/..."},
			why:    "the library keeps nothing in a database: what many people's credentials are in is opened by server and by agenthost serve only, and who embeds the host links no database",
			broken: map[string]string{"host/a.go": `package host; import _ "github.com/agenthost/agenthost/internal/store"`, "internal/credential/a.go": `package credential; import _ "github.com/agenthost/agenthost/internal/store/envelope"`},
			kept:   map[string]string{"server/a.go": `package server; import _ "github.com/agenthost/agenthost/internal/store"`, "cmd/agenthost/serve.go": `package main; import _ "github.com/agenthost/agenthost/internal/store"`},
		},
		{
			name: "the store knows no host", of: []string{"internal/store"},
			only: []string{"std", "pdk/abi", "internal/fault", "internal/owned", "internal/seams", "internal/modulefile", "internal/credential/durable", "internal/contextstore", "host/secret", "internal/store/envelope", "github.com/ncruces/go-sqlite3/...", "github.com/jackc/pgx/v5/...", "github.com/riverqueue/river/..."}, never: []string{"net", "net/http", "os/exec"},
			why:    "what is kept, and who may see it, is reviewed without the code that uses it",
			broken: map[string]string{"internal/store/a.go": `package store; import _ "github.com/agenthost/agenthost/host/config"`},
		},
		{
			name: "copies are the programs'", of: []string{"host/...", "internal/...", "pdk/...", "plugins/..."}, except: slices.Concat([]string{"internal/contextstore", "internal/contextstore/syncer", "internal/contextstore/copies", "internal/store"}, tools), never: []string{"internal/contextstore", "internal/contextstore/syncer", "internal/contextstore/copies"},
			why:    "who embeds the host links no database: the server and the command open the copies, and hand them to what searches",
			broken: map[string]string{"host/a.go": `package host; import _ "github.com/agenthost/agenthost/internal/contextstore"`, "internal/backend/a.go": `package backend; import _ "github.com/agenthost/agenthost/internal/contextstore/copies"`},
			kept:   map[string]string{"server/a.go": `package server; import _ "github.com/agenthost/agenthost/internal/contextstore"`, "internal/connector/a.go": `package connector; import _ "github.com/agenthost/agenthost/internal/contextstore/query"`},
		},
		{
			name: "copies know no host", of: []string{"internal/contextstore"},
			only: []string{"std", "internal/fault", "internal/owned", "internal/rawjson", "internal/credential/durable", "internal/contextstore/query", "github.com/ncruces/go-sqlite3/..."}, never: []string{"net", "net/http", "os/exec"},
			why:    "what is copied, and who finds it, is reviewed without the code that copies it; it holds no credential",
			broken: map[string]string{"internal/contextstore/a.go": `package contextstore; import _ "github.com/agenthost/agenthost/host/secret"`},
		},
		{
			name: "what joins copies to a host knows no network", of: []string{"internal/contextstore/copies", "internal/contextstore/syncer"},
			only: []string{"std", "pdk/abi", "internal/airbyteapi", "internal/backend", "internal/connector", "internal/contextstore", "internal/contextstore/query", "internal/contextstore/syncer", "internal/fault", "internal/ratelimit", "internal/rawjson", "internal/seams", "github.com/hashicorp/go-hclog", "host/config"}, never: []string{"net", "net/http", "os/..."},
			why:    "copies are made of what a connection's own operations answer, under its grant and in its audit trail: the code that makes them has no other way to a vendor, and no credential",
			broken: map[string]string{"internal/contextstore/copies/a.go": `package copies; import _ "github.com/agenthost/agenthost/internal/egress"`, "internal/contextstore/syncer/a.go": `package syncer; import _ "net/http"`},
		},
		{
			name: "the language of searches is pure", of: []string{"internal/contextstore/query"}, only: []string{"std", "internal/fault", "internal/rawjson"}, never: []string{"net/...", "os/...", "database/sql"},
			why:    "what a search finds is decided by code that knows no database, so that every database answers the same",
			broken: map[string]string{"internal/contextstore/query/a.go": `package query; import _ "database/sql"`},
		},
		{
			name: "nodes agree by pure code", of: []string{"internal/coordinate"}, only: []string{"std", "internal/fault", "internal/seams", "github.com/hashicorp/go-hclog"}, never: []string{"net/...", "os/...", "database/sql"},
			why:    "who holds a lease, and how much of a limit a node may use, is decided by code that runs in a simulation as it does for real: the database, the clock and the network are handed in",
			broken: map[string]string{"internal/coordinate/a.go": `package coordinate; import _ "github.com/agenthost/agenthost/internal/store"`},
		},
		{
			name: "sealing is pure", of: []string{"internal/store/envelope"}, only: []string{"std", "pdk/abi", "internal/fault", "host/secret"}, never: []string{"net/...", "os/...", "database/sql"},
			why:    "a reviewer reads the code that seals credentials by itself: it knows keys and places, and no database",
			broken: map[string]string{"internal/store/envelope/a.go": `package envelope; import _ "database/sql"`, "internal/store/envelope/b.go": `package envelope; import _ "github.com/agenthost/agenthost/internal/store"`},
		},
		{
			name: "counting is pure", of: []string{"server/internal/metrics"}, only: []string{"std"}, never: []string{"net/...", "os/exec"},
			why:    "what those who watch a server may read is decided where it counts; the package that writes it knows no call, and nobody's name",
			broken: map[string]string{"server/internal/metrics/a.go": `package metrics; import _ "github.com/agenthost/agenthost/internal/store"`},
		},
		{
			name: "redaction is pure", of: []string{"internal/redact"}, only: []string{"std", "host/secret"}, never: []string{"net/...", "os/..."},
			why:    "what searches the answers of vendors holds the secrets in every encoding: it knows a text and values, and reaches nothing",
			broken: map[string]string{"internal/redact/a.go": `package redact; import _ "github.com/agenthost/agenthost/internal/egress"`, "internal/redact/b.go": `package redact; import _ "os"`},
		},
		{
			name: "credentials know no host", of: []string{"internal/credential"},
			only: []string{"std", "internal/authfield", "pdk/abi", "internal/fault", "internal/seams", "host/config", "host/secret", "internal/egress", "internal/egress/origin", "internal/credential/...", "github.com/hashicorp/go-hclog"}, never: []string{"net", "net/http", "os/exec"},
			why:    "the way of a secret from its reference to the wire is reviewed as one, and what a call may do is decided elsewhere",
			broken: map[string]string{"internal/credential/a.go": `package credential; import _ "github.com/agenthost/agenthost/internal/sandbox"`, "internal/credential/b.go": `package credential; import _ "net/http"`},
			kept:   map[string]string{"internal/credential/a.go": `package credential; import _ "github.com/agenthost/agenthost/internal/credential/vault"`},
		},
		{
			name: "leases are pure", of: []string{"internal/credential/lease"}, only: []string{"std", "pdk/abi", "internal/fault"}, never: []string{"net/...", "os/..."},
			why:    "when a secret is read again is decided in one place, for every kind of secret, by code that holds none",
			broken: map[string]string{"internal/credential/lease/a.go": `package lease; import _ "github.com/agenthost/agenthost/host/secret"`},
		},
		{
			name: "sources of secrets stand apart", of: []string{"internal/credential/agefile", "internal/credential/durable", "internal/credential/helper", "internal/credential/keyring", "internal/credential/source", "internal/credential/vault"},
			only:   []string{"std", "pdk/abi", "internal/fault", "internal/seams", "host/secret", "internal/credential/durable", "internal/credential/source", "internal/egress", "filippo.io/age/...", "github.com/zalando/go-keyring", "github.com/hashicorp/go-hclog"},
			why:    "each place that holds secrets is a folder that is read on its own; what a source needs of the network it asks of internal/egress",
			broken: map[string]string{"internal/credential/vault/a.go": `package vault; import _ "github.com/agenthost/agenthost/host/config"`},
			kept:   map[string]string{"internal/credential/vault/a.go": `package vault; import _ "github.com/agenthost/agenthost/internal/egress"`},
		},
		{
			name: "OAuth has few imports", of: []string{"internal/credential/oauth", "internal/credential/callback", "internal/credential/logins", "internal/credential/tokenfile"},
			only:   []string{"std", "internal/authfield", "pdk/abi", "internal/fault", "internal/seams", "internal/owned", "internal/redact", "host/secret", "internal/credential/durable", "internal/egress", "internal/egress/origin", "internal/rawjson", "internal/credential/callback", "internal/credential/logins", "internal/credential/tokenfile", "github.com/hashicorp/go-hclog"},
			why:    "a reviewer reads the code for logins and refresh tokens with all that it depends on; it sends only through internal/egress",
			broken: map[string]string{"internal/credential/oauth/a.go": `package oauth; import _ "golang.org/x/oauth2"`, "internal/credential/tokenfile/a.go": `package tokenfile; import _ "github.com/agenthost/agenthost/host/config"`},
		},
		{
			name: "access tokens have few imports", of: []string{"host/mcp/accesstoken"},
			only: []string{"std", "pdk/abi", "internal/fault", "internal/seams", "internal/egress", "github.com/go-jose/go-jose/v4/...", "github.com/hashicorp/go-hclog"}, never: []string{"net", "net/http"},
			why:    "a reviewer reads the code that lets callers in with all that it depends on; it holds no credential of ours, and asks issuers only through internal/egress",
			broken: map[string]string{"host/mcp/accesstoken/a.go": `package accesstoken; import _ "net/http"`, "host/mcp/accesstoken/b.go": `package accesstoken; import _ "github.com/agenthost/agenthost/host/secret"`},
			kept:   map[string]string{"host/mcp/accesstoken/a.go": `package accesstoken; import _ "github.com/agenthost/agenthost/internal/egress"`},
		},
		{
			name: "sources that are files reach no network", of: []string{"internal/credential/agefile", "internal/credential/durable", "internal/credential/helper", "internal/credential/keyring", "internal/credential/source", "internal/credential/tokenfile"},
			never:  []string{"net/...", "internal/egress"},
			why:    "what reads a file, asks a keyring or runs a helper sends nothing anywhere",
			broken: map[string]string{"internal/credential/helper/a.go": `package helper; import _ "net/http"`, "internal/credential/agefile/a.go": `package agefile; import _ "github.com/agenthost/agenthost/internal/egress"`},
		},
		{
			name: "egress has few imports", of: []string{"internal/egress/..."},
			only:   []string{"std", "internal/authfield", "pdk/abi", "internal/fault", "internal/seams", "internal/pattern", "internal/redact", "host/secret", "host/grant", "internal/policy", "internal/rawjson", "internal/egress/origin", "internal/egress/pathtemplate", "internal/egress/wire", "golang.org/x/net/publicsuffix", "github.com/hashicorp/go-hclog"},
			why:    "a reviewer reads this code, which handles vendors and credentials, and all its dependencies; internal/policy is pure and decides on the request that egress sends; publicsuffix is a table in memory, and only origin reads it",
			broken: map[string]string{"internal/egress/a.go": `package egress; import _ "golang.org/x/net/http2"`, "internal/egress/b.go": `package egress; import _ "github.com/agenthost/agenthost/internal/sandbox"`},
		},
		{
			name: "the wire format of the Airbyte API holds nothing", of: []string{"internal/airbyteapi"},
			only: []string{"std", "pdk/abi", "internal/fault", "internal/rawjson"}, never: []string{"net/...", "os/..."},
			why:    "the client and every server of the API share its types and routes, and get neither secrets nor a network with them",
			broken: map[string]string{"internal/airbyteapi/a.go": `package airbyteapi; import _ "github.com/agenthost/agenthost/host/secret"`},
		},
		{
			name: "the Airbyte API is reached through egress", of: []string{"internal/backend/hosted/client"},
			only:   []string{"std", "pdk/abi", "internal/airbyteapi", "internal/fault", "internal/seams", "internal/rawjson", "internal/redact", "host/secret", "internal/credential/lease", "internal/egress", "github.com/hashicorp/go-hclog"},
			why:    "the second place that holds secrets is as small as the first, and opens no connection of its own",
			broken: map[string]string{"internal/backend/hosted/client/a.go": `package client; import _ "github.com/agenthost/agenthost/host/config"`},
			kept:   map[string]string{"internal/backend/hosted/client/a.go": `package client; import _ "github.com/agenthost/agenthost/internal/egress"`},
		},
		{
			name: "the wire format of the operators' API holds nothing", of: []string{"internal/adminapi"}, only: []string{"std", "host/secret"}, never: []string{"net/...", "os/..."},
			why:    "the command and the server share its types and paths, and get no network and no database with them",
			broken: map[string]string{"internal/adminapi/a.go": `package adminapi; import _ "github.com/agenthost/agenthost/internal/store"`},
		},
		{
			name: "the operators' API is reached through egress", of: []string{"internal/adminclient"},
			only:   []string{"std", "pdk/abi", "internal/adminapi", "internal/seams", "host/secret", "internal/egress", "github.com/hashicorp/go-hclog"},
			why:    "an operator's token goes to one origin only, and the client opens no connection of its own",
			broken: map[string]string{"internal/adminclient/a.go": `package adminclient; import _ "github.com/agenthost/agenthost/host"`},
		},
		{
			name: "the local socket is the standard library's", of: []string{"internal/localsocket"}, only: []string{"std", "golang.org/x/sys/unix"}, never: []string{"net/http", "os/exec"},
			why:    "who can open it is the operator: what decides that is read by itself",
			broken: map[string]string{"internal/localsocket/a.go": `package localsocket; import _ "net/http"`},
		},
		{
			name: "backends do not know each other", of: []string{"internal/backend", "internal/backend/direct"}, never: []string{"internal/backend/hosted/...", "internal/airbyteapi"},
			why:    "a direct call enters no code of the Airbyte API, and what both backends need is below both",
			broken: map[string]string{"internal/backend/a.go": `package backend; import _ "github.com/agenthost/agenthost/internal/airbyteapi"`, "internal/backend/direct/a.go": `package direct; import _ "github.com/agenthost/agenthost/internal/backend/hosted"`},
			kept:   map[string]string{"internal/backend/direct/a.go": `package direct; import _ "github.com/agenthost/agenthost/internal/backend"`},
		},
		{
			name: "the hosted backend does not know the direct one", of: []string{"internal/backend/hosted/..."}, never: []string{"internal/backend/direct", "internal/catalog"},
			why:    "the mode of a connection is decided in the one place that makes its backend",
			broken: map[string]string{"internal/backend/hosted/a.go": `package hosted; import _ "github.com/agenthost/agenthost/internal/backend/direct"`},
		},
		{
			name: "folders are looked at by the standard library", of: []string{"internal/owned"}, only: []string{"std"}, never: []string{"net/...", "os/exec"},
			why:    "whether a folder is this user's is asked before native code and tokens are taken from it",
			broken: map[string]string{"internal/owned/a.go": `package owned; import _ "github.com/agenthost/agenthost/host/config"`},
		},
		{
			name: "path templates are pure", of: []string{"internal/egress/pathtemplate"}, only: []string{"std"}, never: []string{"net/...", "os/..."},
			why:    "internal/connector checks a manifest with the same code that matches requests, and gets no network by that",
			broken: map[string]string{"internal/egress/pathtemplate/a.go": `package pathtemplate; import _ "net"`},
		},
		{
			name: "checked requests are pure", of: []string{"internal/egress/wire"},
			only: []string{"std", "pdk/abi", "internal/fault", "internal/rawjson", "host/grant", "internal/policy", "internal/egress/origin", "internal/egress/pathtemplate"}, never: []string{"net", "net/http", "os/..."},
			why:    "the host, the conformance tests and pdk/pdktest check requests with the same code, and authors get no network and no dependency by that",
			broken: map[string]string{"internal/egress/wire/a.go": `package wire; import _ "net/http"`, "internal/egress/wire/b.go": `package wire; import _ "github.com/agenthost/agenthost/host/secret"`},
			kept:   map[string]string{"internal/egress/wire/a.go": `package wire; import _ "github.com/agenthost/agenthost/host/grant"`},
		},
		{
			name: "origins are pure", of: []string{"internal/egress/origin"}, only: []string{"std", "internal/egress/pathtemplate", "golang.org/x/net/publicsuffix"}, never: []string{"net", "net/http", "os/..."},
			why:    "what checks a manifest, what decides and what sends read a URL with the same code, and get no network by that",
			broken: map[string]string{"internal/egress/origin/a.go": `package origin; import _ "net"`},
			kept:   map[string]string{"internal/egress/origin/a.go": `package origin; import _ "net/netip"`},
		},
		{
			name: "values of connections are pure", of: []string{"internal/configvalue"},
			only: []string{"std", "pdk/abi", "internal/fault", "internal/pattern", "internal/egress/origin"}, never: []string{"net", "net/http", "os/..."},
			why:    "the host, the conformance tests and pdk/pdktest fill a server's URL with the same code, and authors get no network and no dependency by that",
			broken: map[string]string{"internal/configvalue/a.go": `package configvalue; import _ "net/http"`},
		},
		{
			name: "modules are read by our own code", of: []string{"internal/sandbox/wasm"}, only: []string{"std"}, never: []string{"net/...", "os/..."},
			why:    "what vets a hostile module shares no code with what compiles it, so that one bug does not open both",
			broken: map[string]string{"internal/sandbox/wasm/a.go": `package wasm; import _ "github.com/tetratelabs/wazero/api"`},
			kept:   map[string]string{"internal/sandbox/wasm/a_test.go": `package wasm; import _ "github.com/tetratelabs/wazero/api"`},
		},
		{
			name: "the sandbox holds no credential", of: []string{"internal/sandbox/..."}, never: []string{"host/secret", "internal/egress/...", "host/config", "host/grant"},
			why:    "a guest that broke out of its calls would find no credential and no policy in the package around it: it asks host, which asks egress",
			broken: map[string]string{"internal/sandbox/a.go": `package sandbox; import _ "github.com/agenthost/agenthost/host/secret"`},
		},
		{
			name: "the catalog knows files and modules", of: []string{"internal/catalog"},
			only:   []string{"std", "pdk/abi", "internal/fault", "internal/owned", "internal/modulefile", "internal/connector", "internal/sandbox", "internal/sandbox/seal", "internal/seams", "internal/hostfunc", "internal/wholefile", "internal/credential/durable", "github.com/hashicorp/go-hclog", "golang.org/x/sync/errgroup"},
			never:  []string{"net/...", "os/exec"},
			why:    "which connectors there are, and which of them are in memory, is decided by code that knows no connection, no approval and no credential: it asks the host by functions",
			broken: map[string]string{"internal/catalog/a.go": `package catalog; import _ "github.com/agenthost/agenthost/host/approval"`, "internal/catalog/b.go": `package catalog; import _ "github.com/agenthost/agenthost/internal/egress"`},
			kept:   map[string]string{"internal/catalog/a.go": `package catalog; import _ "github.com/agenthost/agenthost/internal/sandbox"`},
		},
		{
			name: "the connections know their configuration", of: []string{"internal/connections"},
			only:   []string{"std", "pdk/abi", "host/config", "internal/seams", "internal/yamlfile", "github.com/hashicorp/go-hclog"},
			never:  []string{"net/...", "os/exec"},
			why:    "who may see which connection is decided by code that runs none, and holds references and no client",
			broken: map[string]string{"internal/connections/a.go": `package connections; import _ "github.com/agenthost/agenthost/internal/backend"`},
		},
		{
			name: "decisions are pure", of: []string{"host/grant", "internal/policy", "internal/connector", "internal/shape"}, never: []string{"net", "net/http", "os/...", "internal/sandbox/...", "internal/egress", "host/secret"},
			why:    "what decides or validates reaches nothing, so that a table of inputs tests all of it",
			broken: map[string]string{"host/grant/a.go": `package grant; import _ "os"`, "internal/connector/a.go": `package connector; import _ "net/http"`},
			kept:   map[string]string{"internal/connector/a.go": `package connector; import _ "github.com/agenthost/agenthost/internal/egress/pathtemplate"`},
		},
		{
			name: "tools reach nothing", of: []string{"host/tool", "internal/budget"}, only: []string{"std", "pdk/abi", "host/ask", "internal/fault", "internal/rawjson", "internal/budget", "internal/portable"}, never: []string{"net/...", "os/..."},
			why:    "a model sees only what manifests and answers say: no provider's package, no credential, no way round Execute",
			broken: map[string]string{"host/tool/a.go": `package tool; import _ "net/http"`, "internal/budget/a.go": `package budget; import _ "github.com/agenthost/agenthost/host/secret"`},
		},
		{
			name: "portable schemas are pure", of: []string{"internal/portable"}, only: []string{"std", "pdk/abi", "internal/fault", "internal/rawjson", "internal/budget", "internal/pattern"}, never: []string{"net", "net/http", "os/..."},
			why:    "what clients are told of an operation is a function of its schema, so that a table of schemas tests all of it",
			broken: map[string]string{"internal/portable/a.go": `package portable; import _ "github.com/agenthost/agenthost/internal/connector"`},
		},
		{
			name: "grants have few imports", of: []string{"host/grant", "internal/policy"},
			only:   []string{"std", "host/grant", "internal/airbyteapi", "internal/pattern", "internal/rawjson", "pdk/abi", "internal/fault", "internal/provenance", "internal/egress/origin", "internal/egress/pathtemplate"},
			why:    "egress and the configuration both build upon it, and what decides is read whole",
			broken: map[string]string{"host/grant/a.go": `package grant; import _ "github.com/agenthost/agenthost/host/config"`},
		},
		{
			name: "plans are pure", of: []string{"host/ask"}, only: []string{"std", "pdk/abi"}, never: []string{"net", "net/http", "os/..."},
			why:    "what a person approves, and what its digest covers, is read whole; it holds no credential and reaches nothing",
			broken: map[string]string{"host/ask/a.go": `package ask; import _ "github.com/agenthost/agenthost/host/secret"`},
		},
		{
			name: "asks in files reach no network", of: []string{"internal/askfolder"}, only: []string{"std", "pdk/abi", "host/ask", "internal/owned"}, never: []string{"net", "net/http", "os/exec"},
			why:    "what keeps an approval, and uses it up once, is read by itself",
			broken: map[string]string{"internal/askfolder/a.go": `package askfolder; import _ "github.com/agenthost/agenthost/internal/egress"`},
		},
		{
			name: "where connectors come from is words", of: []string{"internal/provenance"}, only: []string{"std", "internal/egress/origin", "internal/lazyregexp"}, never: []string{"net/...", "os/..."},
			why:    "the lock file, the configuration, the client of registries and the check of signatures share references and signers, and get none of each other with them",
			broken: map[string]string{"internal/provenance/a.go": `package provenance; import _ "github.com/agenthost/agenthost/internal/egress"`},
		},
		{
			name: "signatures are checked without a network", of: []string{"internal/trust"},
			only: []string{"std", "internal/fault", "internal/provenance", "internal/rawjson", "github.com/sigstore/...", "github.com/in-toto/...", "github.com/secure-systems-lab/..."}, never: []string{"net", "net/http", "os/exec", "github.com/sigstore/sigstore-go/pkg/tuf"},
			why:    "the trusted root is a file, and a bundle has all that its check needs",
			broken: map[string]string{"internal/trust/a.go": `package trust; import _ "net/http"`, "internal/trust/b.go": `package trust; import _ "github.com/sigstore/sigstore-go/pkg/tuf"`},
		},
		{
			name: "signatures are the command's", of: []string{"host/...", "internal/...", "pdk/...", "plugins/...", "server/..."}, except: slices.Concat([]string{"internal/trust"}, tools), never: []string{"internal/trust"},
			why:    "who embeds the host vouches for the connectors, and links nothing that checks signatures",
			broken: map[string]string{"host/a.go": `package host; import _ "github.com/agenthost/agenthost/internal/trust"`},
			kept:   map[string]string{"cmd/agenthost/a.go": `package main; import _ "github.com/agenthost/agenthost/internal/trust"`},
		},
		{
			name: "registries are the command's", of: []string{"host/...", "internal/...", "pdk/...", "plugins/...", "server/..."}, except: slices.Concat([]string{"internal/registry"}, tools), never: []string{"internal/registry"},
			why:    "who embeds the host links no OCI and no client of registries: the command fetches connectors, and a host reads files",
			broken: map[string]string{"host/a.go": `package host; import _ "github.com/agenthost/agenthost/internal/registry"`},
			kept:   map[string]string{"cmd/agenthost/a.go": `package main; import _ "github.com/agenthost/agenthost/internal/registry"`},
		},
		{
			name: "registries are reached through egress", of: []string{"internal/registry"},
			only:   []string{"std", "pdk/abi", "host/secret", "internal/credential/helper", "internal/egress", "internal/egress/origin", "internal/fault", "internal/lazyregexp", "internal/modulefile", "internal/provenance", "internal/rawjson", "internal/seams", "internal/wholefile", "github.com/opencontainers/...", "github.com/rogpeppe/go-internal/lockedfile", "oras.land/oras-go/v2/..."},
			never:  []string{"oras.land/oras-go/v2/registry/remote/credentials", "oras.land/oras-go/v2/registry/remote/retry"},
			why:    "a registry is not trusted: every request passes egress's dialler, credentials are read by code that bounds the programs that it runs, and nothing here runs or parses a module",
			broken: map[string]string{"internal/registry/a.go": `package registry; import _ "github.com/agenthost/agenthost/internal/sandbox"`, "internal/registry/b.go": `package registry; import _ "oras.land/oras-go/v2/registry/remote/credentials"`},
		},
		{
			name: "differences are pure", of: []string{"internal/difference"}, only: []string{"std", "pdk/abi"}, never: []string{"net/...", "os/..."},
			why:    "what a person is shown before an update is a function of two declarations, so that a table of them tests all of it",
			broken: map[string]string{"internal/difference/a.go": `package difference; import _ "github.com/agenthost/agenthost/host/grant"`},
		},
		{
			name: "seams are the standard library's", of: []string{"internal/seams"}, only: []string{"std"}, never: []string{"net/http", "os/..."},
			why:    "the network, the clock and chance are handed to almost every package, and bring nothing with them",
			broken: map[string]string{"internal/seams/a.go": `package seams; import _ "github.com/agenthost/agenthost/internal/egress"`},
			kept:   map[string]string{"internal/seams/a.go": `package seams; import _ "net/netip"`},
		},
		{
			name: "errors are made of little", of: []string{"internal/fault"}, only: []string{"std", "pdk/abi"}, never: []string{"net/...", "os/..."},
			why:    "every package makes errors, so what makes them builds upon nothing else",
			broken: map[string]string{"internal/fault/a.go": `package fault; import _ "github.com/agenthost/agenthost/host/config"`},
		},
		{
			name: "names of host functions are only names", of: []string{"internal/hostfunc"}, only: []string{"pdk/abi"}, never: []string{"std"},
			why:    "every module links them",
			broken: map[string]string{"internal/hostfunc/a.go": `package hostfunc; import _ "strings"`},
		},
		{
			name: "expressions are only parsed", of: []string{"internal/expression"}, only: []string{"std"}, never: []string{"net/...", "os/...", "fmt", "reflect"},
			why:    "every guest links them, and a table is checked with the code that later runs it",
			broken: map[string]string{"internal/expression/a.go": `package expression; import _ "fmt"`},
		},
		{
			name: "rawjson, lazyregexp and pattern are leaves", of: []string{"internal/rawjson", "internal/lazyregexp", "internal/pattern"}, only: []string{"std"}, never: []string{"net/...", "os/..."},
			why:    "the security core may use them without looking further",
			broken: map[string]string{"internal/rawjson/a.go": `package rawjson; import _ "github.com/agenthost/agenthost/pdk/abi"`},
		},
		{
			name: "turns and bytes in flight are pure", of: []string{"internal/turns", "internal/inflight"}, only: []string{"std"}, never: []string{"net/...", "os/..."},
			why:    "who runs next, and who gets memory, is decided by code that knows neither guests nor connections, so that a clock that stands still tests all of it",
			broken: map[string]string{"internal/turns/a.go": `package turns; import _ "github.com/agenthost/agenthost/internal/sandbox"`},
		},
		{
			name: "nothing unsafe", of: []string{"cmd/...", "host/...", "internal/...", "plugins/..."}, except: []string{"internal/sandbox/pages"}, never: []string{"unsafe"},
			why:    "memory safety is what the sandbox rests on; pdk, inside the guest, has to name addresses, and so does internal/sandbox/pages, which tells the kernel where a guest's memory is",
			broken: map[string]string{"internal/sandbox/a.go": `package sandbox; import _ "unsafe"`, "host/a.go": `package host; import _ "unsafe"`},
			kept:   map[string]string{"pdk/a.go": `package pdk; import _ "unsafe"`, "internal/sandbox/pages/a.go": `package pages; import _ "unsafe"`},
		},
		{
			name: "only Go", of: []string{"cmd/...", "host/...", "internal/...", "plugins/..."}, never: []string{"C", "plugin"},
			why:    "the sandbox needs memory safety, and a build needs only Go",
			broken: map[string]string{"host/a.go": `package host; import "C"`, "internal/sandbox/pages/a.go": `package pages; import "C"`},
		},
		{
			name: "no process is started but the compile worker, configured helpers and compilers of connectors", of: []string{"cmd/...", "host/...", "internal/...", "pdk/...", "plugins/..."},
			except: slices.Concat([]string{"internal/sandbox/compileworker", "internal/credential/helper", "internal/modulebuild"}, tools), never: []string{"os/exec"},
			why:    "a child inherits the environment, and with it the credentials; the packages that start a process give it nothing, what the operator listed, or variables that are known to hold no credential",
			broken: map[string]string{"host/a.go": `package host; import _ "os/exec"`, "internal/sandbox/a.go": `package sandbox; import _ "os/exec"`, "internal/credential/keyring/a.go": `package keyring; import _ "os/exec"`},
			kept:   map[string]string{"internal/wasmtest/a.go": `package wasmtest; import _ "os/exec"`},
		},
		{
			name: "what makes recordings anonymous is pure", of: []string{"internal/recording/anonymous"}, only: []string{"std", "internal/rawjson", "internal/recording"}, never: []string{"net", "net/http", "os/..."},
			why:    "who is taken out of a recording that is published is read with all that decides it, and tested by tables",
			broken: map[string]string{"internal/recording/anonymous/a.go": `package anonymous; import _ "os"`},
		},
		{
			name: "fixtures reach no network", of: []string{"internal/fixture"}, never: []string{"net/...", "os/exec", "internal/egress", "internal/credential/...", "host/config"},
			why:    "a test of recorded calls has the answers in a file: it needs no credential, and can send nothing",
			broken: map[string]string{"internal/fixture/a.go": `package fixture; import _ "net/http"`},
		},
		{
			name: "one logger", of: []string{"cmd/...", "host/...", "internal/...", "pdk/...", "plugins/..."}, except: slices.Concat([]string{"host/secret", "host/logging", "internal/store", "cmd/agenthost/internal/demo"}, tools), never: []string{"log", "log/slog"},
			why:    "the embedder hands in a logger, and no line goes round it; host/secret knows slog only to be redacted in it, host/logging is the bridge to it, internal/store hands that to River, and the demo's vendor is net/http's server",
			broken: map[string]string{"host/a.go": `package host; import _ "log"`},
		},
	}
	var found []rule
	for _, i := range table {
		found = append(found, rule{
			name: i.name, why: i.why, names: slices.Concat(i.of, i.except, own(i.only), own(i.never)),
			check: i.check, broken: i.broken, kept: i.kept,
		})
	}
	return found
}

// own are the patterns of the repository's packages.
func own(patterns []string) []string {
	return slices.DeleteFunc(slices.Clone(patterns), func(p string) bool { return !ours(p) })
}

func (i imports) check(t *tree) []string {
	var broken []string
	for _, p := range t.sorted(i.of...) {
		if matchesAny(i.except, p.folder) {
			continue
		}
		for _, f := range p.code() {
			for _, imported := range slices.Sorted(maps.Values(f.imports)) {
				if len(i.only) > 0 && !matchesAny(i.only, imported) || matchesAny(i.never, imported) {
					broken = append(broken, fmt.Sprintf("%s imports %s", f.name, imported))
				}
			}
		}
	}
	return broken
}
