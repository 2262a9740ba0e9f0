package pdk

import (
	"strings"

	"github.com/agenthost/agenthost/pdk/abi"
)

// inputHandle names the input of an export.
const inputHandle = 1

// smallInput is the size of the largest input that the connector reads into its memory and scans
// itself. Larger ones stay in the host, which finds members at a fraction of the cost: the
// guest's code takes some 20 counts of fuel for each byte.
const smallInput = 1024

// open finds the called operation, and reads its parameters if they are in memory. It leaves row
// nil if the operation is unknown.
func (c *Call) open() (entity, action string) {
	s := c.s
	b := s.bytes(smallInput)[:smallInput]
	n := s.host.ValueRead(inputHandle, 0, b)
	if s.failed(n) {
		return "", ""
	}
	b = b[:n]
	small := n < smallInput // otherwise there may be more
	entity, action, at := canonical(b)
	params := members{raw: b, at: at}
	in := Value{s, inputHandle}
	switch {
	case at == 0 && small:
		entity, action = Raw(b).Member("entity").Text(), Raw(b).Member("action").Text()
		params = membersOf(Raw(b).Member("params"))
	case at == 0:
		entity, action = in.Part("/entity").Text(), in.Part("/action").Text()
	}
	if c.row = c.connector.table().find(entity, action); c.row == nil {
		return entity, action
	}
	if c.values = s.values[:]; len(c.fields) > len(s.values) {
		c.values = make([]Raw, len(c.fields))
	}
	if !small {
		c.size, c.params = in.Len(), in.Part("/params")
		return entity, action
	}
	s.used, c.size = len(b), len(b)
	for params.next() {
		if i := c.index(params.name()); i >= 0 {
			c.values[i] = params.value
		}
	}
	return entity, action
}

// canonical reads the input up to its params if it has the host's form: entity, action, params, in
// that order and without white space. at is the first member of params, or 0 for another form.
func canonical(b []byte) (entity, action string, at int) {
	entity, i := canonicalText(b, 0, `{"entity":"`)
	action, i = canonicalText(b, i, `,"action":"`)
	const params = `,"params":{`
	if i < 0 || !starts(b, i, params) {
		return "", "", 0
	}
	return entity, action, i + len(params)
}

// canonicalText reads a text without escapes after a prefix, and returns its end.
func canonicalText(b []byte, i int, prefix string) (string, int) {
	if i < 0 || !starts(b, i, prefix) {
		return "", -1
	}
	i += len(prefix)
	end := plain(b, i)
	if end == len(b) || b[end] != '"' {
		return "", -1
	}
	return text(b[i:end]), end + 1
}

// starts reports whether b continues with a prefix of 8 to 16 bytes.
func starts(b []byte, i int, prefix string) bool {
	p := bytesOf(prefix)
	return len(b)-i >= len(p) && load64(b, i) == load64(p, 0) && load64(b, i+len(p)-8) == load64(p, len(p)-8)
}

// Param returns a parameter as the caller wrote it, absent if the caller gave none.
func (c *Call) Param(name string) Raw {
	if i := c.index(name); i >= 0 {
		return c.given(i)
	}
	return nil
}

// configure gives fields that the caller left out the values of the connection.
func (c *Call) configure() *abi.Error {
	config := Value{c.s, inputHandle}.Part("/config")
	for i := range c.fields {
		f := &c.fields[i]
		if f.config == "" || c.given(i).Exists() {
			continue
		}
		value := config.Part(memberPointer(f.config)).Raw()
		if value.Exists() && f.images.Exists() {
			value = f.images.Member(scalar(value))
		}
		if c.values[i] = value; value.Exists() || f.fallback.Exists() || !f.required {
			continue
		}
		if c.s.fault != nil { // the host's limits are why it could not be read
			return c.s.fault
		}
		hint := "set config: {" + f.config + ": VALUE} in the connection"
		if f.name == "" {
			return InvalidParam("", "the connection has no value for "+f.config, hint)
		}
		return InvalidParam(f.name, "missing parameter "+f.name, "give it, or "+hint)
	}
	return nil
}

// needAnyOf refuses a call without any of the parameters of AnyOf.
func (c *Call) needAnyOf() *abi.Error {
	names := c.op.AnyOf
	for _, name := range names {
		if p := c.Param(name); p.Exists() && string(p) != `""` {
			return nil
		}
	}
	return InvalidParam(names[0], "missing parameter "+names[0], "give "+strings.Join(names, " or "))
}

// given returns the caller's value of a field.
func (c *Call) given(i int) Raw {
	if v := c.values[i]; v.Exists() || !c.params.Exists() || c.fields[i].constant {
		return v
	}
	v, err := c.params.Part(c.fields[i].pointer).Bytes(maxInput)
	if err != nil {
		return nil // the call ends with the host's error
	}
	c.values[i] = v
	return v
}

// maxInput bounds the input in bytes; the host's own limit is lower.
const maxInput = 64 << 20
