package pdk

import (
	"maps"
	"slices"

	"github.com/agenthost/agenthost/pdk/abi"
)

func appendSync(b []byte, entities []abi.Sync) []byte {
	b = append(b, '[')
	for i := range entities {
		s := &entities[i]
		o := openObject(appendComma(b, i))
		o.mustStr("entity", s.Entity)
		o.str("list", s.List)
		o.raw("params", s.Params)
		if e := s.Each; e != nil {
			o.key("each")
			v := openObject(o.b)
			v.mustStr("param", e.Param)
			v.strs("values", e.Values)
			v.str("of", e.Of)
			v.str("as", e.As)
			v.str("changed", e.Changed)
			o.b = v.close()
		}
		o.str("key", s.Key)
		if s.Changes != nil {
			o.key("changes")
			o.b = appendSyncChanges(o.b, s.Changes)
		}
		if d := s.Deletions; d != nil {
			o.key("deletions")
			v := openObject(o.b)
			v.str("field", d.Field)
			if len(d.Values) > 0 {
				v.key("values")
				v.b = append(v.b, '[')
				for i, value := range d.Values {
					v.b = append(appendComma(v.b, i), value...)
				}
				v.b = append(v.b, ']')
			}
			v.str("list", d.List)
			v.str("key", d.Key)
			v.str("param", d.Param)
			o.b = v.close()
		}
		o.str("get", s.Get)
		o.str("get_key", s.GetKey)
		o.texted("writes", s.Writes)
		o.int("interval_seconds", int64(s.IntervalSeconds))
		o.int("full_seconds", int64(s.FullSeconds))
		o.strs("text", s.Text)
		o.texted("fields", s.Fields)
		o.strs("index", s.Index)
		b = o.close()
	}
	return append(b, ']')
}

func appendSyncChanges(b []byte, c *abi.SyncChanges) []byte {
	o := openObject(b)
	o.str("param", c.Param)
	o.raw("params", c.Params)
	o.str("field", c.Field)
	o.str("format", c.Format)
	o.int("overlap_seconds", int64(c.OverlapSeconds))
	o.str("until", c.Until)
	o.int("max_seconds", int64(c.MaxSeconds))
	o.str("start", c.Start)
	o.str("token", c.Token)
	return o.close()
}

// raw writes JSON text.
func (o *object) raw(name string, value abi.RawMessage) {
	if len(value) > 0 {
		o.key(name)
		o.b = append(o.b, value...)
	}
}

// texted writes an object of texts, in the order of their names.
func (o *object) texted(name string, values map[string]string) {
	if len(values) == 0 {
		return
	}
	o.key(name)
	v := openObject(o.b)
	for _, key := range slices.Sorted(maps.Keys(values)) {
		v.mustStr(key, values[key])
	}
	o.b = v.close()
}
