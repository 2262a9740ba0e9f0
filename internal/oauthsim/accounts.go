package oauthsim

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Accounts is one vendor with a login for each of many clients. A client is known by its id, and
// its tokens by how they start.
type Accounts struct {
	// Lifetime is that of the access tokens of accounts that are added.
	Lifetime time.Duration
	// Given, if not nil, is called after a client got the answer with a token.
	Given func()

	mu       sync.Mutex
	accounts []*Server
	used     map[string]bool // access tokens with which the API was called
}

// Add makes an account, and returns it.
func (a *Accounts) Add(name string) *Server {
	a.mu.Lock()
	defer a.mu.Unlock()
	prefix := fmt.Sprintf("CANARY-%d-", len(a.accounts))
	s := &Server{ClientID: name, ClientSecret: prefix + "kept-by-the-client", Prefix: prefix, Lifetime: a.Lifetime}
	a.accounts = append(a.accounts, s)
	return s
}

// Used reports whether the API was called with an access token.
func (a *Accounts) Used(access string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.used[access]
}

// account finds the account of a request, or nil.
func (a *Accounts) account(r *http.Request) *Server {
	a.mu.Lock()
	defer a.mu.Unlock()
	bearer, called := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	id := r.FormValue("client_id") // which is in the URL of a login
	if escaped, _, basic := r.BasicAuth(); basic {
		id, _ = url.QueryUnescape(escaped)
	}
	for _, s := range a.accounts {
		switch {
		case called && strings.HasPrefix(bearer, s.Prefix):
			if a.used == nil {
				a.used = make(map[string]bool)
			}
			a.used[bearer] = true
			return s
		case !called && (id == s.ClientID || id == "" && s.Assertions != nil):
			return s
		}
	}
	return nil
}

// ServeHTTP serves each request as the account does that it is of.
func (a *Accounts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := a.account(r)
	if s == nil {
		refuse(w, http.StatusUnauthorized, "invalid_client", "there is no such account")
		return
	}
	answer := httptest.NewRecorder()
	s.ServeHTTP(answer, r)
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
	if r.URL.Path == "/token" && answer.Code == http.StatusOK && a.Given != nil {
		_ = http.NewResponseController(w).Flush()
		a.Given()
	}
}
