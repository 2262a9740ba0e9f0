// Package oauthsim is a simulated authorization server (RFC 6749, RFC 7009, RFC 7636,
// RFC 9207) and an API that takes its tokens. It rotates refresh tokens, and a token that
// is used twice ends the login, as RFC 9700, section 4.14.2, recommends. A code that is used twice does
// so too, as RFC 6749, section 4.1.2, does.
package oauthsim

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Server is a simulated server. Fields are set before it is used.
type Server struct {
	ClientID, ClientSecret string
	// Prefix starts every token, so that tests find them.
	Prefix string
	// Lifetime of access tokens, in the answers; 0 says nothing.
	Lifetime time.Duration
	// JSON says that requests to the token endpoint are JSON objects, and no forms.
	JSON bool
	// Keep says that refresh tokens are not rotated.
	Keep bool
	// Grace says that the last refresh token but one is still good, for clients that
	// lost the answer.
	Grace bool
	// Issuer is sent as iss; empty sends none.
	Issuer string
	// Redirects are the redirect URIs that are registered; nil permits any.
	Redirects []string
	// Assertions checks the grant of RFC 7523; nil does not know it.
	Assertions *Assertions
	// Token, if not nil, answers at the token endpoint in the server's place where it
	// returns true. It is called with the lock held.
	Token func(w http.ResponseWriter, r *http.Request) bool

	mu        sync.Mutex
	deaf      bool
	count     int
	access    string
	refresh   string
	previous  string
	codes     map[string]url.Values // authorization requests, by code
	code      string                // of the login that is good now; empty if it has another beginning
	refreshes int
	seen      []string // grants
}

// Refreshes returns how many refreshes were done.
func (s *Server) Refreshes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refreshes
}

// Grants returns the grant types of the requests at the token endpoint so far.
func (s *Server) Grants() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.seen...)
}

// Seed makes a login and returns its refresh token.
func (s *Server) Seed() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issue(true)
	s.code = ""
	return s.refresh
}

// Expire makes the access token useless.
func (s *Server) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.access = ""
}

// Deafen makes the server answer revocations and not do them.
func (s *Server) Deafen() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deaf = true
}

// Refresh returns the refresh token that is good now.
func (s *Server) Refresh() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refresh
}

// Access returns the access token that is good now; empty means none.
func (s *Server) Access() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.access
}

func (s *Server) issue(refresh bool) {
	s.count++
	s.access = fmt.Sprintf("%sa%d", s.Prefix, s.count)
	if refresh {
		s.previous, s.refresh = s.refresh, fmt.Sprintf("%sr%d", s.Prefix, s.count)
	}
}

// ServeHTTP serves /authorize, /token, /revoke, and the API at every other path.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	switch r.URL.Path {
	case "/authorize":
		s.authorize(w, r)
	case "/token":
		s.token(w, r)
	case "/revoke":
		if s.client(w, r) && !s.deaf && (r.PostFormValue("token") == s.refresh || r.PostFormValue("token") == s.access) {
			s.refresh, s.previous, s.access = "", "", ""
		}
	default:
		if s.access == "" || r.Header.Get("Authorization") != "Bearer "+s.access {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = fmt.Fprintf(w, `{"error":"the token %s is not known"}`, r.Header.Get("Authorization"))
			return
		}
		_, _ = fmt.Fprintf(w, `{"data":{"id":"1","echo":%q}}`, r.Header.Get("Authorization"))
	}
}

// authorize is a person who says yes.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	redirect, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || s.Redirects != nil && !slices.Contains(s.Redirects, q.Get("redirect_uri")) || q.Get("client_id") != s.ClientID || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.count++
	code := fmt.Sprintf("%sc%d", s.Prefix, s.count)
	if s.codes == nil {
		s.codes = make(map[string]url.Values)
	}
	s.codes[code] = q
	answer := url.Values{"code": {code}, "state": {q.Get("state")}}
	if s.Issuer != "" {
		answer.Set("iss", s.Issuer)
	}
	redirect.RawQuery = answer.Encode()
	http.Redirect(w, r, redirect.String(), http.StatusFound)
}

// client authenticates the client, in either way.
func (s *Server) client(w http.ResponseWriter, r *http.Request) bool {
	id, password, basic := r.BasicAuth()
	if basic {
		id, _ = url.QueryUnescape(id)
		password, _ = url.QueryUnescape(password)
	} else {
		id, password = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	contentType := "application/x-www-form-urlencoded"
	if s.JSON && r.URL.Path == "/token" {
		contentType = "application/json"
	}
	if r.Method != http.MethodPost || r.Header.Get("Content-Type") != contentType {
		refuse(w, http.StatusBadRequest, "invalid_request", "not a POST of "+contentType)
		return false
	}
	if id != s.ClientID || password != s.ClientSecret {
		refuse(w, http.StatusUnauthorized, "invalid_client", "unknown client "+password)
		return false
	}
	return true
}

// object reads a JSON object of texts as if it were a form.
func object(r *http.Request) url.Values {
	var members map[string]string
	form := make(url.Values)
	if json.NewDecoder(r.Body).Decode(&members) == nil {
		for name, text := range members {
			form.Set(name, text)
		}
	}
	return form
}

func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	if s.JSON {
		r.PostForm = object(r)
		r.Form = r.PostForm
	}
	grant := r.PostFormValue("grant_type")
	s.seen = append(s.seen, grant)
	if s.Token != nil && s.Token(w, r) {
		return
	}
	if s.Assertions != nil && grant == "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		if why := s.Assertions.wrong(r); why != "" {
			refuse(w, http.StatusBadRequest, "invalid_grant", why)
			return
		}
		s.issue(false)
		s.give(w, false)
		return
	}
	if !s.client(w, r) {
		return
	}
	switch grant {
	case "client_credentials":
		s.issue(false)
		s.give(w, false)
		return
	case "authorization_code":
		code := r.PostFormValue("code")
		if code != "" && code == s.code {
			s.refresh, s.previous, s.access = "", "", ""
		}
		q, ok := s.codes[code]
		delete(s.codes, code)
		sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		if !ok || q.Get("redirect_uri") != r.PostFormValue("redirect_uri") || q.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) {
			refuse(w, http.StatusBadRequest, "invalid_grant", "bad code "+code)
			return
		}
		s.issue(true)
		s.previous, s.code = "", code
	case "refresh_token":
		used := r.PostFormValue("refresh_token")
		switch {
		case used != "" && used == s.refresh, s.Grace && used != "" && used == s.previous:
			s.refreshes++
			s.issue(!s.Keep)
			if !s.Keep {
				s.previous = used
			}
		default:
			if used != "" && strings.HasPrefix(used, s.Prefix+"r") { // used twice: the login ends
				s.refresh, s.previous, s.access = "", "", ""
			}
			refuse(w, http.StatusBadRequest, "invalid_grant", "the refresh token "+used+" is not known")
			return
		}
	default:
		refuse(w, http.StatusBadRequest, "unsupported_grant_type", "")
		return
	}
	s.give(w, !s.Keep || grant == "authorization_code")
}

func (s *Server) give(w http.ResponseWriter, refresh bool) {
	answer := map[string]any{"access_token": s.access, "token_type": "Bearer"}
	if s.Lifetime > 0 {
		answer["expires_in"] = int(s.Lifetime.Seconds())
	}
	if refresh {
		answer["refresh_token"] = s.refresh
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func refuse(w http.ResponseWriter, status int, code, description string) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": description})
}
