// Package tableimport turns descriptions that others wrote into tables. What the importers
// share is here: the document that they read and the one that they write, and the report.
//
// An importer leaves an operation out whole if a table cannot say all of it, and says so in
// the report: it drops nothing silently.
package tableimport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/agenthost/agenthost/internal/table"
)

// Table is a table that an importer made, and the report about it.
type Table struct {
	// Document is the table. Its operations are a list of [Map].
	Document Map
	Report   Report
	// Comment is the first line of the written table, if it is not empty.
	Comment string
	// Unedited is the table before a person's edits, nil if there are none.
	Unedited Map
}

// fewRounds is how often a whole table is read to find out which operations it cannot have, before each is
// read by itself: a host says only what is wrong first. It is also how often the table is read then.
const fewRounds = 3

// Finish writes the table as YAML that package table reads. Operations that it refuses are
// left out, each with the reason, but not those that only the edits of a person broke. The
// lines of the report are those of the text.
//
// # Errors
//   - [*EditError] if the table can be written without the edits, or has more operations then
//   - [*table.Error] if something other than an operation is wrong
func (t *Table) Finish(ctx context.Context) ([]byte, error) {
	text, refused, err := t.finish(ctx)
	if t.Unedited == nil || err == nil && len(refused) == 0 {
		return text, err
	}
	plain := &Table{Document: t.Unedited, Report: Report{Source: t.Report.Source}}
	_, before, plainErr := plain.finish(ctx)
	for _, r := range refused {
		if !slices.ContainsFunc(before, func(b EditError) bool { return b.Operation == r.Operation && b.Problem.Message == r.Problem.Message }) {
			return nil, &r
		}
	}
	var wrong *table.Error
	if plainErr == nil && errors.As(err, &wrong) {
		return nil, &EditError{Path: wrong.Problems[0].Path, Problem: wrong.Problems[0]}
	}
	return text, err
}

// EditError is what the edits of a person make wrong in a table.
type EditError struct {
	// Operation is entity.action, or empty for all of the table, and Path leads on from there.
	Operation, Path string
	// Problem has the place in a table that is not written.
	Problem table.Problem
}

// Error returns what is wrong, and where in the table.
func (e *EditError) Error() string {
	return strings.TrimSpace(e.Operation+" "+e.Path) + ": " + e.Problem.Message
}

// finish writes the table without the operations that package table refuses, and returns these.
func (t *Table) finish(ctx context.Context) (written []byte, refused []EditError, err error) {
	t.Document = slices.Clone(t.Document)
	for round := range 2 * fewRounds {
		if round == fewRounds {
			left, err := t.readEach(ctx)
			if refused = append(refused, left...); err != nil {
				return nil, refused, err
			}
		}
		if operations := t.Document.List("operations"); len(operations) == 0 {
			return nil, refused, errors.New("no operation of " + t.Report.Source + " can be said in a table")
		}
		text, lines, err := Write(t.Document)
		if err != nil {
			return nil, refused, err
		}
		if t.Comment != "" {
			text = append([]byte(t.Comment+"\n"), text...)
			for path := range lines {
				lines[path]++
			}
		}
		_, err = table.Read(ctx, t.Document.Text("name")+".yaml", text)
		if err == nil {
			t.Report.finish(t.Document, lines)
			return text, refused, nil
		}
		var wrong *table.Error
		if !errors.As(err, &wrong) {
			return nil, refused, err
		}
		left := t.leaveOut(wrong.Problems)
		if refused = append(refused, left...); len(left) == 0 {
			return nil, refused, err
		}
	}
	return nil, refused, fmt.Errorf("%s has too many operations that a table cannot have", t.Report.Source)
}

// readEach leaves out the operations that are wrong by themselves. The work grows as the number of operations does.
func (t *Table) readEach(ctx context.Context) ([]EditError, error) {
	alone := slices.Clone(t.Document)
	for _, about := range []string{"check", "records", "airbyte"} { // all operations
		alone.Remove(about)
	}
	var problems []table.Problem
	for i, op := range t.Document.List("operations") {
		alone.Set("operations", []any{op})
		text, err := json.Marshal(alone)
		if err != nil {
			return nil, err
		}
		var wrong *table.Error
		if _, err = table.Read(ctx, "table", text); err == nil || !errors.As(err, &wrong) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			continue
		}
		for _, p := range wrong.Problems {
			if _, ok := operationOf(p.Path); ok {
				_, at, _ := strings.Cut(p.Path, "]")
				p.Path = fmt.Sprintf("operations[%d]%s", i, at)
				problems = append(problems, p)
				break
			}
		}
	}
	return t.leaveOut(problems), nil
}

// leaveOut removes the operations that have problems, and returns them with the first of each.
func (t *Table) leaveOut(problems []table.Problem) []EditError {
	first := make(map[int]table.Problem)
	for _, p := range problems {
		if n, ok := operationOf(p.Path); ok {
			if _, known := first[n]; !known {
				first[n] = p
			}
		}
	}
	var left []EditError
	operations := t.Document.List("operations")
	kept := make([]any, 0, len(operations))
	for i, op := range operations {
		p, wrong := first[i]
		if !wrong {
			kept = append(kept, op)
			continue
		}
		_, at, _ := strings.Cut(p.Path, "].")
		left = append(left, EditError{Operation: NameOf(op), Path: at, Problem: p})
		t.Report.Leave(NameOf(op), strings.TrimSpace(at+" "+p.Message))
	}
	t.Document.Set("operations", kept)
	t.forget()
	return left
}

// operationOf is the number of the operation that a path of a problem leads to.
func operationOf(path string) (int, bool) {
	rest, ok := strings.CutPrefix(path, "operations[")
	number, _, closed := strings.Cut(rest, "]")
	n, err := strconv.Atoi(number)
	return n, ok && closed && err == nil
}

// forget removes what the table says of operations that it does not have.
func (t *Table) forget() {
	names, entities := make(map[string]bool), make(map[string]bool)
	for _, op := range t.Document.List("operations") {
		names[NameOf(op)] = true
		entities[asMap(op).Text("entity")] = true
	}
	if check := t.Document.Map("check"); check != nil && !names[NameOf(check)] {
		t.Document.Remove("check")
		t.Report.Note("check", "the check was "+NameOf(check)+", which is left out")
	}
	// The table without edits may share what is changed here, so copies are.
	if airbyte := slices.Clone(t.Document.Map("airbyte")); airbyte != nil {
		airbyte.Set("operations", slices.DeleteFunc(slices.Clone(airbyte.List("operations")), func(op any) bool { return !names[NameOf(op)] }))
		if len(airbyte.List("operations")) == 0 {
			airbyte.Remove("operations")
		}
		t.Document.Set("airbyte", airbyte)
	}
	if records := t.Document.Map("records"); records != nil {
		t.Document.Set("records", slices.DeleteFunc(slices.Clone(records), func(m Member) bool { return !names[m.Key] && !entities[m.Key] }))
	}
}

// NameOf is entity.action of an operation, or of what refers to one.
func NameOf(operation any) string {
	m := asMap(operation)
	return m.Text("entity") + "." + m.Text("action")
}
