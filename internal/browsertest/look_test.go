package browsertest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// narrow is the width of a phone, and reflow the one at which WCAG 2.2 wants no second scroll bar
// (1.4.10).
const (
	desk   = 1280
	narrow = 390
	reflow = 320
)

// call sends a command to the tab.
func call[P, R any](p *tab, command cdp.Command[P, R], params P) R {
	p.t.Helper()
	r, err := chromedp.Call(p.ctx, command, params)
	if err != nil {
		p.t.Fatalf("%s: %v", command.Method, err)
	}
	return r
}

// wide is a window on a desk.
func (p *tab) wide() { p.t.Helper(); p.width(desk) }

func (p *tab) width(pixels int64) {
	p.t.Helper()
	call(p, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: pixels, Height: 844, DeviceScaleFactor: 1, Mobile: pixels < desk})
}

// colours sets what the person prefers: light or dark.
func (p *tab) colours(scheme string) {
	p.t.Helper()
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
}

// looks checks the page that is open and leaves pictures of it: in light on a phone,
// and in dark on a desk.
func (p *tab) looks(name string) {
	p.t.Helper()
	for _, w := range p.look(name) {
		p.t.Errorf("%s: %s", name, w)
	}
}

// look is [tab.looks] that returns what is wrong.
func (p *tab) look(name string) (wrong []string) {
	p.t.Helper()
	for _, at := range []struct {
		scheme string
		width  int64
	}{{"light", reflow}, {"light", narrow}, {"dark", desk}} { // colours do not depend on the width
		p.colours(at.scheme)
		p.width(at.width)
		over := result(p, chromedp.Evaluate[int64](`document.scrollingElement.scrollWidth - document.documentElement.clientWidth`))
		if over > 0 {
			wrong = append(wrong, fmt.Sprintf("at %d pixels, the page is %d too wide: %s", at.width, over, result(p, chromedp.Evaluate[string](widest))))
		}
		if at.width == reflow {
			continue
		}
		p.picture(fmt.Sprintf("%s-%s-%d", name, at.scheme, at.width))
		for _, w := range p.axe() {
			wrong = append(wrong, fmt.Sprintf("in %s at %d pixels: %s", at.scheme, at.width, w))
		}
	}
	p.colours("light")
	p.wide()
	return wrong
}

// widest finds an element that is over the edge.
const widest = `[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth)
	.map(e => e.outerHTML.slice(0, 100)).join("\n")`

// picture keeps a picture of the whole page.
func (p *tab) picture(name string) {
	p.t.Helper()
	file := built(p.t, "browser/pages/"+name+".png")
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(file, result(p, chromedp.FullScreenshot(100)), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// axeRun runs the rules of WCAG 2.2, levels A and AA, and the good practices. What axe cannot judge
// counts too.
const axeRun = `axe.run(document, {
	runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"],
	rules: {"target-size": {enabled: true}}, preload: false, resultTypes: ["violations", "incomplete"],
}).then(r => JSON.stringify({passes: r.passes.length, wrong: r.violations.concat(r.incomplete).map(v =>
	v.id + ": " + v.help + ": " + v.nodes.map(n => n.html + " " + (n.any[0] ? n.any[0].message : "")).join("; "))}))`

// axe checks the page with axe-core, in a world of its own: the policy of the page stays as it is.
func (p *tab) axe() []string {
	p.t.Helper()
	source, err := os.ReadFile(built(p.t, "browser/node_modules/axe-core/axe.min.js"))
	if err != nil {
		p.t.Fatal(err)
	}
	frame := call(p, page.GetFrameTree, struct{}{}).FrameTree.Frame.ID
	world := call(p, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: frame, WorldName: "axe"}).ExecutionContextID
	p.evaluate(world, string(source)+"; true")
	var got struct {
		Passes int
		Wrong  []string
	}
	if err := json.Unmarshal([]byte(p.evaluate(world, axeRun)), &got); err != nil {
		p.t.Fatal(err)
	}
	if got.Passes < 10 {
		p.t.Errorf("axe ran %d rules that passed: did it run?", got.Passes)
	}
	return got.Wrong
}

func (p *tab) evaluate(world runtime.ExecutionContextID, expression string) string {
	p.t.Helper()
	yes := true
	r := call(p, runtime.Evaluate, runtime.EvaluateParams{Expression: expression, ContextID: world, AwaitPromise: &yes, ReturnByValue: &yes})
	if r.ExceptionDetails != nil {
		p.t.Fatalf("axe fails: %s", r.ExceptionDetails.Text)
	}
	text := string(r.Result.Value)
	var unquoted string
	if strings.HasPrefix(text, `"`) && json.Unmarshal([]byte(text), &unquoted) == nil {
		return unquoted
	}
	return text
}
