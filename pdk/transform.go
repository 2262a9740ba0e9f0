package pdk

import (
	"errors"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/expression"
	"github.com/agenthost/agenthost/pdk/abi"
)

// root is the word for the record in [Operation.Filter] and [Operation.Transform].
const root = "record"

// member is a member of transformed records.
type member struct {
	name string
	made []expression.Part
}

// made is a parameter that is made of others.
type made struct {
	at    int
	parts []expression.Part
}

// parse reads what a row says in expressions.
func (r *row) parse() error {
	var err error
	if r.op.Filter != "" {
		if r.filter, err = expression.ParseCondition(r.op.Filter, root); err != nil {
			return err
		}
	}
	for _, t := range r.op.Transform {
		parts, err := expression.ParseText(t[1], root)
		if err != nil {
			return err
		}
		r.transform = append(r.transform, member{t[0], parts})
	}
	for i := range r.fields {
		text := r.fields[i].made
		if text == "" {
			continue
		}
		parts, err := expression.ParseText(text, "")
		if err != nil {
			return err
		}
		for _, part := range parts {
			if len(part.Path) > 0 && r.index(part.Path[0]) < 0 {
				return errors.New("there is no parameter " + part.Path[0])
			}
		}
		r.made = append(r.made, made{i, parts})
	}
	return nil
}

// make gives the parameters that are made of others, or of the cursor, their values.
func (c *Call) make() error {
	for _, m := range c.row.made {
		value, err := fill(m.parts, func(path []string) (Raw, error) { return c.value(c.index(path[0])), nil })
		if err != nil {
			return err
		}
		c.values[m.at] = value
	}
	if c.row.follows {
		return c.follow()
	}
	return nil
}

// appendRecord appends a record as it is answered, after a comma if sep is set, or nothing if the
// filter leaves it out.
func (c *Call) appendRecord(b []byte, r Raw, wrap, sep bool) ([]byte, error) {
	start := len(b)
	if sep {
		b = append(b, ',')
	}
	at := len(b)
	var err error
	switch {
	case c.transform != nil:
		b, err = c.appendTransformed(b, r)
	case wrap && r.Kind() != JSONObject:
		b = append(append(append(b, `{"value":`...), r...), '}')
	default:
		b = append(b, r...)
	}
	if err == nil && c.filter != nil {
		var keep bool
		if keep, err = c.holds(c.filter, Raw(b[at:])); !keep {
			b = b[:start]
		}
	}
	if err == nil && len(b) > maxProjected {
		err = &abi.Error{Kind: abi.KindLimitExceeded, Message: "the records are longer than the connector writes"}
	}
	return b, err
}

// appendTransformed appends a record with the members of Transform. One that is no object is
// {"value": x} to them, and has no other members then.
func (c *Call) appendTransformed(b []byte, r Raw) ([]byte, error) {
	b = append(b, '{')
	empty := len(b)
	comma := func() {
		if len(b) > empty {
			b = append(b, ',')
		}
	}
	for name, value := range r.Members() {
		if !slices.ContainsFunc(c.transform, func(m member) bool { return m.name == name }) {
			comma()
			b = append(append(AppendString(b, name), ':'), value...)
		}
	}
	if r.Kind() != JSONObject {
		r = append(append(Raw(`{"value":`), r...), '}')
	}
	for _, m := range c.transform {
		made, err := fill(m.made, func(path []string) (Raw, error) { return c.memberOf(r, path, "transform") })
		if err != nil {
			return b, err
		}
		comma()
		b = append(append(AppendString(b, m.name), ':'), made...)
	}
	return append(b, '}'), nil
}

// memberOf is the member of a record that an expression needs.
func (c *Call) memberOf(r Raw, path []string, use string) (Raw, error) {
	for _, name := range path {
		r = r.Member(name)
	}
	if r.Exists() {
		return r, nil
	}
	return nil, &abi.Error{
		Kind:    abi.KindVendorError,
		Message: c.connector.Title + " answered with a record without " + strings.Join(path, ".") + ", which the " + use + " of " + c.op.Entity + "." + c.op.Action + " needs",
	}
}

// holds says whether a condition holds for a record. It looks at every member that the condition
// names, so that one that is missing is always an error: a filter must not guess.
func (c *Call) holds(n *expression.Condition, record Raw) (bool, error) {
	if len(n.Of) > 0 {
		every, some := true, false
		for i := range n.Of {
			holds, err := c.holds(&n.Of[i], record)
			if err != nil {
				return false, err
			}
			every, some = every && holds, some || holds
		}
		switch n.Op {
		case expression.Not:
			return !every, nil
		case expression.Or:
			return some, nil
		}
		return every, nil
	}
	value, err := c.memberOf(record, n.Path, "filter")
	if err != nil {
		return false, err
	}
	if n.Op != expression.Member {
		equal := string(value) == n.Literal.Text
		if n.Literal.Quoted || value.Kind() == JSONString {
			equal = n.Literal.Quoted && value.Kind() == JSONString && value.Text() == n.Literal.Text
		}
		return equal == (n.Op == expression.Equal), nil
	}
	switch kind := value.Kind(); {
	case kind == JSONBool || kind == JSONNull:
		return value.Bool(), nil
	default:
		return false, &abi.Error{
			Kind:    abi.KindVendorError,
			Message: c.connector.Title + " answered with a record whose " + strings.Join(n.Path, ".") + " is neither true nor false, which the filter of " + c.op.Entity + "." + c.op.Action + " needs",
		}
	}
}

// fill makes a text of parts, as JSON. It is null where a member is null, and absent where value
// returns nothing.
func fill(parts []expression.Part, value func(path []string) (Raw, error)) (Raw, error) {
	made := ""
	for _, part := range parts {
		if part.Path == nil {
			made += part.Constant
			continue
		}
		v, err := value(part.Path)
		if err != nil || v.Kind() == JSONInvalid || v.Kind() == JSONNull {
			return v, err
		}
		s := scalar(v)
		for _, pair := range part.Replace {
			if len(s)+strings.Count(s, pair[0])*len(pair[1]) > maxProjected {
				return nil, &abi.Error{Kind: abi.KindLimitExceeded, Message: "a member is longer than the connector writes, once its parts are replaced"}
			}
			s = strings.ReplaceAll(s, pair[0], pair[1])
		}
		if made += s; len(made) > maxProjected {
			return nil, &abi.Error{Kind: abi.KindLimitExceeded, Message: "a member is longer than the connector writes"}
		}
	}
	return AppendString(nil, made), nil
}
