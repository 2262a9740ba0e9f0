package render

import (
	"bytes"
	"encoding/json"
	"io"
)

// jsonWriter writes {"data": ..., "meta": ...}: indented for a terminal, and with one record
// per line for a program.
type jsonWriter struct {
	w     io.Writer
	o     Options
	begun bool
}

func (j *jsonWriter) Single(data, meta json.RawMessage) error {
	if j.o.Terminal {
		return j.write(`{`+"\n"+`  "data": `, j.value(data, "  "), ",\n"+`  "meta": `, j.value(orEmpty(meta), "  "), "\n}\n")
	}
	return j.write(`{"data":`, data, `,"meta":`, orEmpty(meta), "}\n")
}

func (j *jsonWriter) Record(record json.RawMessage) error {
	before := ",\n"
	if !j.begun {
		j.begun = true
		before = `{"data":[` + "\n"
		if j.o.Terminal {
			before = "{\n" + `  "data": [` + "\n"
		}
	}
	if j.o.Terminal {
		return j.write(before, []byte("    "), "", j.value(record, "    "), "")
	}
	return j.write(before, record, "", nil, "")
}

func (j *jsonWriter) End(meta json.RawMessage) error {
	if !j.begun {
		return j.Single(json.RawMessage("[]"), meta)
	}
	if j.o.Terminal {
		return j.write("\n  ],\n"+`  "meta": `, j.value(orEmpty(meta), "  "), "\n}\n", nil, "")
	}
	return j.write("\n"+`],"meta":`, orEmpty(meta), "}\n", nil, "")
}

// value returns a JSON value with control characters escaped, indented by prefix.
func (j *jsonWriter) value(raw json.RawMessage, prefix string) []byte {
	return EscapeJSON(indented(raw, prefix))
}

func (j *jsonWriter) write(before string, first []byte, between string, second []byte, after string) error {
	b := make([]byte, 0, len(before)+len(first)+len(between)+len(second)+len(after))
	b = append(append(b, before...), first...)
	b = append(append(append(b, between...), second...), after...)
	_, err := j.w.Write(b)
	return err
}

// linesWriter writes one record per line.
type linesWriter struct {
	w io.Writer
	o Options
}

func (l *linesWriter) Single(data, _ json.RawMessage) error { return l.Record(data) }

func (l *linesWriter) Record(record json.RawMessage) error {
	line := make([]byte, 0, len(record)+1)
	if bytes.ContainsAny(record, "\r\n") {
		// JSON from a vendor may have line breaks between tokens.
		var b bytes.Buffer
		if err := json.Compact(&b, record); err != nil {
			return err
		}
		record = b.Bytes()
	}
	if l.o.Terminal {
		record = EscapeJSON(record)
	}
	_, err := l.w.Write(append(append(line, record...), '\n'))
	return err
}

func (l *linesWriter) End(json.RawMessage) error { return nil }

// Value writes any Go value as one indented JSON document.
func Value(w io.Writer, o Options, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	text := indented(b, "")
	if o.Terminal {
		text = EscapeJSON(text)
	}
	_, err = w.Write(append(text, '\n'))
	return err
}
