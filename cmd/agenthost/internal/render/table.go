package render

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// sampleSize is the number of records that determine the columns. Later records get cells of
// the same widths, so a list of any length needs the same memory.
const sampleSize = 100

// longestText is the longest field of a single record, in terminal cells.
const longestText = 2000

// tableWriter writes records as rows and a single object as lines of key and value.
type tableWriter struct {
	w       io.Writer
	o       Options
	sample  []json.RawMessage
	columns []column
	hidden  []string
	begun   bool
}

// Hidden returns the names of the fields that a table has no column for, although records of its
// sample have a value there. It is empty if the caller chose the columns, for another format, and
// before End.
func Hidden(w Writer) []string {
	if t, ok := w.(*tableWriter); ok {
		return t.hidden
	}
	return nil
}

func (t *tableWriter) Record(record json.RawMessage) error {
	if t.begun {
		return t.row(record)
	}
	// Clone the bytes, because they would keep the whole page in memory.
	t.sample = append(t.sample, append(json.RawMessage(nil), record...))
	if len(t.sample) < sampleSize {
		return nil
	}
	return t.begin()
}

func (t *tableWriter) End(json.RawMessage) error {
	if t.begun || len(t.sample) == 0 {
		return nil
	}
	return t.begin()
}

// begin writes the heading and the sample.
func (t *tableWriter) begin() error {
	t.begun = true
	t.columns = chooseColumns(t.sample, t.o)
	if len(t.o.Fields) == 0 && len(t.columns) > 0 {
		t.hidden = hidden(t.sample, t.columns)
	}
	if len(t.columns) > 0 {
		titles := make([]string, len(t.columns))
		for i, c := range t.columns {
			titles[i] = strings.ToUpper(Visible(c.title))
		}
		if err := t.line(titles, t.o.Color); err != nil {
			return err
		}
	}
	for _, record := range t.sample {
		if err := t.row(record); err != nil {
			return err
		}
	}
	t.sample = nil
	return nil
}

func (t *tableWriter) row(record json.RawMessage) error {
	if len(t.columns) == 0 || rawjson.KindOf(record) != rawjson.Object {
		_, err := fmt.Fprintln(t.w, fit(display(record), t.o.Width))
		return err
	}
	return t.line(row(record, t.columns), false)
}

func (t *tableWriter) line(texts []string, bold bool) error {
	var b strings.Builder
	for i, c := range t.columns {
		if i > 0 {
			b.WriteString(strings.Repeat(" ", gap))
		}
		b.WriteString(pad(fit(texts[i], c.width), c.width))
	}
	text := strings.TrimRight(b.String(), " ")
	if bold {
		text = Bold(text)
	}
	_, err := io.WriteString(t.w, text+"\n")
	return err
}

// Single writes lines with key and value. An object inside the object has its own lines.
func (t *tableWriter) Single(data, _ json.RawMessage) error {
	if rawjson.KindOf(data) != rawjson.Object {
		_, err := fmt.Fprintln(t.w, display(data))
		return err
	}
	var lines [][2]string
	flatten(data, "", 0, &lines)
	return t.pairs(lines)
}

// pairs writes lines with key and value, with the values aligned.
func (t *tableWriter) pairs(lines [][2]string) error {
	widest := 0
	for _, line := range lines {
		widest = max(widest, min(cells(line[0]), widestColumn))
	}
	var b strings.Builder
	for _, line := range lines {
		key := pad(line[0], widest)
		if t.o.Color {
			key = Bold(key)
		}
		b.WriteString(strings.TrimRight(key+"  "+fit(line[1], longestText), " ") + "\n")
	}
	_, err := io.WriteString(t.w, b.String())
	return err
}

// flatten lists the fields of an object and of the objects in it.
func flatten(object []byte, prefix string, depth int, lines *[][2]string) {
	for raw, value := range rawjson.Members(object) {
		key := prefix + Visible(rawjson.Unquote(raw))
		if rawjson.KindOf(value) == rawjson.Object && depth < 2 && rawjson.Count(value) > 0 {
			flatten(value, key+".", depth+1, lines)
			continue
		}
		*lines = append(*lines, [2]string{key, display(value)})
	}
}

// Rows writes a table. The texts must come from the program or from [Visible]. Columns are as
// wide as their texts, but the last one ends at the edge of the terminal.
func Rows(w io.Writer, o Options, titles []string, rows [][]string) error {
	if o.Width <= 0 {
		o.Width = defaultWidth
	}
	t := &tableWriter{w: w, o: o}
	left := o.Width
	for i, title := range titles {
		c := column{width: cells(title)}
		for _, row := range rows {
			c.width = max(c.width, cells(row[i]))
		}
		if i == len(titles)-1 && o.Terminal {
			c.width = max(min(c.width, left), 2*narrowestColumn)
		}
		left -= c.width + gap
		t.columns = append(t.columns, c)
	}
	if err := t.line(titles, o.Color); err != nil {
		return err
	}
	for _, row := range rows {
		if err := t.line(row, false); err != nil {
			return err
		}
	}
	return nil
}

// Pairs writes lines with key and value. The texts must be safe, as for [Rows].
func Pairs(w io.Writer, o Options, lines [][2]string) error {
	return (&tableWriter{w: w, o: o}).pairs(lines)
}

// Bold makes text bold on a terminal.
func Bold(text string) string { return "\x1b[1m" + text + "\x1b[0m" }

// Red makes text bold and red on a terminal.
func Red(text string) string { return "\x1b[1;31m" + text + "\x1b[0m" }

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
