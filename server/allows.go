package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/policy"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/pdk/abi"
)

// readAllow reads what a connection has as its allow. Numbers stay what they are.
func readAllow(text []byte) (*grant.Allow, error) {
	if len(text) == 0 || string(text) == "null" {
		return nil, nil
	}
	var a grant.Allow
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil {
		return nil, fault.Invalid("allow", "allow cannot be read: "+err.Error(), "write effects, operations, ask, params, requests and downloads, as in agenthost.yaml")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fault.Invalid("allow", "allow is not one object", "write one object")
	}
	if _, err := policy.New(&a); err != nil {
		return nil, fault.Under("allow", err)
	}
	return &a, nil
}

// allowed is what a connection may do: what the configuration allows its connector, and the operators
// the connection, and the workspace chose.
func allowed(c *store.Connection, configured *grant.Allow, operations []abi.Operation) (*grant.Allow, error) {
	own, err := readAllow([]byte(c.Allow))
	if err != nil {
		return nil, err
	}
	return allowedOf(configured, own, c.Entities, operations)
}

func allowedOf(configured, own *grant.Allow, entities []store.EntityAccess, operations []abi.Operation) (*grant.Allow, error) {
	both, err := narrowed(configured, own, operations)
	if err != nil {
		return nil, err
	}
	return restrict(both, entities, operations), nil
}

// narrowed is what both allow: nil is everything. It refuses two that cannot be joined.
func narrowed(configured, own *grant.Allow, operations []abi.Operation) (*grant.Allow, error) {
	switch {
	case own == nil:
		return configured, nil
	case configured == nil:
		return own, nil
	}
	var both grant.Allow
	for i := range operations {
		if op := &operations[i]; permits(configured, op) && permits(own, op) {
			both.Operations = append(both.Operations, policy.NameOf(op))
		}
	}
	if both.Operations == nil {
		return &both, nil // which allows nothing
	}
	both.Ask = slices.Concat(configured.Ask, own.Ask)
	both.Params = make(map[string]map[string]grant.ParamRule)
	for _, rules := range []map[string]map[string]grant.ParamRule{configured.Params, own.Params} {
		for op, params := range rules {
			if both.Params[op] == nil {
				both.Params[op] = make(map[string]grant.ParamRule)
			}
			for name := range params {
				if _, twice := both.Params[op][name]; twice {
					return nil, twoRules("params." + op + "." + name)
				}
			}
			maps.Copy(both.Params[op], params)
		}
	}
	if both.Requests = own.Requests; len(own.Requests) == 0 {
		both.Requests = configured.Requests
	} else if len(configured.Requests) > 0 {
		return nil, twoRules("requests")
	}
	if both.Downloads = own.Downloads; own.Downloads == nil {
		both.Downloads = configured.Downloads
	} else if configured.Downloads != nil {
		return nil, twoRules("downloads")
	}
	return &both, nil
}

func twoRules(key string) error {
	return fault.Invalid("allow."+key, fmt.Sprintf("the configuration of the server has %s for the connector too, and the two cannot be joined", key), "leave it out of one of them")
}
