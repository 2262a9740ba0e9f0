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
			name: "pdk is small", of: []string{"pdk"}, only: []string{"std", "pdk/abi"}, never: []string{"net/...", "os/...", "fmt", "reflect"},
			why:    "connector authors get pdk and no dependency with it, and a guest has no network and no files for those packages to use",
			broken: map[string]string{"pdk/a_wasip1.go": `package pdk; import _ "net/http"`, "pdk/b.go": `package pdk; import _ "github.com/agenthost/agenthost/internal/rawjson"`},
			kept:   map[string]string{"pdk/a.go": `package pdk; import _ "github.com/agenthost/agenthost/pdk/abi"`},
		},
		{
			name: "pdktest needs no host", of: []string{"pdk/pdktest"}, only: []string{"std", "pdk", "pdk/abi"},
			why:    "authors test a connector in plain Go: the test kit brings no sandbox and no dependency into their module",
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
			name: "imports point inward", of: []string{"host/..."}, except: []string{"host", "host/mcp"}, never: []string{"host", "cmd/..."},
			why:    "cmd builds upon host, host upon its subpackages, and those upon pdk/abi: the other way round, a part cannot be understood without the whole",
			broken: map[string]string{"host/egress/a.go": `package egress; import _ "github.com/agenthost/agenthost/host"`},
			kept:   map[string]string{"host/egress/a.go": `package egress; import _ "github.com/agenthost/agenthost/host/secret"`, "host/a.go": `package host; import _ "github.com/agenthost/agenthost/host/egress"`},
		},
		{
			name: "the host does not hold the pdk", of: []string{"host/..."}, never: []string{"pdk", "pdk/pdktest"},
			why:    "pdk is the guest's side: what both sides need is in pdk/abi, so that connectors in other languages get the same treatment",
			broken: map[string]string{"host/a.go": `package host; import ` + guest},
			kept:   map[string]string{"host/a.go": `package host; import _ "github.com/agenthost/agenthost/pdk/abi"`},
		},
		{
			name: "nothing builds upon the command", of: []string{"host/...", "pdk/...", "plugins/...", "internal/..."}, never: []string{"cmd/..."},
			why:    "what the command can do, the library can do: the command only wires packages together",
			broken: map[string]string{"internal/a/a.go": `package a; import _ "github.com/agenthost/agenthost/cmd/agenthost/internal/render"`},
		},
		{
			name: "no test code in the library", of: []string{"host/...", "pdk/...", "plugins/...", "internal/rawjson", "internal/nearest", "internal/lazyregexp"},
			never:  []string{"internal/canary", "internal/exampletest", "internal/vendorsim/...", "internal/vaultsim", "internal/oauthsim", "internal/wasmtest", "internal/wasmasm", "internal/demo/...", "internal/bench", "testing/..."},
			why:    "simulated vendors and test tools are no part of what people embed",
			broken: map[string]string{"host/a.go": `package host; import _ "github.com/agenthost/agenthost/internal/vendorsim/pylon"`},
			kept:   map[string]string{"host/a_test.go": `package host; import _ "github.com/agenthost/agenthost/internal/vendorsim/pylon"`},
		},
		{
			name: "secret stands alone", of: []string{"host/secret"}, only: []string{"std", "pdk/abi", "internal/nearest"}, never: []string{"net/...", "os/exec"},
			why:    "the code that holds credentials is small enough to be read whole, and opens no connection",
			broken: map[string]string{"host/secret/a.go": `package secret; import _ "github.com/hashicorp/go-hclog"`, "host/secret/b.go": `package secret; import _ "net/http"`},
		},
		{
			name: "leases are pure", of: []string{"host/secret/lease"}, only: []string{"std", "pdk/abi"}, never: []string{"net/...", "os/..."},
			why:    "when a secret is read again is decided in one place, for every kind of secret, by code that holds none",
			broken: map[string]string{"host/secret/lease/a.go": `package lease; import _ "github.com/agenthost/agenthost/host/secret"`},
		},
		{
			name: "sources of secrets stand apart", of: []string{"host/secret/agefile", "host/secret/durable", "host/secret/helper", "host/secret/keyring", "host/secret/vault"},
			only:   []string{"std", "pdk/abi", "internal/nearest", "host/secret", "host/secret/durable", "host/egress", "filippo.io/age/...", "github.com/zalando/go-keyring", "github.com/hashicorp/go-hclog"},
			why:    "each place that holds secrets is a folder that is read on its own; what a source needs of the network it asks of host/egress",
			broken: map[string]string{"host/secret/vault/a.go": `package vault; import _ "github.com/agenthost/agenthost/host/config"`},
			kept:   map[string]string{"host/secret/vault/a.go": `package vault; import _ "github.com/agenthost/agenthost/host/egress"`},
		},
		{
			name: "OAuth stands apart", of: []string{"host/oauth/..."},
			only:   []string{"std", "pdk/abi", "host/secret", "host/secret/durable", "host/egress", "host/oauth/callback", "host/oauth/tokenfile", "github.com/hashicorp/go-hclog"},
			why:    "what handles logins and refresh tokens is reviewed with all that it depends on, and sends by host/egress alone",
			broken: map[string]string{"host/oauth/a.go": `package oauth; import _ "golang.org/x/oauth2"`, "host/oauth/tokenfile/a.go": `package tokenfile; import _ "github.com/agenthost/agenthost/host/config"`},
		},
		{
			name: "access tokens are checked apart", of: []string{"host/mcp/accesstoken"},
			only: []string{"std", "pdk/abi", "host/egress", "github.com/go-jose/go-jose/v4/...", "github.com/hashicorp/go-hclog"}, never: []string{"net", "net/http"},
			why:    "what lets callers in is reviewed with all that it depends on, holds no credential of ours, and asks issuers by host/egress alone",
			broken: map[string]string{"host/mcp/accesstoken/a.go": `package accesstoken; import _ "net/http"`, "host/mcp/accesstoken/b.go": `package accesstoken; import _ "github.com/agenthost/agenthost/host/secret"`},
			kept:   map[string]string{"host/mcp/accesstoken/a.go": `package accesstoken; import _ "github.com/agenthost/agenthost/host/egress"`},
		},
		{
			name: "sources that are files reach no network", of: []string{"host/secret/agefile", "host/secret/durable", "host/secret/helper", "host/secret/keyring", "host/oauth/tokenfile"},
			never:  []string{"net/...", "host/egress"},
			why:    "what reads a file, asks a keyring or runs a helper sends nothing anywhere",
			broken: map[string]string{"host/secret/helper/a.go": `package helper; import _ "net/http"`, "host/secret/agefile/a.go": `package agefile; import _ "github.com/agenthost/agenthost/host/egress"`},
		},
		{
			name: "egress stands alone", of: []string{"host/egress/..."},
			only:   []string{"std", "pdk/abi", "internal/nearest", "host/secret", "host/grant", "host/egress/origin", "host/egress/pathtemplate", "github.com/hashicorp/go-hclog"},
			why:    "the code that meets vendors and credentials is reviewed with all that it depends on; host/grant, which is pure, decides on the very request that egress sends",
			broken: map[string]string{"host/egress/a.go": `package egress; import _ "golang.org/x/net/http2"`, "host/egress/b.go": `package egress; import _ "github.com/agenthost/agenthost/host/sandbox"`},
		},
		{
			name: "the Airbyte API is reached through egress", of: []string{"host/airbyte"},
			only:   []string{"std", "pdk/abi", "internal/nearest", "internal/rawjson", "host/secret", "host/secret/lease", "host/egress", "github.com/hashicorp/go-hclog"},
			why:    "the second place that holds secrets is as small as the first, and opens no connection of its own",
			broken: map[string]string{"host/airbyte/a.go": `package airbyte; import _ "github.com/agenthost/agenthost/host/config"`},
			kept:   map[string]string{"host/airbyte/a.go": `package airbyte; import _ "github.com/agenthost/agenthost/host/egress"`},
		},
		{
			name: "path templates are pure", of: []string{"host/egress/pathtemplate"}, only: []string{"std"}, never: []string{"net/...", "os/..."},
			why:    "host/connector checks a manifest with the same code that matches requests, and gets no network by that",
			broken: map[string]string{"host/egress/pathtemplate/a.go": `package pathtemplate; import _ "net"`},
		},
		{
			name: "origins are pure", of: []string{"host/egress/origin"}, only: []string{"std", "host/egress/pathtemplate"}, never: []string{"net", "net/http", "os/..."},
			why:    "what checks a manifest, what decides and what sends read a URL with the same code, and get no network by that",
			broken: map[string]string{"host/egress/origin/a.go": `package origin; import _ "net"`},
			kept:   map[string]string{"host/egress/origin/a.go": `package origin; import _ "net/netip"`},
		},
		{
			name: "modules are read by our own code", of: []string{"host/sandbox/wasm"}, only: []string{"std"}, never: []string{"net/...", "os/..."},
			why:    "what vets a hostile module shares no code with what compiles it, so that one bug does not open both",
			broken: map[string]string{"host/sandbox/wasm/a.go": `package wasm; import _ "github.com/tetratelabs/wazero/api"`},
			kept:   map[string]string{"host/sandbox/wasm/a_test.go": `package wasm; import _ "github.com/tetratelabs/wazero/api"`},
		},
		{
			name: "the sandbox holds no credential", of: []string{"host/sandbox/..."}, never: []string{"host/secret", "host/egress/...", "host/config", "host/grant"},
			why:    "a guest that broke out of its calls would find no credential and no policy in the package around it: it asks host, which asks egress",
			broken: map[string]string{"host/sandbox/a.go": `package sandbox; import _ "github.com/agenthost/agenthost/host/secret"`},
		},
		{
			name: "decisions are pure", of: []string{"host/grant", "host/connector", "host/shape"}, never: []string{"net", "net/http", "os/...", "host/sandbox/...", "host/egress", "host/secret"},
			why:    "what decides or validates reaches nothing, so that a table of inputs tests all of it",
			broken: map[string]string{"host/grant/a.go": `package grant; import _ "os"`, "host/connector/a.go": `package connector; import _ "net/http"`},
			kept:   map[string]string{"host/connector/a.go": `package connector; import _ "github.com/agenthost/agenthost/host/egress/pathtemplate"`},
		},
		{
			name: "tools reach nothing", of: []string{"host/tool", "host/budget"}, only: []string{"std", "pdk/abi", "internal/nearest", "internal/rawjson", "host/budget"}, never: []string{"net/...", "os/..."},
			why:    "what a model sees is made of a manifest and of answers alone: no provider's package, no credential, no way round Execute",
			broken: map[string]string{"host/tool/a.go": `package tool; import _ "net/http"`, "host/budget/a.go": `package budget; import _ "github.com/agenthost/agenthost/host/secret"`},
		},
		{
			name: "what decides stands alone", of: []string{"host/grant"},
			only:   []string{"std", "pdk/abi", "internal/nearest", "host/egress/origin", "host/egress/pathtemplate"},
			why:    "egress and the configuration both build upon it, and what decides is read whole",
			broken: map[string]string{"host/grant/a.go": `package grant; import _ "github.com/agenthost/agenthost/host/config"`},
		},
		{
			name: "rawjson, nearest and lazyregexp are leaves", of: []string{"internal/rawjson", "internal/nearest", "internal/lazyregexp"}, only: []string{"std"}, never: []string{"net/...", "os/..."},
			why:    "the security core may use them without looking further",
			broken: map[string]string{"internal/rawjson/a.go": `package rawjson; import _ "github.com/agenthost/agenthost/pdk/abi"`},
		},
		{
			name: "nothing unsafe", of: []string{"cmd/...", "host/...", "internal/...", "plugins/..."}, except: []string{"host/sandbox/pages"}, never: []string{"unsafe"},
			why:    "memory safety is what the sandbox rests on; pdk, inside the guest, has to name addresses, and so does host/sandbox/pages, which tells the kernel where a guest's memory is",
			broken: map[string]string{"host/sandbox/a.go": `package sandbox; import _ "unsafe"`, "host/a.go": `package host; import _ "unsafe"`},
			kept:   map[string]string{"pdk/a.go": `package pdk; import _ "unsafe"`, "host/sandbox/pages/a.go": `package pages; import _ "unsafe"`},
		},
		{
			name: "Go alone", of: []string{"cmd/...", "host/...", "internal/...", "plugins/..."}, never: []string{"C", "plugin"},
			why:    "memory safety is what the sandbox rests on, and a build needs nothing but Go",
			broken: map[string]string{"host/a.go": `package host; import "C"`, "host/sandbox/pages/a.go": `package pages; import "C"`},
		},
		{
			name: "the host starts no process but its compile worker and configured helpers", of: []string{"cmd/...", "host/...", "pdk/...", "plugins/..."},
			except: []string{"host/sandbox/compileworker", "host/secret/helper"}, never: []string{"os/exec"},
			why:    "a child inherits the environment, and with it the credentials; the packages that start a process give it none, or what the operator listed",
			broken: map[string]string{"host/a.go": `package host; import _ "os/exec"`, "host/sandbox/a.go": `package sandbox; import _ "os/exec"`, "host/secret/keyring/a.go": `package keyring; import _ "os/exec"`},
			kept:   map[string]string{"internal/wasmtest/a.go": `package wasmtest; import _ "os/exec"`},
		},
		{
			name: "one logger", of: []string{"cmd/...", "host/...", "pdk/...", "plugins/..."}, except: []string{"host/secret", "host/logging", "cmd/agenthost/internal/demo"}, never: []string{"log", "log/slog"},
			why:    "the embedder hands in a logger, and no line goes round it; host/secret knows slog only to be redacted in it, host/logging is the bridge to it, and the demo's vendor is net/http's server",
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
