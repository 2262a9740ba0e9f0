package airbyte

import (
	_ "embed"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// definitionsJSON are Airbyte's connectors of the simulated vendors (SDK 0.1.380 and the authentication pages).
//
//go:embed definitions.json
var definitionsJSON []byte

// Definition is a kind of connector.
type Definition struct {
	// Slug is the connector's name, Type its display name, and ID the kind's UUID.
	Slug string `json:"slug"`
	Type string `json:"type"`
	ID   string `json:"id"`
	// Credentials are the fields of credentials; all are required.
	Credentials []string `json:"credentials"`
	// StartDate is the form of replication_config.start_date, empty if the kind has no replication_config.
	StartDate string `json:"start_date"`
	// Operations are the connector's, by entity and action, with their parameters. It drops all other parameters.
	Operations map[string][]string `json:"operations"`
	// Drops are parameters that no operation of this connector has, not even one that it got since.
	Drops []string `json:"drops"`
	// Unlimited are operations whose limit the vendor ignores.
	Unlimited []string `json:"unlimited"`
	// CursorParam is the parameter that gets the next page.
	CursorParam string `json:"cursor_param"`
	// Metadata are the names of the next cursor and of whether there is more; either may be missing.
	Metadata struct {
		Cursor string `json:"cursor"`
		More   string `json:"more"`
	} `json:"metadata"`
	// Wraps says which actions return the vendor's whole answer.
	Wraps struct {
		Actions []string        `json:"actions"`
		Record  string          `json:"record"`
		Beside  json.RawMessage `json:"beside"`
	} `json:"wraps"`
	// Deaf says that the connector ignores failures, which the vendor answers with status 200.
	Deaf bool `json:"deaf"`
	// Searchable are the fields of the context store, by entity.
	Searchable map[string][]string `json:"searchable"`
	// Semantic are the fields of the context store that are searched by meaning, by entity.
	Semantic map[string][]string `json:"semantic"`
}

// Definitions returns the kinds of connectors that the service knows. Every call returns a fresh copy.
func Definitions() []Definition {
	var all []Definition
	if err := json.Unmarshal(definitionsJSON, &all); err != nil {
		panic("BUG: definitions.json: " + err.Error())
	}
	return all
}

// definition finds a kind by its id, or by its display name in any case of letters.
func (s *Service) definition(id, name string) *Definition {
	i := slices.IndexFunc(s.definitions, func(d Definition) bool { return id != "" && d.ID == id || id == "" && strings.EqualFold(d.Type, name) })
	if i < 0 {
		return nil
	}
	return &s.definitions[i]
}

// checkStartDate says what is wrong with a start_date, or "".
func (d *Definition) checkStartDate(value string) string {
	if !regexp.MustCompile(d.StartDate).MatchString(value) || !isTime(value) {
		return "start_date does not match " + d.StartDate
	}
	return ""
}
