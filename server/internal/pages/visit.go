package pages

import (
	"context"
	"net/http"
	"time"
)

// Visit is a request of a page.
type Visit struct {
	*http.Request
	// Answer is where the page goes.
	Answer http.ResponseWriter
	// ID names the request in the log, and on a page that says that something failed.
	ID string

	site    *Site
	pattern string
}

type visitKey struct{}

func newVisit(s *Site, w http.ResponseWriter, r *http.Request) *Visit {
	return &Visit{Request: r, Answer: w, ID: s.options.NewID(), site: s}
}

// enter returns the context of its request, with the visit in it.
func (v *Visit) enter(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	return context.WithValue(ctx, visitKey{}, v), cancel
}

// Show answers with a page: the template of a name, with its data.
func (v *Visit) Show(name string, data any) error { return v.ShowWith(http.StatusOK, name, data) }

// ShowWith is [Visit.Show] with another status.
func (v *Visit) ShowWith(status int, name string, data any) error {
	page, err := v.site.render(name, data)
	if err != nil {
		return err
	}
	send(v.Answer, status, page)
	return nil
}

// Go sends the browser to another page of this server, which it gets with GET. To is a path that
// the handler wrote, and nothing that a request says.
func (v *Visit) Go(to string) error {
	v.Answer.Header().Set("Location", to)
	v.Answer.WriteHeader(http.StatusSeeOther)
	return nil
}

// cookieName is the name of a cookie as browsers have it. With the prefix, no other host and no
// page that came over http can set it. Browsers refuse the prefix where the server is at a plain
// address of this machine.
func (s *Site) cookieName(name string) string {
	if s.secure {
		return "__Host-agenthost-" + name
	}
	return "agenthost-" + name
}

// Cookie returns the value of a cookie; empty if there is none, or more than one.
func (v *Visit) Cookie(name string) string {
	if all := v.CookiesNamed(v.site.cookieName(name)); len(all) == 1 {
		return all[0].Value
	}
	return ""
}

// SetCookie sets a cookie for this browser. It ends after life; life 0 removes it.
func (v *Visit) SetCookie(name, value string, life time.Duration) {
	c := &http.Cookie{ //nolint:gosec // not Secure only at a plain address of this machine
		Name: v.site.cookieName(name), Value: value, Path: "/", MaxAge: int(life.Seconds()),
		HttpOnly: true, Secure: v.site.secure, SameSite: http.SameSiteLaxMode,
	}
	if life <= 0 {
		c.Value, c.MaxAge = "", -1
	}
	http.SetCookie(v.Answer, c)
}

// When is a time for a page: in words, and in the one zone that the server and the person share.
func When(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }
