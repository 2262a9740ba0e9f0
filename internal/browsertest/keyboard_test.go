package browsertest

import (
	"fmt"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// mostStops is more than a page has places for the focus.
const mostStops = 60

// focused describes the element with the focus. An element with a visible focus has an outline that
// its colour tells from what is around it, and is inside the window.
const focused = `(() => {
	const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();
	return {
		ID: e.id, Name: e.tagName.toLowerCase() + (e.id ? "#" + e.id : ""),
		Nothing: e === document.body,
		Seen: e.matches(":focus-visible") && (s.outlineStyle === "auto" || s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2) && s.outlineColor !== (parseFloat(s.outlineOffset) > 0 ? getComputedStyle(document.body) : s).backgroundColor,
		Inside: r.bottom > 0 && r.top < innerHeight && r.right > 0 && r.left < innerWidth && r.width > 0,
	};
})()`

type focus struct {
	ID, Name              string
	Nothing, Seen, Inside bool
}

// focus returns where the focus is.
func (p *tab) focus() focus { return result(p, chromedp.Evaluate[focus](focused)) }

// tabTo moves the focus to the element with an id, with the Tab key only, and looks whether a person
// sees each stop on the way.
func (p *tab) tabTo(id string) {
	p.t.Helper()
	var way []string
	for range mostStops {
		p.do(chromedp.KeyEvent(kb.Tab))
		f := p.focus()
		if f.Nothing {
			continue // the browser's own controls, between the end of the page and its start
		}
		if way = append(way, f.Name); !f.Seen || !f.Inside {
			p.t.Errorf("the focus at %s is seen: %v; inside of the window: %v", f.Name, f.Seen, f.Inside)
		}
		if f.ID == id {
			return
		}
	}
	p.t.Fatalf("the Tab key does not come to %s, only to %v\n%s", id, way, p.tell())
}

// types types text into the element with the focus.
func (p *tab) types(text string) { p.t.Helper(); p.do(chromedp.KeyEvent(text)) }

// enter and space press the key, which opens another page.
func (p *tab) enter() { p.t.Helper(); p.leads(chromedp.KeyEvent(kb.Enter)) }
func (p *tab) space() { p.t.Helper(); p.leads(chromedp.KeyEvent(" ")) }

// back is the back button.
func (p *tab) back() { p.t.Helper(); p.leads(chromedp.NavigateBack()) }

func (f focus) String() string { return fmt.Sprintf("%s seen=%v inside=%v", f.Name, f.Seen, f.Inside) }
