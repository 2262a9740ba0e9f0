// Package anonymous takes out of a recording what looks like a person or a credential, so that it can
// be kept as a test beside the code. It is pure.
//
// Every such value has one replacement in a recording, so that an id in a parameter is still the id in
// the answer. Replacements are numbered in the order in which values appear: they say nothing of the
// values, and the same recording always gets the same ones.
//
// It knows values by the names of their fields, by their form, and by having seen them elsewhere in
// the recording. Prose may name a person whom nothing else names; only a reader finds that.
package anonymous

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"maps"
	"net/textproto"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/internal/recording"
)

// Options say what is kept.
type Options struct {
	// Keep are names of fields whose values stay as they are, such as name of a status.
	Keep []string
	// Public is text that everybody may read, such as the connector's manifest. A single word of it
	// stays in prose, also where a person has it as a name.
	Public string
}

// Result is a recording without what was taken out of it.
type Result struct {
	// Recording has the replaced parameters, values of the connection and answers. What its connector
	// makes of them, the requests and the result, is empty: a replay fills it in.
	Recording *recording.Recording
	// Replaced counts the different values that were replaced, by kind.
	Replaced map[string]int
	// Originals are the values that must be nowhere in what is written.
	Originals []string
}

// maxBinary is how many bytes a replaced file has at most.
const maxBinary = 4 << 10

// Of replaces what looks like a person or a credential in what a connector was given: the call and
// the answers.
func Of(r *recording.Recording, o Options) *Result {
	w := &walker{values: newValues(), keep: make(map[string]bool), known: make(map[string]bool)}
	for _, name := range o.Keep {
		w.keep[normal(name)] = true
	}
	w.learn(o.Public)
	w.learn(r.Call.Entity + " " + r.Call.Action + " " + r.Connector)
	// What a value is may show only after its first appearance, so the first walk collects and the
	// second one replaces.
	w.recording(r)
	out := w.recording(r)
	return &Result{Recording: out, Replaced: w.values.counts(), Originals: w.values.originals()}
}

// walker walks through a recording.
type walker struct {
	values *values
	keep   map[string]bool
	known  map[string]bool // words that everybody may read, in lower case
	looked int             // at how many bytes of text, for tests
}

// learn makes the words of a text known.
func (w *walker) learn(text string) {
	for word := range words(text) {
		w.known[strings.ToLower(text[word.start:word.end])] = true
	}
}

func (w *walker) recording(r *recording.Recording) *recording.Recording {
	out := &recording.Recording{Version: r.Version, Connector: r.Connector, Digest: r.Digest, At: r.At, Seed: r.Seed, SleptMS: r.SleptMS, Call: r.Call}
	out.Call.Params = w.json(r.Call.Params)
	out.Call.Config = w.config(r.Call.Config)
	for _, e := range r.Exchanges {
		again := recording.Exchange{SleptMS: e.SleptMS, Request: e.Request, Error: e.Error}
		if e.Error != nil {
			refused := *e.Error
			refused.Message, refused.Hint, refused.RequestID = w.text(refused.Message, 0), w.text(refused.Hint, 0), w.text(refused.RequestID, 0)
			again.Error = &refused
		}
		if e.Response != nil {
			again.Response = &recording.Response{Status: e.Response.Status, Header: w.headers(e.Response.Header), Body: w.body(e.Response)}
		}
		out.Exchanges = append(out.Exchanges, again)
	}
	return out
}

// config replaces the values of a connection: they name a customer.
func (w *walker) config(raw json.RawMessage) json.RawMessage {
	if rawjson.KindOf(raw) != rawjson.Object {
		return raw
	}
	out := []byte{'{'}
	for name, value := range rawjson.Members(raw) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(out, name...), ':')
		if text := rawjson.Unquote(value); rawjson.KindOf(value) == rawjson.String && !w.known[strings.ToLower(text)] && !w.keep[normal(rawjson.Unquote(name))] && text != "" {
			value = quoted(w.values.of(kindConnection, text, w.spreads(text)))
		}
		out = append(out, value...)
	}
	return append(out, '}')
}

// withoutHeaders are those of which nothing is kept.
var withoutHeaders = []string{"Set-Cookie", "Set-Cookie2", "Cookie", "Authorization", "Proxy-Authorization", "Www-Authenticate", "Authentication-Info"}

func (w *walker) headers(headers map[string][]string) map[string][]string {
	out := make(map[string][]string, len(headers))
	for _, name := range slices.Sorted(maps.Keys(headers)) { // in this order, whatever the map's is
		if slices.Contains(withoutHeaders, textproto.CanonicalMIMEHeaderKey(name)) {
			for _, value := range headers[name] {
				w.cookie(value)
			}
			continue
		}
		for _, value := range headers[name] {
			kind := w.kindOf(name, nil)
			switch {
			case w.keep[normal(name)] || value == "":
			case kind != "":
				value = w.whole(kind, value)
			default:
				value = w.text(value, 0)
			}
			out[name] = append(out[name], value)
		}
	}
	return out
}

// cookie notes the value of a header of which nothing is kept, so that it is found elsewhere.
func (w *walker) cookie(header string) {
	for part := range strings.SplitSeq(header, ";") {
		_, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if len(value) >= 8 && mixed(value) {
			w.values.of(kindToken, value, true)
		}
	}
}

func (w *walker) body(r *recording.Response) recording.Body {
	body, kind := r.Body, strings.ToLower(textproto.MIMEHeader(r.Header).Get("Content-Type"))
	switch {
	case len(body) == 0:
		return body
	case rawjson.Valid(body):
		return w.json(body)
	case !utf8.Valid(body):
		// A picture has a face, and a document a name. The bytes stay no text.
		return bytes.Repeat([]byte{0xff}, min(len(body), maxBinary))
	case strings.Contains(kind, "csv"):
		if out, ok := w.csv(body); ok {
			return out
		}
	}
	return recording.Body(w.text(string(body), 0))
}

// csv replaces by columns, which are the fields of records.
func (w *walker) csv(body []byte) (recording.Body, bool) {
	reader := csv.NewReader(bytes.NewReader(body))
	reader.FieldsPerRecord, reader.LazyQuotes = -1, true
	rows, err := reader.ReadAll()
	if err != nil || len(rows) == 0 {
		return nil, false
	}
	var out bytes.Buffer
	writer := csv.NewWriter(&out)
	for n, row := range rows {
		for i, cell := range row {
			kind, kept := "", false
			if n > 0 && i < len(rows[0]) {
				kind, kept = w.kindOf(rows[0][i], nil), w.keep[normal(rows[0][i])]
			}
			switch {
			case kept || cell == "":
			case kind != "":
				row[i] = w.whole(kind, cell)
			default:
				row[i] = w.text(cell, 0)
			}
		}
		_ = writer.Write(row) // into memory
	}
	writer.Flush()
	return out.Bytes(), true
}
