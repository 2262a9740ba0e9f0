package pages

import (
	"errors"
	"html/template"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/httpserve"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// open makes a site with a page for each thing that handlers do.
func open(t *testing.T, origin string, log io.Writer) http.Handler {
	t.Helper()
	s, err := New(Options{
		URL: origin, Ready: func() error { return nil }, NewID: func() string { return "req_7" }, Timeout: time.Minute,
		Admit: func(r *http.Request) time.Duration {
			if r.URL.Path == "/test/often" {
				return 1500 * time.Millisecond
			}
			return 0
		},
		Logger: hclog.New(&hclog.LoggerOptions{Output: log}),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.templates["shown"] = template.Must(template.Must(s.templates["problem"].Clone()).Parse(`{{define "title"}}{{.}}{{end}}{{define "main"}}<p title="{{.}}">{{.}}</p><a href="{{.}}">go</a>{{end}}`))
	s.Handle("GET /test/show", func(v *Visit) error { return v.Show("shown", v.URL.Query().Get("text")) })
	s.Handle("GET /test/problem", func(*Visit) error {
		return &Problem{Status: http.StatusGone, Title: "The link is old", Text: "It was.", Next: "Ask for another one."}
	})
	s.Handle("GET /test/secret", func(*Visit) error { return errors.New("CANARY of a failure") })
	s.Handle("GET /test/told", func(*Visit) error {
		return &abi.Error{Kind: abi.KindInvalidParams, Message: "the key is wrong", Hint: "type <b>it</b> again"}
	})
	s.Handle("GET /test/panic", func(*Visit) error { panic("CANARY of a panic") })
	s.Handle("GET /test/cookie", func(v *Visit) error {
		v.SetCookie("connect", "value", time.Minute)
		return v.Go("/test/show?text=" + url.QueryEscape(v.Cookie("connect")))
	})
	s.Handle("POST /test/form/{id}", func(v *Visit) error {
		f, err := v.Form()
		if err != nil {
			return err
		}
		return v.Show("shown", v.PathValue("id")+"="+f["key"])
	})
	return httpserve.Guard{Own: strings.TrimPrefix(origin, "https://"), Patience: httpserve.DefaultPatience()}.Handler(s)
}

// ask sends a request, with headers in pairs.
func ask(h http.Handler, method, target, body string, headers ...string) *http.Response {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = "agents.example.com"
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const site = "https://agents.example.com"

// TestHostilePage: what others wrote is text on a page, and nothing of it is hidden.
//
// threat: D8
func TestHostilePage(t *testing.T) {
	t.Parallel()
	h := open(t, site, io.Discard)
	for _, c := range []struct{ given, want, never string }{
		{`<script>alert(1)</script>`, "&lt;script&gt;", "<script"},
		{`" onmouseover="alert(1)`, "&#34; onmouseover=&#34;", `" onmouseover="`},
		{`javascript:alert(1)`, `href="#ZgotmplZ"`, `href="javascript`},
		{"abc\u202egnp.exe", "abc[U+202E]gnp.exe", "\u202e"},
		{"a\u200bb\u2066c\ufeff\x1b[31m", "a[U+200B]b[U+2066]c[U+FEFF][U+001B][31m", "\u200b"},
		{"tag\U000e0041", "tag[U+E0041]", "\U000e0041"},
		{"half \xff", "half \ufffd", "\xff"},
	} {
		got := text(t, ask(h, http.MethodGet, "/test/show?text="+url.QueryEscape(c.given), ""))
		if !strings.Contains(got, c.want) || strings.Contains(got, c.never) {
			t.Errorf("%q is shown as\n%s", c.given, got)
		}
	}
}

// TestPageHeaders: a page cannot be framed, runs nothing, and is kept nowhere; so are problems.
//
// threat: D8
func TestPageHeaders(t *testing.T) {
	t.Parallel()
	h := open(t, site, io.Discard)
	for _, path := range []string{"/test/show?text=a", "/test/problem", "/test/none", "/test/secret", "/test/often", StylePath} {
		r := ask(h, http.MethodGet, path, "")
		policy := r.Header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'", "style-src 'self'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: the policy %q lacks %s", path, policy, part)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "script-src") {
			t.Errorf("%s: the policy is %q", path, policy)
		}
		for name, want := range map[string]string{
			"X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
			"X-Content-Type-Options": "nosniff", "Cross-Origin-Opener-Policy": "same-origin",
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
	}
}

// TestProblemPages: what failed inside says nothing of itself, and what was the client's mistake does.
func TestProblemPages(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	h := open(t, site, &log)
	for path, c := range map[string]struct {
		status int
		want   string
	}{
		"/test/problem": {http.StatusGone, "Ask for another one."},
		"/test/secret":  {http.StatusInternalServerError, "req_7"},
		"/test/panic":   {http.StatusInternalServerError, "req_7"},
		"/test/told":    {http.StatusBadRequest, "The key is wrong.</p>\n<p>Type &lt;b&gt;it&lt;/b&gt; again."},
		"/test/none":    {http.StatusNotFound, "There is no such page"},
		"/test/form/1":  {http.StatusMethodNotAllowed, "Not possible here"},
		"/test/often":   {http.StatusTooManyRequests, "after 2 seconds"},
	} {
		r := ask(h, http.MethodGet, path, "")
		if body := text(t, r); r.StatusCode != c.status || !strings.Contains(body, c.want) || strings.Contains(body, "CANARY") {
			t.Errorf("%s: %d\n%s", path, r.StatusCode, body)
		}
	}
	if !strings.Contains(log.String(), "CANARY of a failure") || strings.Contains(log.String(), "CANARY of a panic") {
		t.Errorf("the log has\n%s", log.String())
	}
	r := ask(open(t, "http://agents.example.com", io.Discard), http.MethodGet, "/test/show?text=a", "", "Host", "127.0.0.1:8080")
	if r.StatusCode != http.StatusForbidden || !strings.Contains(text(t, r), "https") {
		t.Errorf("a page over http: %d", r.StatusCode)
	}
}

// TestForgedForms: a form counts only if a page of this server sent it.
//
// threat: D7, N4
func TestForgedForms(t *testing.T) {
	t.Parallel()
	h := open(t, site, io.Discard)
	for name, c := range map[string]struct {
		headers []string
		status  int
	}{
		"own":                       {[]string{"Origin", site, "Sec-Fetch-Site", "same-origin"}, http.StatusOK},
		"own page without Referer":  {[]string{"Origin", "null", "Sec-Fetch-Site", "same-origin"}, http.StatusOK},
		"own page, older browser":   {[]string{"Origin", site}, http.StatusOK},
		"another site":              {[]string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
		"another site, older":       {[]string{"Origin", "https://evil.example"}, http.StatusForbidden},
		"a site nearby":             {[]string{"Origin", "null", "Sec-Fetch-Site", "same-site"}, http.StatusForbidden},
		"a sandboxed frame":         {[]string{"Origin", "null", "Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
		"a sandboxed frame, older":  {[]string{"Origin", "null"}, http.StatusForbidden},
		"another site, no Origin":   {[]string{"Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
		"two headers, one is wrong": {[]string{"Origin", "null", "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
	} {
		if r := ask(h, http.MethodPost, "/test/form/9", "key=k", c.headers...); r.StatusCode != c.status {
			t.Errorf("%s: %d", name, r.StatusCode)
		}
	}
	if r := ask(h, http.MethodPost, "/test/form/9", "key=k%3c", "Origin", site); !strings.Contains(text(t, r), "9=k&lt;") {
		t.Error("the form's field and the path's part are not shown")
	}
}

// TestWrongForms: what a browser would not send is refused, whole.
func TestWrongForms(t *testing.T) {
	t.Parallel()
	h := open(t, site, io.Discard)
	for body, status := range map[string]int{
		"key=a&key=b":                           http.StatusBadRequest,
		"key=%zz":                               http.StatusBadRequest,
		"key=a;b=c":                             http.StatusBadRequest,
		"key=%ff":                               http.StatusBadRequest,
		"key=%00":                               http.StatusBadRequest,
		strings.Repeat("a&", maxFields):         http.StatusBadRequest,
		"key=" + strings.Repeat("a", MaxForm+1): http.StatusRequestEntityTooLarge,
	} {
		if r := ask(h, http.MethodPost, "/test/form/9", body); r.StatusCode != status {
			t.Errorf("%.40q: %d", body, r.StatusCode)
		}
	}
	if r := ask(h, http.MethodPost, "/test/form/9", `{}`, "Content-Type", "application/json"); r.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("two content types: %d", r.StatusCode)
	}
}

// TestCookies: a cookie is this host's, and no script's; on this machine without https it has a
// name that browsers take.
func TestCookies(t *testing.T) {
	t.Parallel()
	for origin, want := range map[string]string{
		site:                    "__Host-agenthost-connect=value; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Lax",
		"http://127.0.0.1:8080": "agenthost-connect=value; Path=/; Max-Age=60; HttpOnly; SameSite=Lax",
	} {
		h := open(t, origin, io.Discard)
		r := ask(h, http.MethodGet, "/test/cookie", "", "Host", "127.0.0.1:8080", "Cookie", "agenthost-connect=plain")
		if got := r.Header.Get("Set-Cookie"); r.StatusCode != http.StatusSeeOther || got != want {
			t.Errorf("%s: %d %q", origin, r.StatusCode, got)
		}
		if took := r.Header.Get("Location") == "/test/show?text=plain"; took != strings.HasPrefix(origin, "http:") {
			t.Errorf("%s took the cookie without the prefix: %v", origin, took)
		}
	}
	r := ask(open(t, site, io.Discard), http.MethodGet, "/test/cookie", "", "Cookie", "__Host-agenthost-connect=a; __Host-agenthost-connect=b")
	if got := r.Header.Get("Location"); got != "/test/show?text=" {
		t.Errorf("of two cookies one counts: %s", got)
	}
}

func FuzzForm(f *testing.F) {
	for _, seed := range []string{"key=a&b=c", "a=%ff", "=&=", "a=1;b=2", "%00=1", strings.Repeat("a&", 200)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		form, why := parseForm(body)
		if (form == nil) == (why == "") {
			t.Fatalf("%v and %q", form, why)
		}
		again := make(url.Values)
		for name, v := range form {
			again.Set(name, v)
			if strings.Contains(name+v, "\x00") || strings.ToValidUTF8(v, "") != v {
				t.Errorf("%q=%q", name, v)
			}
		}
		if same, _ := parseForm(again.Encode()); why == "" && len(same) != len(form) {
			t.Errorf("%q is read as %v, and that as %v", body, form, same)
		}
	})
}
