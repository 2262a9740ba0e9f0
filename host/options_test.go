package host_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TestOpenRefusesWhatItDoesNotKnow: a word that is misspelt and a number below zero are
// errors that name the option, and never taken for something else.
func TestOpenRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	digest := strings.Repeat("ab", 32)
	connection := func(change func(c *host.Connection)) func(o *host.Options) {
		return func(o *host.Options) {
			c := o.Connections.(host.StaticConnections)["a"]
			change(&c)
			o.Connections.(host.StaticConnections)["a"] = c
		}
	}
	for name, test := range map[string]struct {
		field  string
		change func(o *host.Options)
	}{
		"updates misspelt":       {"updates", func(o *host.Options) { o.Updates = "Never" }},
		"updates padded":         {"updates", func(o *host.Options) { o.Updates = "never " }},
		"digest short":           {"first_party.x", func(o *host.Options) { o.FirstParty = map[string]string{"x": "abc"} }},
		"digest empty":           {"first_party.x", func(o *host.Options) { o.FirstParty = map[string]string{"x": ""} }},
		"digest prefixed":        {"first_party.x", func(o *host.Options) { o.FirstParty = map[string]string{"x": "sha256:" + digest} }},
		"digest upper case":      {"first_party.x", func(o *host.Options) { o.FirstParty = map[string]string{"x": strings.ToUpper(digest)} }},
		"digest of nothing":      {"first_party.", func(o *host.Options) { o.FirstParty = map[string]string{"": digest} }},
		"reload":                 {"reload", func(o *host.Options) { o.Reload = -1 }},
		"unload":                 {"unload_after", func(o *host.Options) { o.UnloadAfter = -time.Second }},
		"compile timeout":        {"compile_timeout", func(o *host.Options) { o.CompileTimeout = -1 }},
		"idle connections":       {"idle_connections", func(o *host.Options) { o.IdleConnections = -1 }},
		"compile memory":         {"compile_memory", func(o *host.Options) { o.CompileMemory = -1 }},
		"compile worker":         {"compile_worker", func(o *host.Options) { o.CompileWorker = []string{""} }},
		"audit size":             {"audit.max_size", func(o *host.Options) { o.Audit = config.Audit{File: "a", MaxSize: -1} }},
		"audit keep":             {"audit.keep", func(o *host.Options) { o.Audit = config.Audit{File: "a", Keep: -1} }},
		"audit size of no file":  {"audit", func(o *host.Options) { o.Audit = config.Audit{Log: true, MaxSize: 1} }},
		"audit required":         {"audit.required", func(o *host.Options) { o.Audit.Required = true }},
		"secrets cache":          {"secrets.cache", func(o *host.Options) { o.Secrets.Cache = -1 }},
		"identity":               {"secrets.identity", func(o *host.Options) { o.Secrets.Identity = "AGE-SECRET-KEY-1" }},
		"identity in itself":     {"secrets.identity", func(o *host.Options) { o.Secrets.Identity = "age:x" }},
		"helper without program": {"secrets.helpers.op", func(o *host.Options) { o.Secrets.Helpers = map[string]config.Helper{"op": {}} }},
		"helper timeout": {"secrets.helpers.op.timeout", func(o *host.Options) {
			o.Secrets.Helpers = map[string]config.Helper{"op": {Command: []string{"op"}, Timeout: -1}}
		}},
		"vault version": {"secrets.vault.version", func(o *host.Options) { o.Secrets.Vault = &config.Vault{Version: 3} }},
		"vault token":   {"secrets.vault.token", func(o *host.Options) { o.Secrets.Vault = &config.Vault{Token: "vault:kv/a#b"} }},
		"connection, no name": {"connections", func(o *host.Options) {
			o.Connections.(host.StaticConnections)[""] = o.Connections.(host.StaticConnections)["a"]
		}},
		"no connector": {"connections.a.connector", connection(func(c *host.Connection) { c.Connector = "" })},
		"mode":         {"connections.a.mode", connection(func(c *host.Connection) { c.Mode = "Hosted" })},
		"rate limit":   {"connections.a.rate_limit", connection(func(c *host.Connection) { c.RateLimit = "OFF" })},
		"effect":       {"connections.a.allow.effects", connection(func(c *host.Connection) { c.Allow = &config.Allow{Effects: []abi.Effect{"Read"}} })},
		"rule of requests": {"connections.a.allow.requests[0]", connection(func(c *host.Connection) {
			c.Allow = &config.Allow{Effects: []abi.Effect{abi.EffectRead}, Requests: []string{"/a"}}
		})},
		"rule of two kinds": {"connections.a.allow.params.a.b.c", connection(func(c *host.Connection) {
			c.Allow = &config.Allow{Operations: []string{"a.b"}, Params: rules(grant.ParamRule{Values: []any{"x"}, Pattern: "x"})}
		})},
		"rule of no kind": {"connections.a.allow.params.a.b.c", connection(func(c *host.Connection) {
			c.Allow = &config.Allow{Operations: []string{"a.b"}, Params: rules(grant.ParamRule{})}
		})},
		"narrows nothing":     {"connections.a.allow", connection(func(c *host.Connection) { c.Allow = &config.Allow{Requests: []string{"GET /a"}} })},
		"reference":           {"connections.a.credentials.t", connection(func(c *host.Connection) { c.Credentials = map[string]string{"t": "sk_live_1"} })},
		"scheme":              {"connections.a.credentials.t", connection(func(c *host.Connection) { c.Credentials = map[string]string{"t": "Env:TOKEN"} })},
		"authorities of none": {"connections.a.tls", connection(func(c *host.Connection) { c.TLS = &config.TLS{} })},
		"authorities, no TLS": {"connections.a.tls", connection(func(c *host.Connection) { c.TLS, c.Server = &config.TLS{CAFile: "ca.pem"}, "HTTP://127.0.0.1" })},
		"airbyte, direct":     {"connections.a.airbyte", connection(func(c *host.Connection) { c.Airbyte = &config.Airbyte{WorkspaceName: "w"} })},
		"hosted with a server": {"connections.a.server", connection(func(c *host.Connection) {
			c.Mode, c.Server, c.Airbyte = config.Hosted, "eu", &config.Airbyte{WorkspaceName: "w"}
		})},
		"timeout":        {"connections.a.limits.timeout", connection(func(c *host.Connection) { c.Limits.Timeout = -1 })},
		"memory":         {"connections.a.limits.memory", connection(func(c *host.Connection) { c.Limits.Memory = -1 })},
		"fuel":           {"connections.a.limits.fuel", connection(func(c *host.Connection) { c.Limits.Fuel = -1 })},
		"requests":       {"connections.a.limits.requests", connection(func(c *host.Connection) { c.Limits.Requests = -1 })},
		"request bytes":  {"connections.a.limits.request_bytes", connection(func(c *host.Connection) { c.Limits.RequestBytes = -1 })},
		"response bytes": {"connections.a.limits.response_bytes", connection(func(c *host.Connection) { c.Limits.ResponseBytes = -1 })},
		"output bytes":   {"connections.a.limits.output_bytes", connection(func(c *host.Connection) { c.Limits.OutputBytes = -1 })},
		"log lines":      {"connections.a.limits.log_lines", connection(func(c *host.Connection) { c.Limits.LogLines = -1 })},
		"log bytes":      {"connections.a.limits.log_bytes", connection(func(c *host.Connection) { c.Limits.LogBytes = -1 })},
		"concurrency":    {"connections.a.limits.concurrency", connection(func(c *host.Connection) { c.Limits.Concurrency = -1 })},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Nothing is made before the options are known to be good.
			o := host.Options{Cache: filepath.Join(t.TempDir(), "cache"), Connections: host.StaticConnections{"a": {Connector: "x"}}}
			test.change(&o)
			h, err := host.Open(t.Context(), o)
			var e *host.Error
			if h != nil || !errors.As(err, &e) || e.Kind != abi.KindInvalidParams || e.Field != test.field || e.Hint == "" {
				t.Errorf("got %#v, want invalid_params of %s with a hint", err, test.field)
			}
			if e != nil && strings.Contains(e.Message+e.Hint, "sk_live") {
				t.Errorf("the error shows a secret: %v", e)
			}
		})
	}
}

func rules(r grant.ParamRule) map[string]map[string]grant.ParamRule {
	return map[string]map[string]grant.ParamRule{"a.b": {"c": r}}
}
