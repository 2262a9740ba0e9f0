package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// printer prints tables, for a screen or in Markdown.
type printer struct {
	out      io.Writer
	markdown bool
	printed  bool
}

// table is printed when its first line comes: one without lines is not there at all.
type table struct {
	p       *printer
	columns []string
	out     *tabwriter.Writer
}

func (p *printer) table(columns ...string) *table { return &table{p: p, columns: columns} }

func (t *table) line(cells ...string) {
	if t.out == nil {
		if t.p.printed {
			fmt.Fprintln(t.p.out)
		}
		t.p.printed = true
		t.out = tabwriter.NewWriter(t.p.out, 2, 0, 2, ' ', 0)
		t.print(t.columns)
		if t.p.markdown {
			t.print(slices.Repeat([]string{"---"}, len(t.columns)))
		}
	}
	t.print(cells)
}

func (t *table) print(cells []string) {
	if t.p.markdown {
		fmt.Fprintf(t.p.out, "| %s |\n", strings.Join(cells, " | "))
		return
	}
	fmt.Fprintln(t.out, strings.Join(cells, "\t"))
}

func (t *table) end() error {
	if t.out == nil {
		return nil
	}
	return t.out.Flush()
}

// Seconds as people read them.

func ms(seconds float64) string { return number(seconds*1e3) + " ms" }
func us(seconds float64) string { return fmt.Sprintf("%.1f µs", seconds*1e6) }

// perSecond shows the time per call of all callers together.
func perSecond(seconds float64) string { return fmt.Sprintf("%.0f/s", 1/seconds) }

func mb(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }
