package pdk

import (
	"errors"

	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Describe writes the connector's manifest. It is the body of the describe export.
func Describe(c *Connector) int32 { return Run(currentHost(), c, hostfunc.ExportDescribe) }

// AuthSchema writes how the vendor authenticates. It is the body of the auth_schema
// export.
func AuthSchema(c *Connector) int32 { return Run(currentHost(), c, hostfunc.ExportAuthSchema) }

// Execute runs the operation that the input names and writes its outcome. It is the
// body of the execute export.
func Execute(c *Connector) int32 { return Run(currentHost(), c, hostfunc.ExportExecute) }

// Run runs an export of a connector with a given host, and returns 0 if it wrote an output.
// Describe, AuthSchema and Execute call it with the host around them; package pdktest calls it
// with its own. A panic in the connector becomes an error of kind connector_fault.
func Run(h Host, c *Connector, export string) (result int32) {
	s := newSession(h)
	defer func() {
		if r := recover(); r != nil {
			result = s.fail(&abi.Error{Kind: abi.KindConnectorFault, Message: "the connector panicked: " + panicText(r)})
		}
	}()
	c.table() // before the first call, because later calls may start from its state
	switch export {
	case hostfunc.ExportDescribe:
		if (Value{s, inputHandle}).Part("/as").Text() == asTable {
			return s.write(c.Table())
		}
		return s.write(c.Manifest())
	case hostfunc.ExportAuthSchema:
		return s.write(c.AuthSchema())
	case hostfunc.ExportExecute:
		return s.execute(c)
	}
	return 1
}

// asTable is what the member as of the input of describe is if the host wants the table in
// place of the manifest: for agenthost plugin table.
const asTable = "table"

func (s *session) execute(c *Connector) int32 {
	call := &s.call
	call.s, call.connector = s, c
	entity, action := call.open()
	call.result = Result{meta: s.bytes(256), parts: s.parts[:0]}
	if s.fault != nil {
		return s.fail(s.fault)
	}
	if call.row == nil {
		return s.fail(&abi.Error{
			Kind:    abi.KindUnknownOperation,
			Message: "connector " + c.Name + " has no operation " + entity + "." + action,
		})
	}
	if call.op.Page != nil {
		if e := call.unalias(); e != nil {
			return s.fail(e)
		}
	}
	var err error
	if call.op.Handle != nil {
		err = call.op.Handle(call)
	} else {
		err = call.Run()
	}
	switch {
	case s.fault != nil:
		// Before the connector's own error, which may result from values that seemed absent.
		return s.fail(s.fault)
	case err != nil:
		return s.fail(err)
	}
	return call.result.flush(s)
}

func (s *session) write(output []byte) int32 {
	if s.host.OutputWrite(output) < 0 {
		return 1
	}
	return 0
}

// errorSize is enough for nearly every error. Growing a buffer to that size costs more than all
// the rest of an error.
const errorSize = 1024

// fail writes an error as the outcome.
func (s *session) fail(err error) int32 {
	var e *abi.Error
	if !errors.As(err, &e) {
		e = &abi.Error{Kind: abi.KindConnectorFault, Message: err.Error()}
	}
	b := append(s.bytes(errorSize), `{"error":`...)
	return s.write(append(appendError(b, e), '}'))
}

func panicText(r any) string {
	switch r := r.(type) {
	case error:
		return r.Error()
	case string:
		return r
	}
	return "a value of its own"
}
