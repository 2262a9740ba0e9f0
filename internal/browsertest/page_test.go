package browsertest

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// tab is a tab of the browser, in a profile of its own.
type tab struct {
	t   *testing.T
	ctx context.Context
	own string // the origin of the server

	mu        sync.Mutex
	elsewhere []string // origins that the person goes to
	documents map[string]bool
	wrong     []string
	sent      []string // addresses of all requests
}

// newTab opens a tab for the pages of a server. What is wrong with a page fails the test at its end.
func newTab(t *testing.T, own string) *tab {
	t.Helper()
	p := openTab(t, own)
	t.Cleanup(func() {
		for _, w := range p.findings() {
			t.Error(w)
		}
	})
	return p
}

// openTab opens a tab.
func openTab(t *testing.T, own string) *tab {
	t.Helper()
	built(t, "") // or the test is skipped
	p := &tab{t: t, own: own, documents: make(map[string]bool)}
	ctx, done := chromedp.NewContext(browser, chromedp.WithNewBrowserContext(), chromedp.WithListener(p.saw))
	t.Cleanup(done)
	ctx, cancel := context.WithTimeout(ctx, patience)
	t.Cleanup(cancel)
	p.ctx = ctx
	call(p, network.Enable, network.EnableParams{})
	call(p, log.Enable, struct{}{})
	call(p, audits.Enable, struct{}{})
	p.wide()
	return p
}

// goes lets the person go to the pages of another origin.
func (p *tab) goes(origins ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.elsewhere = append(p.elsewhere, origins...)
}

// findings returns what was wrong with the pages so far.
func (p *tab) findings() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.wrong)
}

// addresses returns those of all requests so far.
func (p *tab) addresses() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.sent)
}

// saw takes what the browser tells of a page. It holds no lock of the browser.
func (p *tab) saw(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		p.asks(e)
	case *network.EventRequestWillBeSentExtraInfo:
		for name, value := range e.Headers {
			if strings.EqualFold(name, "Referer") {
				p.finds("a request says where it comes from: %v", value)
			}
		}
	case *network.EventResponseReceived:
		p.got(e.Response)
	case *audits.EventIssueAdded:
		if csp := e.Issue.Details.ContentSecurityPolicyIssueDetails; csp != nil {
			p.finds("the policy of the page forbids what it does: %s %s", csp.ViolatedDirective, csp.BlockedURL)
		}
	case *log.EventEntryAdded:
		// That a page has the status of an error is no error of the page.
		if e.Entry.Source == log.EntrySourceNetwork && p.documents[e.Entry.URL] {
			return
		}
		p.finds("the browser logs: %s %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL)
	case *runtime.EventConsoleAPICalled:
		p.finds("a page writes to the console: %s", e.Type)
	case *runtime.EventExceptionThrown:
		p.finds("a page throws: %s", e.ExceptionDetails.Text)
	}
}

func (p *tab) finds(format string, args ...any) {
	p.wrong = append(p.wrong, fmt.Sprintf(format, args...))
}

// asks judges a request.
func (p *tab) asks(e *network.EventRequestWillBeSent) {
	p.sent = append(p.sent, e.Request.URL)
	document := e.Type == network.ResourceTypeDocument
	p.documents[e.Request.URL] = document
	origin := originOf(e.Request.URL)
	switch {
	case origin == p.own:
	case !slices.Contains(p.elsewhere, origin):
		p.finds("a request goes to another origin: %s", e.Request.URL)
	case !document && originOf(e.DocumentURL) == p.own:
		p.finds("a page loads from another origin: %s", e.Request.URL)
	}
}

// got judges an answer.
func (p *tab) got(r *network.Response) {
	if originOf(r.URL) != p.own {
		return
	}
	for _, name := range []string{"content-security-policy", "x-content-type-options", "referrer-policy"} {
		if !slices.ContainsFunc(headerNames(r.Headers), func(had string) bool { return strings.EqualFold(had, name) }) {
			p.finds("%s comes without the header %s", r.URL, name)
		}
	}
}

func headerNames(h network.Headers) (names []string) {
	for name := range h {
		names = append(names, name)
	}
	return names
}

func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// do takes steps, each of which succeeds.
func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatalf("%v\n%s", err, p.tell())
	}
}

// result is what an action returns.
func result[T any](p *tab, a chromedp.Action[T]) T {
	p.t.Helper()
	got, err := chromedp.Run(p.ctx, a)
	if err != nil {
		p.t.Fatalf("%v\n%s", err, p.tell())
	}
	return got
}

// tell says where the tab is, for failures.
func (p *tab) tell() string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.ctx), 5*time.Second)
	defer cancel()
	address, _ := chromedp.Run(ctx, chromedp.Location())
	text, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body ? document.body.innerText : ""`))
	return "the page is " + address + "\n" + text + "\n" + strings.Join(p.findings(), "\n")
}

// open goes to a page of the server.
func (p *tab) open(path string) {
	p.t.Helper()
	p.do(chromedp.Navigate(p.own + path))
}

// leads does what opens another page, and waits for that.
func (p *tab) leads(step chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	result(p, chromedp.WaitEvent(page.LoadEventFired, nil, step))
}

// await waits for an element.
func (p *tab) await(selector string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, 15*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.WaitVisible(chromedp.CSS(selector))); err != nil {
		p.t.Fatalf("there is no %s: %v\n%s", selector, err, p.tell())
	}
}

// arrives waits until the tab is at an address that begins with text, and returns it.
func (p *tab) arrives(text string) string {
	p.t.Helper()
	for until := time.Now().Add(15 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if at := p.at(); strings.HasPrefix(at, text) {
			return at
		}
		if time.Now().After(until) {
			p.t.Fatalf("the browser does not come to %s\n%s", text, p.tell())
		}
	}
}

// at returns the address of the page.
func (p *tab) at() string { return result(p, chromedp.Location()) }

// title returns the title of the page.
func (p *tab) title() string { return result(p, chromedp.Title()) }

// text returns the text of an element.
func (p *tab) text(selector string) string {
	p.t.Helper()
	p.await(selector)
	return strings.TrimSpace(result(p, chromedp.Text(chromedp.CSS(selector))))
}

// attribute returns an attribute of an element.
func (p *tab) attribute(selector, name string) string {
	p.t.Helper()
	return result(p, chromedp.Evaluate[string](fmt.Sprintf(`document.querySelector(%q)?.getAttribute(%q) || ""`, selector, name)))
}
