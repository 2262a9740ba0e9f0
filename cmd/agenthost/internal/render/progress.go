package render

import (
	"fmt"
	"io"
	"time"
)

// Progress shows the progress of a list on one line of a terminal. The zero value and nil
// show nothing. It is not safe for concurrent use.
type Progress struct {
	// W is the terminal; nil shows nothing.
	W   io.Writer
	Now func() time.Time

	shown   bool
	last    time.Time
	pages   int
	records int
}

// every is the shortest time between two updates of the line: each is a system call.
const every = 100 * time.Millisecond

// Page counts a page and its records.
func (p *Progress) Page(records int) {
	if p == nil || p.W == nil {
		return
	}
	p.pages++
	p.records += records
	p.show("")
}

// Of says how many records and pages of something there are so far.
func (p *Progress) Of(what string, records, pages int) {
	if p == nil || p.W == nil {
		return
	}
	p.records, p.pages = records, pages
	p.show(Visible(what) + ": ")
}

func (p *Progress) show(what string) {
	if now := p.Now(); p.pages == 1 || now.Sub(p.last) >= every {
		p.last, p.shown = now, true
		fmt.Fprintf(p.W, "\r\x1b[K%s%s, %s", what, count(p.records, "record"), count(p.pages, "page"))
	}
}

// Clear removes the line. Call it before other output and at the end.
func (p *Progress) Clear() {
	if p != nil && p.shown {
		p.shown = false
		fmt.Fprint(p.W, "\r\x1b[K")
	}
}
