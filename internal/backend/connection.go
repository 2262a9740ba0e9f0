package backend

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/configvalue"
	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/policy"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Connection is what a backend knows of its connection. It does not change.
type Connection struct {
	Workspace string // whose it is, empty for the operator's
	Of        *Workspace
	Name      string
	Config    config.Connection
	Limits    config.Limits // defaults included
	Connector *connector.Connector
	File      File
	Grant     *policy.Grant
	Server    *abi.Server // as declared, with variables
	Override  string      // the operator's URL for Server
	Values    configvalue.Values
	// Copied are the lists that copies of records are made by, by the entity; nil if there are no copies. [Copies]
	// sets them. They decide on searches in the copies.
	Copied map[string]*abi.Operation
}

// NewConnection chooses the server of a connection, and checks its configuration against what
// its connector declares. The error has kind invalid_params.
func NewConnection(name string, cfg config.Connection, declared *connector.Connector, file File) (Connection, error) {
	c := Connection{Name: name, Config: cfg, Limits: WithDefaults(cfg.Limits), Connector: declared, File: file}
	if cfg.OAuth != nil && !slices.ContainsFunc(declared.Auth.Schemes, func(s abi.AuthScheme) bool { return s.OAuth2 != nil }) {
		return c, fault.Invalid("connections."+name+".oauth", fmt.Sprintf("connection %s has oauth, and %s does not use OAuth 2.0", name, cfg.Connector),
			"remove oauth from the connection")
	}
	var err error
	if len(declared.Manifest.Config)+len(cfg.Config) > 0 {
		if c.Values, err = configvalue.New("connections."+name+".config", declared.Manifest.Config, cfg.Config); err != nil {
			return c, err
		}
	}
	if strings.Contains(cfg.Server, "://") {
		c.Override, c.Server = cfg.Server, &declared.Manifest.Servers[0]
		return c, nil
	}
	if c.Server, err = declared.Server(cfg.Server); err != nil {
		return c, fault.Under("connections."+name, err)
	}
	return c, nil
}

// Rate says which limits count for the requests of a connection that calls the vendor.
func (c *Connection) Rate() config.RateLimit {
	if c.Config.RateLimit == "" && c.Override != "" {
		return config.RateLearned // the manifest documents the limits of the vendor's own server
	}
	return c.Config.RateLimit
}

// SetGrant makes the connection's grant of what its configuration allows. It refuses
// names that the connector does not have: a typing error there would silently allow less
// than was meant, or in a rule on arguments more.
func (c *Connection) SetGrant(b Backend) error {
	allow := c.Config.Allow
	at := "connections." + c.Name + ".allow"
	var err error
	if c.Grant, err = NewGrant(c.Name, allow); err != nil {
		return err
	}
	if allow == nil {
		return nil
	}
	c.Grant = c.Grant.Searching(c.Copied)
	operations := b.Operations()
	for _, key := range []string{"operations", "ask"} {
		if err := c.checkNames(operations, at, key); err != nil {
			return err
		}
	}
	for name, rules := range allow.Params {
		if err := c.checkParamRules(b, at+".params", name, rules); err != nil {
			return err
		}
	}
	return nil
}

// checkNames refuses names of operations that the connector does not have, under a key of allow.
func (c *Connection) checkNames(operations []*abi.Operation, at, key string) error {
	verb, names := "allows", c.Config.Allow.Operations
	if key == "ask" {
		verb, names = "asks for", c.Config.Allow.Ask
	}
	for _, pattern := range names {
		if key == "ask" && !strings.Contains(pattern, ".") || slices.ContainsFunc(operations, func(op *abi.Operation) bool { return pattern == policy.NameOf(op) || pattern == op.Entity+".*" }) {
			continue
		}
		var patterns []string
		for _, op := range operations {
			patterns = append(patterns, policy.NameOf(op), op.Entity+".*")
		}
		return fault.Invalid(at+"."+key, fmt.Sprintf("connection %s %s %q, which %s does not have", c.Name, verb, pattern, c.Connector.Manifest.Name), fault.Hint(pattern, patterns))
	}
	return nil
}

// checkParamRules refuses rules on parameters that an operation does not have, and values
// that they cannot have.
func (c *Connection) checkParamRules(b Backend, at, name string, rules map[string]grant.ParamRule) error {
	entity, action, _ := strings.Cut(name, ".")
	op, err := b.Operation(entity, action)
	if err != nil {
		var names []string
		for _, op := range b.Operations() {
			names = append(names, policy.NameOf(op))
		}
		return fault.Invalid(at, fmt.Sprintf("connection %s has rules for the parameters of %q, which %s does not have", c.Name, name, c.Connector.Manifest.Name), fault.Hint(name, names))
	}
	schema, err := op.Schema()
	if err != nil {
		return err
	}
	for param, rule := range rules {
		here := at + "." + name + "." + param
		part, known := schema.At(strings.Split(param, "."))
		if part == nil {
			return fault.Invalid(here, fmt.Sprintf("connection %s has a rule for %q, which is not a parameter of %s", c.Name, param, name), fault.Hint(param, known))
		}
		for _, value := range rule.Values {
			if !part.CanBe(value) {
				return fault.Invalid(here, fmt.Sprintf("connection %s allows the value %v for %s of %s, which its schema does not", c.Name, value, param, name),
					"agenthost describe "+c.Connector.Manifest.Name+" "+entity+" "+action+" lists the values; put text that looks like a number in quotes")
			}
		}
	}
	return nil
}

// NewGrant makes a grant of what a connection allows. The error has kind invalid_params, and
// says in which connection it is.
func NewGrant(connection string, allow *config.Allow) (*policy.Grant, error) {
	g, err := policy.New(allow)
	if e, ok := errors.AsType[*abi.Error](err); ok {
		return nil, fault.Invalid(strings.TrimSuffix("connections."+connection+".allow."+e.Field, "."), "connection "+connection+": "+e.Message, e.Hint)
	}
	return g, err
}
