package pylon

import "github.com/agenthost/agenthost/internal/vendorsim/contract"

// kind is a kind of record that has a table of its own. Its methods list and get are handlers.
type kind[T any] struct {
	name  string
	table func(*store) *table[T]
}

// list answers a page of all records.
func (k kind[T]) list(c *call) (result, *apiError) {
	return paginate(c, c.limit(), pageQuery[T]{table: k.table(&c.v.store), scope: contract.ScopeOf(c.ep.op.Route())})
}

// all answers all records at once.
func (k kind[T]) all(c *call) (result, *apiError) { return all(k.table(&c.v.store).Matching(nil)) }

// at finds the record that the path names.
func (k kind[T]) at(c *call) (*row[T], *apiError) {
	if r := k.table(&c.v.store).Get(c.vars[0]); r != nil {
		return r, nil
	}
	return nil, notFound(k.name, c.vars[0])
}

// get answers the record that the path names.
func (k kind[T]) get(c *call) (result, *apiError) { return contract.With(k.at, show)(c) }

// show answers a record as it is stored.
func show[T any](_ *call, r *row[T]) (result, *apiError) { return one(r) }
