package pdk

import "strconv"

// Result is what an operation answers. Its data is an array for a list and an
// object otherwise; its meta is whatever else the caller wants to know. Nothing
// reaches the caller before the operation has ended without an error.
type Result struct {
	data Raw
	// from is where data comes from when it stays in the host; it stands inside
	// prefix and suffix.
	from           Value
	prefix, suffix string

	meta  []byte
	parts []part
}

// part is a place in meta where the host puts a value.
type part struct {
	at     int
	handle int32
}

// Data makes a value of the host the data.
func (r *Result) Data(v Value) { r.from, r.prefix, r.suffix = v, "", "" }

// DataRaw makes JSON text the data.
func (r *Result) DataRaw(json Raw) { r.data, r.from = json, Value{} }

// wrapped makes an object of one member the data.
func (r *Result) wrapped(name string, v Value) {
	r.from, r.suffix = v, "}"
	r.prefix = string(append(AppendString([]byte{'{'}, name), ':'))
}

// Meta adds a value of the host to meta; an absent value is left out.
func (r *Result) Meta(name string, v Value) {
	if v.Exists() {
		r.key(name)
		r.parts = append(r.parts, part{len(r.meta), v.handle})
	}
}

// MetaRaw adds JSON text to meta; an absent value is left out.
func (r *Result) MetaRaw(name string, json Raw) {
	if json.Exists() {
		r.key(name)
		r.meta = append(r.meta, json...)
	}
}

// MetaText adds a string to meta.
func (r *Result) MetaText(name, text string) {
	r.key(name)
	r.meta = AppendString(r.meta, text)
}

// MetaBool adds true or false to meta.
func (r *Result) MetaBool(name string, value bool) {
	r.key(name)
	r.meta = strconv.AppendBool(r.meta, value)
}

// MetaInt adds a number to meta.
func (r *Result) MetaInt(name string, value int64) {
	r.key(name)
	r.meta = strconv.AppendInt(r.meta, value, 10)
}

func (r *Result) key(name string) {
	if len(r.meta) > 0 {
		r.meta = append(r.meta, ',')
	}
	r.meta = append(AppendString(r.meta, name), ':')
}

// flush writes the result to the host and returns what the export returns.
func (r *Result) flush(s *session) int32 {
	h := s.host
	buf := append(s.bytes(64+len(r.data)+len(r.meta)), `{"data":`...)
	var failed bool
	put := func(handle int32) {
		failed = failed || h.OutputWrite(buf) < 0 || h.OutputPart(handle) < 0
		buf = buf[:0]
	}
	switch {
	case r.from.Exists():
		buf = append(buf, r.prefix...)
		put(r.from.handle)
		buf = append(buf, r.suffix...)
	case r.data.Exists():
		buf = append(buf, r.data...)
	default:
		buf = append(buf, "{}"...)
	}
	buf = append(buf, `,"meta":{`...)
	at := 0
	for _, p := range r.parts {
		buf = append(buf, r.meta[at:p.at]...)
		put(p.handle)
		at = p.at
	}
	buf = append(append(buf, r.meta[at:]...), "}}"...)
	if failed || h.OutputWrite(buf) < 0 {
		return 1
	}
	return 0
}
