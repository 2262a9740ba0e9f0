package overlay

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/agenthost/agenthost/internal/tableimport"
)

// maxTarget is the length of the longest target, in bytes.
const maxTarget = 1000

// segment is a step of a target: into a member, an element, or those that meet conditions.
type segment struct {
	name  string
	index int // with element
	kind  segmentKind
	where []condition
	end   int // where its text ends in the target
}

type segmentKind int

const (
	member  segmentKind = iota
	element             // [0]
	each                // [*]
	meeting             // [?(@.name=='x')]
)

// condition is what a member of an element equals: a string, a [json.Number], a bool, or nil.
type condition struct {
	name  string
	value any
}

func (c condition) holds(v any) bool {
	m, ok := v.(tableimport.Map)
	return ok && m.Has(c.name) && m.Get(c.name) == c.value
}

// parseTarget reads the part of JSONPath (RFC 9535) that targets may have: $, .name, ['name'], [0],
// [*], and [?(@.name=='x' && @['name']==1)].
func parseTarget(text string) ([]segment, error) {
	p := &targetParser{text: text}
	switch {
	case len(text) > maxTarget:
		return nil, fmt.Errorf("it has %d bytes, and the limit is %d", len(text), maxTarget)
	case !p.skip("$"):
		return nil, fmt.Errorf("it does not begin with $: write it like $.operations[?(@.entity=='x' && @.action=='y')]")
	}
	var all []segment
	for p.at < len(text) {
		s, err := p.segment()
		if err != nil {
			return nil, fmt.Errorf("at character %d: %w", p.at+1, err)
		}
		s.end = p.at
		all = append(all, s)
	}
	return all, nil
}

type targetParser struct {
	text string
	at   int
}

func (p *targetParser) skip(prefix string) bool {
	if !strings.HasPrefix(p.text[p.at:], prefix) {
		return false
	}
	p.at += len(prefix)
	return true
}

func (p *targetParser) blanks() {
	for p.skip(" ") {
		continue
	}
}

func (p *targetParser) segment() (segment, error) {
	switch {
	case p.skip("..") || p.skip(".*"):
		return segment{}, fmt.Errorf("only .name, ['name'], [0], [*] and [?(@.name=='x')] are known")
	case p.skip("."):
		name, err := p.name()
		return segment{name: name}, err
	case p.skip("[*]"):
		return segment{kind: each}, nil
	case p.skip("[?"):
		return p.conditions()
	case p.skip("['") || p.skip(`["`):
		p.at--
		name, err := p.quoted()
		if err == nil && !p.skip("]") {
			err = fmt.Errorf("] is missing")
		}
		return segment{name: name}, err
	case p.skip("["):
		n, err := strconv.Atoi(p.number())
		if err != nil || n < 0 || !p.skip("]") {
			return segment{}, fmt.Errorf("[ needs a number from 0, *, a name in quotes or a condition, and then ]")
		}
		return segment{kind: element, index: n}, nil
	}
	return segment{}, fmt.Errorf("a dot or [ should be here")
}

// name reads a name of letters, digits, dashes and underscores.
func (p *targetParser) name() (string, error) {
	start := p.at
	for p.at < len(p.text) {
		c := p.text[p.at]
		if c|0x20 < 'a' || c|0x20 > 'z' {
			if c != '_' && (p.at == start || c != '-' && (c < '0' || c > '9')) {
				break
			}
		}
		p.at++
	}
	if p.at == start {
		return "", fmt.Errorf("a name should be here; write ['name'] if it has other characters")
	}
	return p.text[start:p.at], nil
}

func (p *targetParser) number() string {
	start := p.at
	for p.at < len(p.text) && (p.text[p.at] >= '0' && p.text[p.at] <= '9' || strings.IndexByte("-+.eE", p.text[p.at]) >= 0) {
		p.at++
	}
	return p.text[start:p.at]
}

// quoted reads a text in quotes, in which a backslash stands before quotes and backslashes.
func (p *targetParser) quoted() (string, error) {
	quote := p.text[p.at]
	p.at++
	var b strings.Builder
	for p.at < len(p.text) {
		c := p.text[p.at]
		p.at++
		switch {
		case c == quote:
			return b.String(), nil
		case c == '\\' && p.at < len(p.text) && strings.IndexByte(`'"\`, p.text[p.at]) >= 0:
			c = p.text[p.at]
			p.at++
		case c == '\\':
			return "", fmt.Errorf(`a backslash stands only before ', " and \`)
		}
		b.WriteByte(c)
	}
	return "", fmt.Errorf("a quote is missing")
}

// conditions reads what stands behind [?, with or without parentheses.
func (p *targetParser) conditions() (segment, error) {
	s, bracket := segment{kind: meeting}, p.skip("(")
	for {
		p.blanks()
		if !p.skip("@") {
			return s, fmt.Errorf("@ should be here, as in [?(@.entity=='x')]")
		}
		var c condition
		of, err := p.segment()
		if err != nil {
			return s, err
		}
		if of.kind != member {
			return s, fmt.Errorf("a condition needs a member, such as @.entity")
		}
		c.name = of.name
		p.blanks()
		if !p.skip("==") {
			return s, fmt.Errorf("== should be here")
		}
		p.blanks()
		if c.value, err = p.literal(); err != nil {
			return s, err
		}
		s.where = append(s.where, c)
		p.blanks()
		if !p.skip("&&") {
			break
		}
	}
	if bracket && !p.skip(")") || !p.skip("]") {
		return s, fmt.Errorf("the condition should end here")
	}
	return s, nil
}

func (p *targetParser) literal() (any, error) {
	switch {
	case p.skip("true"):
		return true, nil
	case p.skip("false"):
		return false, nil
	case p.skip("null"):
		return nil, nil
	case p.at < len(p.text) && (p.text[p.at] == '\'' || p.text[p.at] == '"'):
		return p.quoted()
	}
	n := p.number()
	if !json.Valid([]byte(n)) {
		return nil, fmt.Errorf("a text in quotes, a number, true, false or null should be here")
	}
	return json.Number(n), nil
}
