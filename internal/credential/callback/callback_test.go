package callback_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/credential/callback"
)

const (
	state  = "state-3f1c9a"
	issuer = "https://issuer.example"
)

func listen(t *testing.T) (l *callback.Listener, host string) {
	t.Helper()
	l, err := callback.Listen(t.Context(), 0, state, issuer)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(l.URL())
	if err != nil || u.Path != callback.Path {
		t.Fatal(l.URL(), err)
	}
	return l, u.Host
}

// ask sends a request as a browser does, without the network.
func ask(l *callback.Listener, method, host, target string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	r.Host = host
	w := httptest.NewRecorder()
	l.ServeHTTP(w, r)
	return w
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	l, host := listen(t)
	good := callback.Path + "?code=c&state=" + state + "&iss=" + url.QueryEscape(issuer)
	refused := []struct {
		name, method, host, target string
		status                     int
	}{
		{"another name", "GET", strings.Replace(host, "127.0.0.1", "localhost", 1), good, http.StatusMisdirectedRequest},
		{"a name that was rebound", "GET", "evil.example", good, http.StatusMisdirectedRequest},
		{"another method", "POST", host, good, http.StatusMethodNotAllowed},
		{"another path", "GET", host, strings.Replace(good, callback.Path, "/other", 1), http.StatusNotFound},
		{"a longer path", "GET", host, strings.Replace(good, callback.Path, callback.Path+"/", 1), http.StatusNotFound},
		{"no state", "GET", host, strings.Replace(good, "state=", "stat=", 1), http.StatusBadRequest},
		{"another state", "GET", host, strings.Replace(good, state, state+"x", 1), http.StatusBadRequest},
		{"two states", "GET", host, good + "&state=" + state, http.StatusBadRequest},
		{"no issuer", "GET", host, strings.Replace(good, "iss=", "is=", 1), http.StatusBadRequest},
		{"another issuer", "GET", host, good + "x", http.StatusBadRequest},
		{"neither code nor error", "GET", host, strings.Replace(good, "code=c", "code=", 1), http.StatusBadRequest},
		{"two codes", "GET", host, good + "&code=d", http.StatusBadRequest},
		{"code and error", "GET", host, good + "&error=access_denied", http.StatusBadRequest},
	}
	for _, test := range refused {
		if w := ask(l, test.method, test.host, test.target); w.Code != test.status {
			t.Errorf("%s: %d, want %d", test.name, w.Code, test.status)
		}
	}
	// None of them ended the login.
	if w := ask(l, "GET", host, good); w.Code != http.StatusOK {
		t.Errorf("the answer: %d %s", w.Code, w.Body)
	}
	if w := ask(l, "GET", host, good); w.Code != http.StatusGone {
		t.Errorf("the answer again: %d", w.Code)
	}
	a, err := l.Wait(t.Context())
	if err != nil || a.Error != "" || a.Issuer != issuer {
		t.Errorf("%+v, %v", a, err)
	}
	code := ""
	if err := a.Code.Reveal(func(b []byte) error { code = string(b); return nil }); err != nil || code != "c" {
		t.Errorf("the code is %q, %v", code, err)
	}
}

func TestRefusedLogin(t *testing.T) {
	t.Parallel()
	l, host := listen(t)
	w := ask(l, "GET", host, callback.Path+"?error=access_denied&state="+state+"&iss="+url.QueryEscape(issuer))
	a, err := l.Wait(t.Context())
	if err != nil || w.Code != http.StatusOK || a.Error != "access_denied" || !a.Code.IsZero() {
		t.Errorf("%d, %+v, %v", w.Code, a, err)
	}
}

// No page of the listener, whatever it says, is kept, framed or taken for a script, and the
// address with its code goes nowhere.
func TestHeaders(t *testing.T) {
	t.Parallel()
	l, host := listen(t)
	for _, target := range []string{"/", callback.Path, callback.Path + "?code=c&state=" + state + "&iss=" + url.QueryEscape(issuer)} {
		header := ask(l, "GET", host, target).Header()
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
			"Content-Type": "text/plain; charset=utf-8", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
		} {
			if got := header.Values(name); len(got) != 1 || got[0] != want {
				t.Errorf("%s: %s is %q, want %q", target, name, got, want)
			}
		}
	}
}

func TestWaitEnds(t *testing.T) {
	t.Parallel()
	l, _ := listen(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if a, err := l.Wait(ctx); err == nil {
		t.Errorf("%+v", a)
	}
}
