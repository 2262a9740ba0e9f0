// Package tabletest makes tables for tests and benchmarks out of that of a connector in Go, see
// [github.com/agenthost/agenthost/internal/table.Of].
package tabletest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
)

// document is a table, as far as it is changed.
type document map[string]json.RawMessage

// operation is an operation of a table, as far as it is changed.
type operation struct {
	row    map[string]json.RawMessage
	entity string
	action string
}

// Resized returns a table under a name, with so many operations of another one: those that are rows and
// no code, from the first on, and again under other entities if there are fewer. All are those that
// there are if operations is 0.
func Resized(table []byte, name string, operations int) ([]byte, error) {
	var d document
	if err := json.Unmarshal(table, &d); err != nil {
		return nil, err
	}
	rows, err := rowsOf(d["operations"])
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, errors.New("the table has no operation that is a row")
	}
	var records map[string]string
	if err := json.Unmarshal(d["records"], &records); err != nil {
		return nil, err
	}
	if operations == 0 {
		operations = len(rows)
	}
	written, kept := make([]map[string]json.RawMessage, operations), make(map[string]string)
	for i := range written {
		of := rows[i%len(rows)]
		entity := of.entity
		if again := i / len(rows); again > 0 {
			entity = fmt.Sprintf("%s_%d", entity, again)
		}
		row := make(map[string]json.RawMessage, len(of.row))
		maps.Copy(row, of.row)
		if row["entity"], err = json.Marshal(entity); err != nil {
			return nil, err
		}
		written[i] = row
		for from, to := range map[string]string{of.entity: entity, of.entity + "." + of.action: entity + "." + of.action} {
			if record, ok := records[from]; ok {
				kept[to] = record
			}
		}
	}
	for key, value := range map[string]any{"name": name, "operations": written, "records": kept} {
		if d[key], err = json.Marshal(value); err != nil {
			return nil, err
		}
	}
	for _, key := range []string{"airbyte", "sync"} { // which may name operations that are code
		delete(d, key)
	}
	if operations < len(rows) {
		delete(d, "check") // which may name one that is gone
	}
	return json.Marshal(d)
}

// rowsOf are the operations that are no code.
func rowsOf(operations json.RawMessage) (rows []operation, err error) {
	var all []json.RawMessage
	if err := json.Unmarshal(operations, &all); err != nil {
		return nil, err
	}
	for _, raw := range all {
		if bytes.Contains(raw, []byte(`"handled":true`)) {
			continue
		}
		var op operation
		var names struct{ Entity, Action string }
		if err := json.Unmarshal(raw, &names); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(raw, &op.row); err != nil {
			return nil, err
		}
		op.entity, op.action = names.Entity, names.Action
		rows = append(rows, op)
	}
	return rows, nil
}
