// Package expression parses the two small languages of tables: conditions on a record, and texts
// that are made of members.
//
// A condition has members, not, and, or, parentheses, and == or != with a literal of JSON:
//
//	not record.isPrivate and record.state != 'draft'
//
// In a text, members stand in double braces, and each may be changed by replace:
//
//	urn:li:account:{{ record.id }}
//	{{ record.value | replace('customers/', '') }}
//
// There is nothing else: no functions, no loops, no arithmetic. A parser takes one step for each
// byte of a text of at most [MaxText] bytes. What evaluates an expression holds the records, so
// it is in package pdk.
package expression

import (
	"errors"
	"strconv"
	"strings"
)

const (
	// MaxText is the length of the longest expression, in bytes.
	MaxText = 1000
	// maxDepth bounds parentheses and words not inside each other.
	maxDepth = 10
	// maxParts bounds how often a text has braces, and how often a member is changed.
	maxParts = 20
)

// Op is what a condition does.
type Op int

// What a condition does.
const (
	Member Op = iota // the value of a member is true
	Not
	And
	Or
	Equal    // a member equals a literal
	NotEqual // a member does not
)

// Condition is a condition on a record.
type Condition struct {
	Op Op
	// Path are the names that lead to the member of [Member], [Equal] and [NotEqual].
	Path []string
	// Literal is text, a whole number, true, false or null.
	Literal Literal
	// Of are the conditions that [Not], [And] and [Or] are about.
	Of []Condition
}

// Literal is a value that stands in an expression.
type Literal struct {
	// Quoted says that it is text. Otherwise Text is JSON.
	Quoted bool
	Text   string
}

// Part is a part of a text: constant, or a member.
type Part struct {
	Constant string
	// Path are the names that lead to the member; nil for a constant.
	Path []string
	// Replace are pairs: a text, and what replaces it everywhere in the member.
	Replace [][2]string
}

// ParseCondition parses a condition whose members are those of root, such as record.
func ParseCondition(text, root string) (*Condition, error) {
	p, err := newParser(text, root)
	if err != nil {
		return nil, err
	}
	c, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if p.next(); p.token != "" {
		return nil, p.unexpected("and, or or the end")
	}
	return &c, nil
}

// ParseText parses a text. Its members are those of root; with an empty root, they have one name.
func ParseText(text, root string) ([]Part, error) {
	p, err := newParser(text, root)
	if err != nil {
		return nil, err
	}
	var parts []Part
	for {
		start := strings.Index(text[p.at:], "{{")
		if start < 0 {
			if strings.Contains(text[p.at:], "}}") {
				return nil, errors.New("it has }} without {{")
			}
			if p.at < len(text) {
				parts = append(parts, Part{Constant: text[p.at:]})
			}
			return parts, nil
		}
		if strings.Contains(text[p.at:p.at+start], "}}") {
			return nil, errors.New("it has }} without {{")
		}
		if start > 0 {
			parts = append(parts, Part{Constant: text[p.at : p.at+start]})
		}
		p.at += start + len("{{")
		part := Part{}
		if p.next(); p.token == "" {
			return nil, p.unexpected("the name of a member")
		}
		if part.Path, err = p.path(); err != nil {
			return nil, err
		}
		for p.next(); p.token == "|"; p.next() {
			var pair [2]string
			if pair, err = p.replace(); err != nil {
				return nil, err
			}
			part.Replace = append(part.Replace, pair)
		}
		if p.token != "}}" {
			return nil, p.unexpected("}} or | replace('a', 'b')")
		}
		if parts = append(parts, part); len(parts) > maxParts || len(part.Replace) > maxParts {
			return nil, errors.New("it has more than " + strconv.Itoa(maxParts) + " parts")
		}
	}
}

// parser reads a text token by token.
type parser struct {
	text, root string
	at         int
	token      string // "" at the end
	quoted     bool   // the token is the content of a quoted text
	start      int    // where the token begins
}

func newParser(text, root string) (*parser, error) {
	switch {
	case text == "":
		return nil, errors.New("it is empty")
	case len(text) > MaxText:
		return nil, errors.New("it has " + strconv.Itoa(len(text)) + " bytes, and the limit is " + strconv.Itoa(MaxText))
	}
	return &parser{text: text, root: root}, nil
}

