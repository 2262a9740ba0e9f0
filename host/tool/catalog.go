package tool

import (
	"strings"

	"github.com/agenthost/agenthost/pdk/abi"
)

// catalog has the operations of all connections. Connections of one connector share its
// operations, so a connection costs only its name and a pointer to a list. A catalog is
// immutable.
type catalog struct {
	budget     int
	schemas    *schemas
	members    []*member // in order
	byName     map[string]*member
	connectors []*connector // in the order of their first members

	// having counts the kinds that have a word, and kinds all of them.
	having map[string]int
	kinds  int
}

// member is a connection in a catalog.
type member struct {
	Connection
	*list
	order int
	words []string // of its name
}

// connector groups connections by the title of their connector. Operations under different
// titles are always different.
type connector struct {
	words   []string // of the title
	members []*member
	kinds   []*kind
	groups  []*group

	// While the catalog is made.
	byOperation map[*abi.Operation]*kind
	byKey       map[string]*group
	lists       map[listID]*list
}

// kind is an operation. Any number of connections may have it.
type kind struct {
	op     *abi.Operation
	number int // among those of the connector
	said   [4]said
}

// group are the kinds that do the same and are called in the same way: the same operation
// of connectors of several versions.
type group struct{ kinds []*kind }

// list are the operations of a connection. Connections that were given the same slice
// share it.
type list struct {
	places []int32 // by a kind's number: its place from 1 on, 0 if the list does not have it
}

// listID is the same for connections that were given the same slice.
type listID struct {
	first **abi.Operation
	count int
}

func listOf(c *Connection) listID {
	if len(c.Operations) == 0 {
		return listID{}
	}
	return listID{&c.Operations[0], len(c.Operations)}
}

func (l *list) has(k *kind) bool { return k.number < len(l.places) && l.places[k.number] > 0 }

func (l *list) at(k *kind) int32 { return l.places[k.number] }

// newCatalog makes a catalog. The error is that of an operation whose parameters have no
// schema.
func newCatalog(connections []Connection, budget int) (*catalog, error) {
	c := &catalog{budget: budget, schemas: new(schemas), members: make([]*member, 0, len(connections)), byName: make(map[string]*member, len(connections))}
	byTitle := make(map[string]*connector)
	for i := range connections {
		m := &member{Connection: connections[i], order: i, words: split(connections[i].Name)}
		if len(m.Operations) == 0 {
			continue
		}
		of := byTitle[m.Title]
		if of == nil {
			of = newConnector(m.Title)
			byTitle[m.Title] = of
			c.connectors = append(c.connectors, of)
		}
		var err error
		if m.list, err = of.list(&m.Connection); err != nil {
			return nil, err
		}
		of.members = append(of.members, m)
		c.members = append(c.members, m)
		c.byName[m.Name] = m
	}
	for _, of := range c.connectors {
		of.byOperation, of.byKey, of.lists = nil, nil, nil // a copy of all parameters, for each caller
	}
	c.count()
	return c, nil
}

// count counts in how many kinds each word is.
func (c *catalog) count() {
	c.having = make(map[string]int)
	for _, connector := range c.connectors {
		c.kinds += len(connector.kinds)
		for _, k := range connector.kinds {
			seen := make(map[string]bool)
			for _, s := range k.said {
				for _, word := range s.words {
					if !seen[word] {
						seen[word] = true
						c.having[word]++
					}
				}
			}
		}
	}
}

func newConnector(title string) *connector {
	return &connector{
		words:       split(title),
		byOperation: make(map[*abi.Operation]*kind), byKey: make(map[string]*group), lists: make(map[listID]*list),
	}
}

// list returns the list of a connection, which is made for the first one that has it.
func (c *connector) list(of *Connection) (*list, error) {
	id := listOf(of)
	if l := c.lists[id]; l != nil {
		return l, nil
	}
	l := &list{}
	for i, op := range of.Operations {
		k, err := c.kind(of, op)
		if err != nil {
			return nil, err
		}
		if more := k.number + 1 - len(l.places); more > 0 {
			l.places = append(l.places, make([]int32, more)...)
		}
		if !l.has(k) {
			l.places[k.number] = int32(i + 1)
		}
	}
	c.lists[id] = l
	return l, nil
}

// kind returns the kind of an operation, which is made for the first connection that has
// it.
func (c *connector) kind(of *Connection, op *abi.Operation) (*kind, error) {
	if k := c.byOperation[op]; k != nil {
		return k, nil
	}
	if err := (&operation{connection: of, op: op}).checkParams(); err != nil {
		return nil, err
	}
	k := &kind{op: op, number: len(c.kinds), said: [4]said{{split(op.Entity), 4}, {split(op.Action), 4}, {split(op.Title), 3}, {split(op.Description), 2}}}
	c.kinds = append(c.kinds, k)
	c.byOperation[op] = k
	key := strings.Join([]string{op.Entity, op.Action, string(op.Effect), op.Description, string(op.Params)}, "\x00")
	g := c.byKey[key]
	if g == nil {
		g = &group{}
		c.byKey[key] = g
		c.groups = append(c.groups, g)
	}
	g.kinds = append(g.kinds, k)
	return k, nil
}

// operations returns every operation once.
func (c *catalog) operations() []*abi.Operation {
	var ops []*abi.Operation
	for _, connector := range c.connectors {
		for _, k := range connector.kinds {
			ops = append(ops, k.op)
		}
	}
	return ops
}

func (c *catalog) entities() []string { return entitiesOf(c.operations()) }
