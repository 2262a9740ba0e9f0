package connector

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/contextstore/query"
	"github.com/agenthost/agenthost/pdk/abi"
)

// MaxAge is the parameter of a search that says how old the copies may be, in seconds.
const MaxAge = "max_age"

// Copied are the lists that copies are made by, by the entity. Nobody may change it.
func (c *Connector) Copied() map[string]*abi.Operation { return c.copied() }

func listsOf(syncs []*Sync) map[string]*abi.Operation {
	lists := make(map[string]*abi.Operation, len(syncs))
	for _, s := range syncs {
		lists[s.Entity] = s.List.Operation
	}
	return lists
}

// searchOperations makes the searches in copies that agenthost keeps.
func searchOperations(syncs []*Sync) []*Operation {
	operations := make([]*Operation, 0, len(syncs))
	for _, s := range syncs {
		fields := s.members()
		if len(fields) == 0 {
			continue // a search has nothing to name
		}
		schema := query.Schema(fields)
		query.AcceptLike(schema)
		if properties, ok := schema["properties"].(object); ok {
			properties[MaxAge] = object{"type": "integer", "minimum": 0, "description": "How old the copies may be, in seconds. If they are older, they are brought up to date first; if there is no time for that, meta.up_to_date is false."}
		}
		params, _ := json.Marshal(schema) // maps, slices and strings always marshal
		operations = append(operations, &Operation{Operation: &abi.Operation{
			Entity:      s.Entity,
			Action:      airbyteapi.ActionSearch,
			Title:       "Search the copies of " + strings.ReplaceAll(s.Entity, "_", " "),
			Description: searchDescription + s.fieldsDescription() + " " + filterDescription,
			Effect:      abi.EffectRead,
			Params:      params,
			Requests:    []abi.RequestTemplate{},
			Paginated:   true,
			Examples:    []abi.RawMessage{s.example(fields)},
		}, name: s.Entity + "." + airbyteapi.ActionSearch})
	}
	return operations
}

const searchDescription = "Search copies of the records, with filters, words and sorting: one search in place of many pages of a list. " +
	"meta.synced_at says as of when they are, and meta.complete whether all have been copied. "

// members are the members of a record that a search can name: those of which the words are found first.
func (s *Sync) members() []string {
	var names []string
	for _, name := range slices.Concat(s.Text, slices.Sorted(maps.Keys(s.Fields))) {
		name, _, _ = strings.Cut(name, ".")
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// mostDescribed bounds how many fields of a type a description names.
const mostDescribed = 40

// fieldsDescription says of which type fields are. All others are texts, or what nobody declared.
func (s *Sync) fieldsDescription() string {
	byType := map[FieldType][]string{FieldText: s.Text}
	for _, name := range slices.Sorted(maps.Keys(s.Fields)) {
		if kind := s.Fields[name]; kind == FieldTime || kind == FieldNumber {
			byType[kind] = append(byType[kind], name)
		}
	}
	var b strings.Builder
	for _, of := range []struct {
		kind FieldType
		says string
	}{{FieldText, "Fields whose words are found fast: "}, {FieldTime, "Times: "}, {FieldNumber, "Numbers: "}} {
		if names := byType[of.kind]; len(names) > 0 {
			b.WriteString(of.says + strings.Join(names[:min(len(names), mostDescribed)], ", ") + ". ")
		}
	}
	return strings.TrimSuffix(b.String(), " ")
}

// example is a search for a word where there are any, and for the newest records.
func (s *Sync) example(fields []string) json.RawMessage {
	if len(s.Text) == 0 {
		return query.Example(fields)
	}
	raw, _ := json.Marshal(object{"query": object{"filter": object{"keyword": object{s.Text[0]: "login \"password reset\""}}}, "limit": 10}) // texts always marshal
	return raw
}
