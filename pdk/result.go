package pdk

import "strconv"

// Result is an operation's answer. Its data is an array for a list and an object otherwise; its
// meta has further information. It reaches the caller only if the operation ends without an error.
type Result struct {
	data Raw
	// from is data that stays in the host, between prefix and suffix.
	from           Value
	prefix, suffix string
	content        content // if data is not JSON

	meta  []byte // from the comma before its name; empty if there is no meta
	parts []part
}

// part is a place in meta for a value of the host.
type part struct {
	at     int
	handle int32
}

// Data makes a value of the host the data.
func (r *Result) Data(v Value) { r.from, r.prefix, r.suffix = v, "", "" }

// DataRaw makes JSON text the data.
func (r *Result) DataRaw(json Raw) { r.data, r.from = json, Value{} }

// wrapped makes an object with one member the data.
func (r *Result) wrapped(name string, v Value) {
	r.from, r.suffix = v, "}"
	r.prefix = string(append(AppendString([]byte{'{'}, name), ':'))
}

// Meta adds a value of the host to meta; an absent value is left out.
func (r *Result) Meta(name string, v Value) { r.value(metaKey(name), v) }

// MetaRaw adds JSON text to meta; an absent value is left out.
func (r *Result) MetaRaw(name string, json Raw) { r.raw(metaKey(name), text(json)) }

// MetaText adds a string to meta.
func (r *Result) MetaText(name, text string) {
	r.key(metaKey(name))
	r.meta = AppendString(r.meta, text)
}

// MetaBool adds true or false to meta.
func (r *Result) MetaBool(name string, value bool) { r.raw(metaKey(name), boolText(value)) }

// MetaInt adds a number to meta.
func (r *Result) MetaInt(name string, value int64) {
	r.key(metaKey(name))
	r.meta = strconv.AppendInt(r.meta, value, 10)
}

func boolText(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// metaKey is the start of a member of meta.
func metaKey(name string) string { return string(append(AppendString(nil, name), ':')) }

func (r *Result) key(key string) {
	if len(r.meta) == 0 {
		r.meta = append(r.meta, metaStart...)
	} else {
		r.meta = append(r.meta, ',')
	}
	r.meta = append(r.meta, key...)
}

func (r *Result) value(key string, v Value) {
	if v.Exists() {
		r.key(key)
		r.parts = append(r.parts, part{len(r.meta), v.handle})
	}
}

func (r *Result) raw(key, json string) {
	if json != "" {
		r.key(key)
		r.meta = append(r.meta, json...)
	}
}

const metaStart = `,"meta":{`

// flush writes the result to the host and returns what the export returns.
func (r *Result) flush(s *session) int32 {
	w := writer{host: s.host}
	w.write(bytesOf(`{"data":`))
	switch {
	case r.from.Exists():
		w.write(bytesOf(r.prefix))
		w.part(r.from.handle)
		w.write(bytesOf(r.suffix))
	case r.content.body != nil:
		r.content.write(&w)
	case r.data.Exists():
		w.write(r.data)
	default:
		w.write(bytesOf("{}"))
	}
	if len(r.meta) == 0 {
		r.meta = append(r.meta, metaStart...)
	}
	at := 0
	for _, p := range r.parts {
		w.write(r.meta[at:p.at])
		w.part(p.handle)
		at = p.at
	}
	r.meta = append(r.meta, "}}"...)
	w.write(r.meta[at:])
	if w.failed {
		return 1
	}
	return 0
}

// writer writes the output until a write fails.
type writer struct {
	host   Host
	failed bool
}

func (w *writer) write(p []byte) {
	if len(p) > 0 && !w.failed {
		w.failed = w.host.OutputWrite(p) < 0
	}
}

func (w *writer) part(handle int32) {
	if !w.failed {
		w.failed = w.host.OutputPart(handle) < 0
	}
}
