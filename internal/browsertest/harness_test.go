package browsertest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestHarness shows pages with a mistake each: the tests of pages see it.
func TestHarness(t *testing.T) {
	t.Parallel()
	const good = `<!DOCTYPE html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Good</title><main><h1>Good</h1>`
	for name, c := range map[string]struct{ page, want string }{
		"inline script":     {good + `<script>1</script>`, "forbids what it does: script-src"},
		"inline style":      {good + `<p style="color:red">a</p>`, "forbids what it does: style-src"},
		"another origin":    {good + `<img alt="a" src="http://other.test/a.png">`, "goes to another origin: http://other.test/a.png"},
		"a file not there":  {good + `<link rel="stylesheet" href="/none.css">`, "the browser logs: error Failed to load resource"},
		"says where from":   {good + `<link rel="stylesheet" href="/style.css">`, "says where it comes from"},
		"too wide":          {good + `<pre>` + strings.Repeat("a", 2000) + `</pre>`, "too wide"},
		"no label":          {good + `<input>`, "label: Form elements must have labels"},
		"no language":       {strings.Replace(good, ` lang="en"`, "", 1), "html-has-lang"},
		"faint":             {good + `<link rel="stylesheet" href="/faint.css"><p>faint</p>`, "color-contrast"},
		"faint in the dark": {good + `<link rel="stylesheet" href="/dark.css"><p>faint</p>`, "in dark at 1280 pixels: color-contrast"},
		"too small":         {good + `<link rel="stylesheet" href="/small.css"><button>a</button><button>b</button>`, "target-size"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				h := w.Header()
				h.Set("X-Content-Type-Options", "nosniff")
				h.Set("Referrer-Policy", "no-referrer")
				h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src *")
				switch style := map[string]string{
					"/style.css": "p{margin:0}", "/faint.css": "p{color:#ccc;background:#fff}",
					"/dark.css": "@media (prefers-color-scheme:dark){p{color:#333;background:#000}}", "/small.css": "button{all:unset;font-size:9px;line-height:9px;outline:1px solid}",
				}[r.URL.Path]; {
				case style != "":
					h.Set("Content-Type", "text/css")
					_, _ = fmt.Fprint(w, style)
				case r.URL.Path == "/":
					if name == "says where from" {
						h.Set("Referrer-Policy", "origin")
					}
					h.Set("Content-Type", "text/html")
					_, _ = fmt.Fprint(w, c.page)
				default:
					http.NotFound(w, r)
				}
			}))
			t.Cleanup(v.Close)
			p := openTab(t, v.URL)
			p.open("/")
			all := strings.Join(append(p.look("harness/"+strings.ReplaceAll(name, " ", "-")), p.findings()...), "\n")
			if !strings.Contains(all, c.want) {
				t.Errorf("%q is not among\n%s", c.want, all)
			}
		})
	}
	t.Run("keyboard", func(t *testing.T) {
		t.Parallel()
		v := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprint(w, good, `<style>#b{outline:none}</style><button id="a">a</button><button id="b">b</button>`)
		}))
		t.Cleanup(v.Close)
		p := openTab(t, v.URL)
		p.open("/")
		p.do(chromedp.KeyEvent("\t"))
		if f := p.focus(); f.ID != "a" || !f.Seen || !f.Inside {
			t.Errorf("the focus of the first button is %v", f)
		}
		p.do(chromedp.KeyEvent("\t"))
		if f := p.focus(); f.ID != "b" || f.Seen {
			t.Errorf("the focus that is not shown is %v", f)
		}
	})
}
