package connector

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Bounds of what a manifest says about copies.
const (
	maxSyncs      = 200
	maxSyncParams = 4096 // bytes
	maxSyncValues = 100
	maxSyncWrites = 100
	maxSyncText   = 50
	maxSyncIndex  = 20
	maxSyncFields = 300
	maxSyncWait   = 30 * 24 * 3600 // seconds
	minSyncWait   = 10
	maxSyncDepth  = 8 // parts of the name of a field
)

// newSyncs makes the syncs of a manifest. It checks what needs no schema to be compiled but those of
// results.
func newSyncs(c *Connector) ([]*Sync, error) {
	declared := c.Manifest.Sync
	if len(declared) > maxSyncs {
		return nil, malformed("sync", "has %d entries, the limit is %d", len(declared), maxSyncs)
	}
	all, results := make([]*Sync, len(declared)), make(map[*Operation]*Schema)
	var entities []string
	for i := range c.Manifest.Operations {
		entities = append(entities, c.Manifest.Operations[i].Entity)
	}
	for i := range declared {
		entity := declared[i].Entity
		all[i] = &Sync{Entity: entity, declared: &declared[i], Key: cmp.Or(declared[i].Key, "/id")}
		if !slices.Contains(entities, entity) {
			return nil, malformed(fmt.Sprintf("sync[%d].entity", i), "is %.64q, which no operation has; %s", entity, fault.Hint(entity, entities))
		}
		if slices.ContainsFunc(all[:i], func(other *Sync) bool { return other.Entity == entity }) {
			return nil, malformed(fmt.Sprintf("sync[%d].entity", i), "repeats %q", entity)
		}
	}
	for i, s := range all {
		r := syncReader{c: c, all: all, results: results, s: s, d: s.declared, at: fmt.Sprintf("sync[%d] (%s)", i, s.Entity)}
		for _, read := range []func() error{r.list, r.each, r.changes, r.deletions, r.get, r.times, r.fields, r.writes} {
			if err := read(); err != nil {
				return nil, err
			}
		}
		s.timing()
	}
	for i, s := range all {
		depth := 0
		for of := s; of.Each != nil && of.Each.Of != nil; of = of.Each.Of {
			if depth++; depth > len(all) {
				return nil, malformed(fmt.Sprintf("sync[%d] (%s).each.of", i, s.Entity), "leads back to %s: an entity is listed by the records of another one", s.Entity)
			}
		}
	}
	return all, nil
}

// checkSyncs checks what a manifest says about copies.
func checkSyncs(ctx context.Context, c *Connector) error {
	all, err := newSyncs(c)
	if err != nil {
		return err
	}
	for i, s := range all {
		if err := ctx.Err(); err != nil {
			return malformed("sync", "takes too long to check: %v", err)
		}
		if err := s.checkParams(ctx, fmt.Sprintf("sync[%d] (%s)", i, s.Entity)); err != nil {
			return err
		}
	}
	return nil
}

// syncReader makes one sync.
type syncReader struct {
	c   *Connector
	all []*Sync
	s   *Sync
	d   *abi.Sync
	at  string

	params  shape // of the parameters of List
	results map[*Operation]*Schema
}

// result is the schema of what an operation answers, nil if it declares none.
func (r *syncReader) result(op *Operation) (*Schema, error) {
	schema, known := r.results[op]
	if known || len(op.Result) == 0 {
		return schema, nil
	}
	schema, err := CompileSchema(op.Result)
	if err != nil {
		return nil, malformed(r.at, "needs the result of %s, which is wrong: %v", op.Name(), err)
	}
	r.results[op] = schema
	return schema, nil
}

// action finds an operation of the entity that reads JSON.
func (r *syncReader) action(key, action string) (*Operation, error) {
	var readers []string
	for i := range r.c.Manifest.Operations {
		op := &r.c.Manifest.Operations[i]
		if op.Entity == r.d.Entity && op.Effect == abi.EffectRead {
			readers = append(readers, op.Action)
		}
	}
	op := r.c.operations[abi.OperationRef{Entity: r.d.Entity, Action: action}]
	switch {
	case op == nil:
		return nil, malformed(r.at+key, "is %.64q, which is no action of %s; %s", action, r.d.Entity, fault.Hint(action, readers))
	case op.Effect != abi.EffectRead:
		return nil, malformed(r.at+key, "is %q, which does not read; %s", action, fault.Hint(action, readers))
	case op.Content != "" && op.Content != abi.ContentJSON:
		return nil, malformed(r.at+key, "is %q, which answers %s and no records; %s", action, op.Content, fault.Hint(action, readers))
	}
	return op, nil
}

func (r *syncReader) list() (err error) {
	if r.s.List, err = r.action(".list", cmp.Or(r.d.List, "list")); err != nil {
		return err
	}
	r.params = shapeOf(r.s.List)
	if err := checkSyncParams(r.at+".params", r.d.Params, r.params); err != nil {
		return err
	}
	return r.inRecord(".key", r.s.Key, r.s.List)
}

// checkSyncParams checks fixed parameters.
func checkSyncParams(at string, params json.RawMessage, of shape) error {
	if len(params) > maxSyncParams {
		return malformed(at, "is %d bytes long, the limit is %d", len(params), maxSyncParams)
	}
	if err := checkTexts(at, params); err != nil {
		return err
	}
	object, err := merged(nil, params)
	if err != nil {
		return malformed(at, "%v", err)
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if _, ok := of.Properties[name]; !ok {
			return malformed(at, "has %.64q, which is no parameter of the list; %s", name, fault.Hint(name, of.names()))
		}
	}
	return nil
}

// inParams checks a JSON Pointer into the parameters of an operation.
func (r *syncReader) inParams(key, pointer string, op *Operation) error {
	if err := r.pointer(key, pointer); err != nil {
		return err
	}
	of := shapeOf(op)
	if name := tokensOf(pointer)[0]; of.Properties[name] == nil {
		return malformed(r.at+key, "is %q, and %s has no parameter %q; %s", pointer, op.Name(), name, fault.Hint(name, of.names()))
	}
	return nil
}

// inRecord checks a JSON Pointer into the records that an operation answers. They may have members that its
// result does not name, but what a sync needs must be declared if anything is.
func (r *syncReader) inRecord(key, pointer string, op *Operation) error {
	if err := r.pointer(key, pointer); err != nil {
		return err
	}
	return r.inResult(key, pointer, tokensOf(pointer), op)
}

func (r *syncReader) inResult(key, text string, tokens []string, op *Operation) error {
	result, err := r.result(op)
	if result == nil {
		return err
	}
	for i := range tokens {
		if found, known := result.At(tokens[:i+1]); found == nil {
			if len(known) == 0 {
				return nil // nobody said what is there
			}
			return malformed(r.at+key, "is %.200q, and records of %s have no %q; %s", text, op.Name(), tokens[i], fault.Hint(tokens[i], known))
		}
	}
	return nil
}

func (r *syncReader) pointer(key, pointer string) error {
	if len(pointer) > maxFilePointer || !filePointer.MatchString(pointer) || strings.Count(pointer, "/") > maxFileSegments {
		return malformed(r.at+key, "is %.60q, want a JSON Pointer such as /id", pointer)
	}
	return nil
}

func (r *syncReader) times() error {
	for key, n := range map[string]int{".interval_seconds": r.d.IntervalSeconds, ".full_seconds": r.d.FullSeconds} {
		if n != 0 && (n < minSyncWait || n > maxSyncWait) {
			return malformed(r.at+key, "is %d, want %d to %d", n, minSyncWait, maxSyncWait)
		}
	}
	return nil
}