// next reads the next token: a name, a number, a quoted text, or a sign.
func (p *parser) next() {
	for p.at < len(p.text) && strings.IndexByte(" \t\n", p.text[p.at]) >= 0 {
		p.at++
	}
	p.start, p.quoted, p.token = p.at, false, ""
	rest := p.text[p.at:]
	if rest == "" {
		return
	}
	n := 1
	switch c := rest[0]; {
	case c == '\'' || c == '"':
		end := strings.IndexByte(rest[1:], c)
		if end < 0 {
			break // the quote alone, which nothing expects
		}
		p.at += end + 2
		p.token, p.quoted = rest[1:end+1], true
		return
	case isLetter(c) || c >= '0' && c <= '9' || c == '-':
		for n < len(rest) && (isLetter(rest[n]) || rest[n] >= '0' && rest[n] <= '9') {
			n++
		}
	case strings.HasPrefix(rest, "==") || strings.HasPrefix(rest, "!=") || strings.HasPrefix(rest, "}}"):
		n = 2
	}
	p.at += n
	p.token = rest[:n]
}

// peek returns the next token if it is no quoted text, without reading it.
func (p *parser) peek() string {
	ahead := *p
	if ahead.next(); ahead.quoted {
		return ""
	}
	return ahead.token
}

func isLetter(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' }

func (p *parser) unexpected(want string) error {
	found := "the end"
	if p.start < len(p.text) {
		found = strconv.Quote(p.text[p.start:p.at])
	}
	return errors.New("at character " + strconv.Itoa(p.start+1) + ", it has " + found + " where " + want + " should be")
}

func (p *parser) or(depth int) (Condition, error) { return p.several(Or, "or", depth) }

// several reads conditions with a word between them.
func (p *parser) several(op Op, word string, depth int) (Condition, error) {
	all := Condition{Op: op}
	for {
		var one Condition
		var err error
		if op == Or {
			one, err = p.several(And, "and", depth)
		} else {
			one, err = p.not(depth)
		}
		if err != nil {
			return Condition{}, err
		}
		all.Of = append(all.Of, one)
		if p.peek() != word {
			break
		}
		p.next()
	}
	if len(all.Of) == 1 {
		return all.Of[0], nil
	}
	return all, nil
}

func (p *parser) not(depth int) (Condition, error) {
	if depth >= maxDepth {
		return Condition{}, errors.New("it is nested more than " + strconv.Itoa(maxDepth) + " deep")
	}
	p.next()
	switch {
	case p.quoted:
		return Condition{}, p.unexpected("a member")
	case p.token == "not":
		inner, err := p.not(depth + 1)
		return Condition{Op: Not, Of: []Condition{inner}}, err
	case p.token == "(":
		inner, err := p.or(depth + 1)
		if err != nil {
			return Condition{}, err
		}
		if p.next(); p.token != ")" || p.quoted {
			return Condition{}, p.unexpected(")")
		}
		return inner, nil
	}
	path, err := p.path()
	if err != nil {
		return Condition{}, err
	}
	c := Condition{Op: Member, Path: path}
	switch p.peek() {
	case "==":
		c.Op = Equal
	case "!=":
		c.Op = NotEqual
	default:
		return c, nil
	}
	p.next()
	c.Literal, err = p.literal()
	return c, err
}

// path reads the names of a member, the first of which is the current token, and returns those
// after the root.
func (p *parser) path() ([]string, error) {
	isName := func() bool { return p.token != "" && !p.quoted && isLetter(p.token[0]) }
	var path []string
	if p.root == "" {
		if !isName() {
			return nil, p.unexpected("the name of a parameter")
		}
		return []string{p.token}, nil
	}
	if p.quoted || p.token != p.root {
		return nil, p.unexpected("a member such as " + p.root + ".id")
	}
	for p.at < len(p.text) && p.text[p.at] == '.' {
		p.at++
		if p.next(); !isName() || p.text[p.start-1] != '.' {
			return nil, p.unexpected("the name of a member")
		}
		path = append(path, p.token)
	}
	if path == nil {
		return nil, errors.New(p.root + " stands without a member: write " + p.root + ".NAME")
	}
	return path, nil
}

func (p *parser) literal() (Literal, error) {
	p.next()
	if p.quoted {
		return Literal{true, p.token}, nil
	}
	switch p.token {
	case "true", "false", "null":
		return Literal{false, p.token}, nil
	}
	if n, err := strconv.ParseInt(p.token, 10, 64); err == nil {
		return Literal{false, strconv.FormatInt(n, 10)}, nil
	}
	return Literal{}, p.unexpected("text in quotes, a whole number, true, false or null")
}

// replace reads replace('a', 'b') after its bar.
func (p *parser) replace() (pair [2]string, err error) {
	for _, sign := range []string{"replace", "(", "", ",", "", ")"} {
		p.next()
		switch {
		case sign == "" && p.quoted:
			pair[0], pair[1] = pair[1], p.token
		case sign == "":
			return pair, p.unexpected("text in quotes")
		case p.quoted || p.token != sign:
			return pair, p.unexpected(sign)
		}
	}
	if pair[0] == "" {
		return pair, errors.New("replace has an empty text to look for")
	}
	return pair, nil
}
