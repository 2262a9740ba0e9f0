package oauthsim

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// People is a simulated issuer of OpenID Connect, with which people log in to one client. It refuses
// what a real one refuses: another client, another redirect URI, a code without its verifier or a used
// one. Fields are set before a login.
type People struct {
	Issuer
	ClientID, ClientSecret, RedirectURI string
	// Says changes the claims of the next ID tokens; nil leaves a claim out.
	Says map[string]any
	// IDToken is the next ID token; empty means a good one.
	IDToken string

	key   *Key
	mu    sync.Mutex
	codes map[string]url.Values // what each was asked for with
}

// NewPeople makes an issuer for a client. Its URL is to be set before it serves.
func NewPeople(clientID, clientSecret, redirectURI string) (*People, error) {
	key, err := NewKey("one", "ES256")
	if err != nil {
		return nil, err
	}
	p := &People{ClientID: clientID, ClientSecret: clientSecret, RedirectURI: redirectURI, key: key, codes: make(map[string]url.Values)}
	p.Publish(key)
	p.Metadata, p.Keys, p.Answer = "/.well-known/openid-configuration", "/keys", p.answer
	return p, nil
}

// Authorize is a person who says yes to the request of a client: it returns where the browser goes.
func (p *People) Authorize(q url.Values) (string, error) {
	if q.Get("client_id") != p.ClientID || q.Get("redirect_uri") != p.RedirectURI || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" ||
		q.Get("state") == "" || q.Get("nonce") == "" || !strings.Contains(q.Get("scope"), "openid") {
		return "", fmt.Errorf("asked for %v", q)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	code := "code-" + q.Get("state")
	p.codes[code] = q
	return p.RedirectURI + "?" + url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {p.URL}}.Encode(), nil
}

func (p *People) answer(w http.ResponseWriter, r *http.Request) bool {
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case p.Metadata:
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
			"authorization_response_iss_parameter_supported": true, "id_token_signing_alg_values_supported": []string{"ES256", "HS256", "none"},
		})
	case "/authorize":
		to, err := p.Authorize(r.URL.Query())
		if err != nil {
			refuse(w, http.StatusBadRequest, "invalid_request", err.Error())
			return true
		}
		http.Redirect(w, r, to, http.StatusFound)
	case "/token":
		p.exchange(w, r)
	default:
		return false
	}
	return true
}

// exchange answers a code.
func (p *People) exchange(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked := p.codes[r.PostFormValue("code")]
	delete(p.codes, r.PostFormValue("code"))
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if asked == nil || r.PostFormValue("client_id") != p.ClientID || r.PostFormValue("client_secret") != p.ClientSecret ||
		r.PostFormValue("redirect_uri") != asked.Get("redirect_uri") || encode(sum[:]) != asked.Get("code_challenge") {
		refuse(w, http.StatusBadRequest, "invalid_grant", "")
		return
	}
	claims := map[string]any{"nonce": asked.Get("nonce"), "client_id": nil}
	maps.Copy(claims, p.Says)
	token := p.IDToken
	if token == "" {
		var err error
		if token, err = p.key.Sign(p.Claims(time.Now(), p.ClientID, claims), nil); err != nil {
			refuse(w, http.StatusInternalServerError, "server_error", err.Error())
			return
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]string{"access_token": "canary-access-token", "token_type": "Bearer", "id_token": token})
}
