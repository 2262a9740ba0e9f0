package metrics

import (
	"strconv"
	"strings"
)

// writer writes the text format.
type writer struct{ text []byte }

var (
	valueEscaper = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
	helpEscaper  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
)

// head begins a metric.
func (w *writer) head(name, help, kind string) {
	w.text = append(w.text, "# HELP "+name+" "+helpEscaper.Replace(help)+"\n# TYPE "+name+" "+kind+"\n"...)
}

// line writes a number. Le is the upper bound of a bucket, or empty.
func (w *writer) line(name string, labels []string, v values, le string, n float64) {
	w.text = append(w.text, name...)
	open := byte('{')
	label := func(name, value string) {
		w.text = append(append(append(w.text, open), name...), `="`...)
		w.text = append(append(w.text, valueEscaper.Replace(value)...), '"')
		open = ','
	}
	for i, name := range labels {
		label(name, v[i])
	}
	if le != "" {
		label("le", le)
	}
	if open == ',' {
		w.text = append(w.text, '}')
	}
	w.text = append(append(w.text, ' '), number(n)...)
	w.text = append(w.text, '\n')
}

func number(n float64) string { return strconv.FormatFloat(n, 'g', -1, 64) }
