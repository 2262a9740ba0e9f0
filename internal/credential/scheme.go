package credential

import (
	"fmt"
	"slices"

	"github.com/agenthost/agenthost/internal/authfield"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Mismatch says why fields complete no scheme. It has neither Unknown nor Missing where the
// fields belong to more than one.
type Mismatch struct {
	Unknown string   // a field that no scheme has
	Missing string   // a field that a scheme requires
	Known   []string // the fields of all schemes
}

// Scheme returns the first scheme that has all the fields and requires no other.
func Scheme(schemes []abi.AuthScheme, fields []string) (*abi.AuthScheme, *Mismatch) {
	var m Mismatch
	for i := range schemes {
		scheme := &schemes[i]
		has, missing := describe(scheme, fields)
		m.Known = append(m.Known, has...)
		switch {
		case slices.ContainsFunc(fields, func(f string) bool { return !slices.Contains(has, f) }):
		case missing == "":
			return scheme, nil
		case m.Missing == "":
			m.Missing = missing
		}
	}
	for _, field := range fields {
		if !slices.Contains(m.Known, field) {
			m.Unknown = field
			break
		}
	}
	return nil, &m
}

// describe returns the fields of a scheme, and the first required one that is missing.
func describe(scheme *abi.AuthScheme, fields []string) (has []string, missing string) {
	for _, f := range scheme.Fields {
		has = append(has, f.Name)
		if missing == "" && f.Required && !slices.Contains(fields, f.Name) {
			missing = f.Name
		}
	}
	// One of them is enough, a login included, which belongs to a client.
	if ways := []string{authfield.AccessToken, authfield.RefreshToken, authfield.ClientID, authfield.CredentialsJSON}; missing == "" && scheme.OAuth2 != nil && slices.Contains(has, authfield.AccessToken) &&
		!slices.ContainsFunc(ways, func(f string) bool { return slices.Contains(fields, f) }) {
		missing = authfield.AccessToken
	}
	return has, missing
}

func (c *Credential) scheme(fields []string) (*abi.AuthScheme, error) {
	scheme, problem := Scheme(c.config.Schemes, fields)
	if problem == nil {
		return scheme, nil
	}
	name, connector := c.config.Connection, c.config.Connector
	at := "connections." + name + ".credentials"
	switch {
	case problem.Unknown != "":
		return nil, fault.Configuration(fault.Invalid(at+"."+problem.Unknown, fmt.Sprintf("connection %s has the credential %q, which %s does not use", name, problem.Unknown, connector), fault.Hint(problem.Unknown, problem.Known)))
	case problem.Missing == "":
		return nil, fault.Configuration(fault.Invalid(at, "connection "+name+" has credentials of more than one scheme", "agenthost auth "+connector+" lists the schemes"))
	}
	return nil, &abi.Error{
		Kind: abi.KindAuthFailed, Field: at + "." + problem.Missing,
		Message: fmt.Sprintf("connection %s has no credential %q", name, problem.Missing),
		Hint:    fmt.Sprintf("add credentials: {%s: env:NAME} to it; agenthost auth %s has details", problem.Missing, connector),
	}
}
