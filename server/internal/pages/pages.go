// Package pages shows people pages: plain HTML without script, under headers that let a browser run
// and embed nothing else. It has the layout, the templates, the cookies and the reading of forms;
// what a page is about is decided by its handler.
//
// Whatever a template shows is escaped by html/template, and characters that nobody sees, or that
// turn the direction of text, are shown as their numbers, also those that a handler overlooks. A
// request that changes something comes from a page of this server, or it is refused.
package pages

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/httpserve"
	"github.com/hashicorp/go-hclog"
)

//go:embed style.css templates
var files embed.FS

// Options configure a [Site].
type Options struct {
	// URL is the origin of the server, as clients know it.
	URL string
	// Ready returns an error that refuses every request; nil if it may go on.
	Ready func() error
	// Admit says whether the client of a request may ask once more now, and else after how long.
	Admit func(r *http.Request) time.Duration
	// NewID returns a fresh id for a request.
	NewID func() string
	// Hold reserves memory for a long form, see [httpserve.Exchange.ReadBody].
	Hold func(ctx context.Context, caller string, bytes int64) (release func(), err error)
	// Timeout bounds a request.
	Timeout time.Duration
	Logger  hclog.Logger
}

// Site serves pages. It is an http.Handler behind an [httpserve.Guard]. It is safe for concurrent
// use once all handlers are added.
type Site struct {
	options   Options
	mux       *http.ServeMux
	own       *http.CrossOriginProtection
	templates map[string]*template.Template
	secure    bool // the origin is https
	plain     bool // the origin is http, and not of this machine
}

// StylePath is where the stylesheet is.
const StylePath = "/pages/style.css"

// New returns a site without pages.
func New(o Options) (*Site, error) {
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, err
	}
	ip, err := netip.ParseAddr(u.Hostname())
	local := u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
	s := &Site{options: o, mux: http.NewServeMux(), own: http.NewCrossOriginProtection(), secure: u.Scheme == "https"}
	s.plain = !s.secure && !local
	if s.templates, err = parse(files); err != nil {
		return nil, err
	}
	style, err := files.ReadFile("style.css")
	if err != nil {
		return nil, err
	}
	s.mux.HandleFunc("GET "+StylePath, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write(style) // the client may be gone
	})
	return s, nil
}

// parse returns the templates by their names, each within the layout.
func parse(from fs.FS) (map[string]*template.Template, error) {
	const layout = "templates/layout.html"
	paths, err := fs.Glob(from, "templates/*.html")
	if err != nil {
		return nil, err
	}
	all := make(map[string]*template.Template)
	for _, p := range paths {
		if p == layout {
			continue
		}
		t, err := template.New("layout.html").Option("missingkey=error").Funcs(template.FuncMap{"style": func() string { return StylePath }}).ParseFS(from, layout, p)
		if err != nil {
			return nil, err
		}
		all[strings.TrimSuffix(path.Base(p), ".html")] = t
	}
	return all, nil
}

// Handle adds a page. The pattern is one of [http.ServeMux] with a method. What a handler returns
// as an error is shown: see [Problem].
func (s *Site) Handle(pattern string, f func(v *Visit) error) {
	s.mux.HandleFunc(pattern, func(_ http.ResponseWriter, r *http.Request) {
		v, _ := r.Context().Value(visitKey{}).(*Visit)
		v.Request = r
		if err := f(v); err != nil {
			s.fail(r.Context(), v, err)
		}
	})
}

// ServeHTTP answers a request.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v := newVisit(s, w, r)
	ctx, cancel := v.enter(r.Context(), s.options.Timeout)
	defer cancel()
	r = r.WithContext(ctx)
	v.Request = r
	defer func() {
		if p := recover(); p != nil {
			s.options.Logger.Error("BUG: panic", "request", v.ID, "path", v.pattern, "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			s.fail(ctx, v, errors.New("panic"))
		}
	}()
	protect(w.Header())
	if err := s.admit(v); err != nil {
		s.fail(ctx, v, err)
		return
	}
	_, v.pattern = s.mux.Handler(r)
	if v.pattern == "" {
		s.fail(ctx, v, s.unknown(r))
		return
	}
	s.mux.ServeHTTP(w, r)
}

// admit refuses requests that no handler sees.
func (s *Site) admit(v *Visit) error {
	if s.plain {
		return &Problem{Status: http.StatusForbidden, Title: "This page needs https", Text: "The address of this server begins with http://, so what you type here could be read on its way.", Next: "Tell the operator of this server to give it an address that begins with https://."}
	}
	if err := s.options.Ready(); err != nil {
		return &Problem{Status: http.StatusServiceUnavailable, Title: "The server is not ready", Text: "Another server may have its database.", Next: "Try again in a minute.", Cause: err}
	}
	if after := s.options.Admit(v.Request); after > 0 {
		seconds := int(math.Ceil(after.Seconds()))
		v.Answer.Header().Set("Retry-After", strconv.Itoa(seconds))
		return &Problem{Status: http.StatusTooManyRequests, Title: "Too many requests", Text: "Your address asked too often.", Next: fmt.Sprintf("Try again after %d seconds.", seconds)}
	}
	if err := s.own.Check(v.Request); err != nil {
		return &Problem{Status: http.StatusForbidden, Title: "Not from this page", Text: "Another site sent this form.", Next: "Go back to where you came from, and open the link again.", Cause: err}
	}
	return nil
}

// unknown is the problem of a request that no page takes.
func (s *Site) unknown(r *http.Request) error {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if _, pattern := s.mux.Handler(&http.Request{Method: method, URL: r.URL, Host: r.Host}); pattern != "" {
			return &Problem{Status: http.StatusMethodNotAllowed, Title: "Not possible here", Text: "This page cannot be asked for in this way.", Next: "Open it from the page before it."}
		}
	}
	return &Problem{Status: http.StatusNotFound, Title: "There is no such page", Text: "The address is wrong, or incomplete.", Next: "Copy the whole address."}
}

// protect sets the headers of every page. A page that a form leads away from adds to them.
func protect(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
	h.Set("Cache-Control", "no-store")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("X-Robots-Tag", "noindex, nofollow")
}

// render returns a page.
func (s *Site) render(name string, data any) ([]byte, error) {
	t := s.templates[name]
	if t == nil {
		return nil, fmt.Errorf("there is no template %s, only %s", name, strings.Join(slices.Sorted(maps.Keys(s.templates)), ", "))
	}
	var page bytes.Buffer
	if err := t.Execute(&page, data); err != nil {
		return nil, err
	}
	return visible(page.Bytes()), nil
}

// send answers with a page.
func send(w http.ResponseWriter, status int, page []byte) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(page) //nolint:gosec // the client may be gone; html/template escaped the page
}

// Serving marks the request of a visit as one of somebody whom the server knows: its connection is
// not closed to make room for others. Call what it returns at the end.
func (v *Visit) Serving(caller string) (done func()) {
	if e := httpserve.Of(v.Context()); e != nil {
		return e.Served(caller)
	}
	return func() {}
}
