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
		schema := query.Brief(filterDescription + s.fieldsDescription(fields))
		if properties, ok := schema["properties"].(object); ok {
			properties[MaxAge] = object{"type": "integer", "minimum": 0, "description": "The most seconds that the copies may be old. Older ones are brought up to date first, or meta.up_to_date is false."}
		}
		params, _ := json.Marshal(schema) // maps, slices and strings always marshal
		operations = append(operations, &Operation{Operation: &abi.Operation{
			Entity:      s.Entity,
			Action:      airbyteapi.ActionSearch,
			Title:       "Search the copies of " + strings.ReplaceAll(s.Entity, "_", " "),
			Description: searchDescription,
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
	"meta.synced_at says as of when they are, and meta.complete whether all have been copied."

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

// mostDescribed bounds how many fields of a kind a description names.
const mostDescribed = 60

// fieldsDescription says which fields there are, and of which type: members of records, and what is inside them if it
// is a time or a number.
func (s *Sync) fieldsDescription(members []string) string {
	byType := make(map[FieldType][]string)
	for _, name := range slices.Sorted(maps.Keys(s.Fields)) {
		if kind := s.Fields[name]; kind == FieldTime || kind == FieldNumber {
			byType[kind] = append(byType[kind], name)
		}
	}
	others := slices.DeleteFunc(slices.Clone(members), func(name string) bool {
		return slices.Contains(byType[FieldTime], name) || slices.Contains(byType[FieldNumber], name)
	})
	var b strings.Builder
	for _, of := range []struct {
		says  string
		names []string
	}{{"Fields", others}, {"Times", byType[FieldTime]}, {"Numbers", byType[FieldNumber]}, {"Words are found fast in", s.Text}} {
		if len(of.names) > 0 {
			b.WriteString(" " + of.says + ": " + strings.Join(of.names[:min(len(of.names), mostDescribed)], ", ") + ".")
		}
	}
	return b.String()
}

// example is a search for a word where there are any, and for the newest records.
func (s *Sync) example(fields []string) json.RawMessage {
	if len(s.Text) == 0 {
		return query.Example(fields)
	}
	raw, _ := json.Marshal(object{"query": object{"filter": object{"keyword": object{s.Text[0]: "new*"}}}, "limit": 10}) // texts always marshal
	return raw
}
