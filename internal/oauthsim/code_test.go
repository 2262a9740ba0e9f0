package oauthsim

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// post sends a form to the token endpoint, as the client.
func post(s *Server, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(s.ClientID, s.ClientSecret)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// A code that is used twice ends the login that it began, and no other.
func TestCodeUsedTwice(t *testing.T) {
	t.Parallel()
	login := func(s *Server) url.Values {
		t.Helper()
		// The verifier and the challenge of RFC 7636, appendix B.
		q := url.Values{"client_id": {s.ClientID}, "response_type": {"code"}, "redirect_uri": {"https://app.example/back"}, "state": {"s"},
			"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"}}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/authorize?"+q.Encode(), nil))
		back, err := url.Parse(w.Header().Get("Location"))
		if err != nil || back.Query().Get("code") == "" {
			t.Fatalf("%d %s", w.Code, w.Header())
		}
		return url.Values{"grant_type": {"authorization_code"}, "code": {back.Query().Get("code")}, "redirect_uri": {"https://app.example/back"}, "code_verifier": {"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"}}
	}
	for name, c := range map[string]struct {
		between func(s *Server)
		change  func(form url.Values)
		ends    bool
	}{
		"at once":             {ends: true},
		"after a refresh":     {between: func(s *Server) { post(s, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {s.Refresh()}}) }, ends: true},
		"with another proof":  {change: func(form url.Values) { form.Set("code_verifier", "x") }, ends: true},
		"another code":        {change: func(form url.Values) { form.Set("code", "unknown") }},
		"after another login": {between: func(s *Server) { s.Seed() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &Server{ClientID: "c", ClientSecret: "p", Prefix: "T-"}
			form := login(s)
			if w := post(s, form); w.Code != http.StatusOK || s.Access() == "" {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			if c.between != nil {
				c.between(s)
			}
			if c.change != nil {
				c.change(form)
			}
			if w := post(s, form); w.Code != http.StatusBadRequest {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if ended := s.Access() == "" && s.Refresh() == ""; ended != c.ends {
				t.Errorf("the login has ended: %t", ended)
			}
		})
	}
}
