package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/host/config"
)

// variables returns the environment variables that the references of a configuration name, and
// what needs each of them. If names is not empty, only these connections count.
func variables(c *config.Config, names []string) map[string][]string {
	needed := make(map[string][]string)
	add := func(reference, by string) {
		if name, found := strings.CutPrefix(reference, "env:"); found && !slices.Contains(needed[name], by) {
			needed[name] = append(needed[name], by)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Connections)) {
		if len(names) > 0 && !slices.Contains(names, name) {
			continue
		}
		connection, by := c.Connections[name], "connection "+name
		for _, reference := range connection.Credentials {
			add(reference, by)
		}
		if account := connection.Airbyte; account != nil {
			add(or(account.ClientID, "env:AIRBYTE_CLIENT_ID"), by)
			add(or(account.ClientSecret, "env:AIRBYTE_CLIENT_SECRET"), by)
		}
	}
	if c.Proxy != nil {
		add(c.Proxy.Credential, "proxy")
	}
	add(c.Secrets.Identity, "secrets")
	if c.Secrets.Vault != nil {
		add(c.Secrets.Vault.Token, "secrets")
	}
	return needed
}

func or(reference, without string) string {
	return cmp.Or(reference, without)
}

// missingVariables says which variables that the connections need are not set. The server
// starts all the same, because other connections may work.
func (a *app) missingVariables(c *config.Config, names []string) {
	needed := variables(c, names)
	for _, name := range slices.Sorted(maps.Keys(needed)) {
		if value, _ := a.lookupEnv(name); value != "" && !isPlaceholder(value, name) {
			continue
		}
		a.say("note", fmt.Sprintf("%s: the variable %s is not set, so calls will fail; many clients do not pass their environment on, so add %[2]s to env in the client's configuration (see agenthost mcp config)",
			strings.Join(needed[name], ", "), name))
	}
}

// isPlaceholder reports whether a value is what agenthost mcp config wrote for a variable, and
// the client did not put a value in its place.
func isPlaceholder(value, name string) bool {
	return slices.Contains([]string{"${" + name + "}", "${env:" + name + "}", "$" + name, expanded(placeholder, name)}, value)
}
