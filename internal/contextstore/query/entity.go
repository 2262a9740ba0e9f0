// Package query is the language of context_store_search: its schema, what a search means for a
// record, the order of what it finds, and the terms by which an index finds candidates.
//
// It is pure: it knows no database. Whatever finds candidates hands them to a [Selection], which
// alone decides what a search answers.
package query

import (
	"slices"
	"strings"
)

// Type is what the values of a field are. A value of another type is compared as what it is.
type Type string

// The types of fields. Any is that of a field of which nothing is known.
const (
	Any     Type = ""
	Text    Type = "text"
	Number  Type = "number" // texts that are numbers count as numbers
	Time    Type = "time"   // texts as in RFC 3339, or dates
	Boolean Type = "boolean"
)

// Field is a field of an entity's records.
type Field struct {
	// Name is the name of a member of the record, or a path of names with dots.
	Name string
	Type Type
	// Indexed fields are found by their value, and a list by the values in it.
	Indexed bool
	// Words fields are texts that are found by their words, or lists and objects with such texts.
	Words bool
	// Updated is the time by which records are ordered without a sort, for a record that has it. A search for a time of
	// this field looks only at the records of that time.
	Updated bool
}

// Entity says which fields of records a search can name: these, and what is inside them.
type Entity struct {
	Fields []Field
}

// names are the members of a record that a search can name.
func (e *Entity) names() []string {
	names := make([]string, 0, len(e.Fields))
	for _, f := range e.Fields {
		name, _, _ := strings.Cut(f.Name, ".")
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// field returns what is known of a path.
func (e *Entity) field(path []string) Field {
	name := strings.Join(path, ".")
	for _, f := range e.Fields {
		if f.Name == name {
			return f
		}
	}
	return Field{Name: name}
}
