package pdk

import "github.com/agenthost/agenthost/pdk/abi"

func appendAirbyte(b []byte, a *abi.Airbyte) []byte {
	o := openObject(b)
	o.mustStr("connector_type", a.ConnectorType)
	o.mustStr("definition_id", a.DefinitionID)
	if a.Check != nil {
		o.key("check")
		o.b = appendOperationRef(o.b, *a.Check)
	}
	if a.Envelope != nil {
		o.key("envelope")
		v := openObject(o.b)
		v.mustStr("record", a.Envelope.Record)
		v.strs("marks", a.Envelope.Marks)
		o.b = v.close()
	}
	o.bool("lists_say_more", a.ListsSayMore)
	if len(a.Operations) > 0 {
		o.key("operations")
		o.b = append(o.b, '[')
		for i, op := range a.Operations {
			v := openObject(appendComma(o.b, i))
			v.mustStr("entity", op.Entity)
			v.mustStr("action", op.Action)
			v.strs("params", op.Params)
			o.b = v.close()
		}
		o.b = append(o.b, ']')
	}
	if len(a.ContextStore) > 0 {
		o.key("context_store")
		o.b = append(o.b, '[')
		for i, e := range a.ContextStore {
			v := openObject(appendComma(o.b, i))
			v.mustStr("entity", e.Entity)
			v.strs("fields", e.Fields)
			v.strs("semantic", e.Semantic)
			o.b = v.close()
		}
		o.b = append(o.b, ']')
	}
	return o.close()
}

func appendOperationRef(b []byte, ref abi.OperationRef) []byte {
	o := openObject(b)
	o.mustStr("entity", ref.Entity)
	o.mustStr("action", ref.Action)
	return o.close()
}
