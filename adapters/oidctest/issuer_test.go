package oidctest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// password is that of all people.
const password = "what people type at the issuer"

// issuer is an OpenID provider of the library. People are in memory, as in the library's example; what
// it signs with, and what it may do wrong, is the test's.
type issuer struct {
	*storage.Storage
	url string

	mu      sync.Mutex
	clients map[string]client
	made    int // how many keys
	signs   *key
	shown   []*key // what the document of keys has
	nonce   string // takes the place of what the client asks for
	says    string // takes the place of url in documents and tokens
	asked   []*oidc.AuthRequest
}

// client is one that the issuer knows. Its access tokens are for an audience; for itself, if that is empty.
type client struct {
	*storage.Client
	audience string
}

func (client) AccessTokenType() op.AccessTokenType  { return op.AccessTokenTypeJWT }
func (client) IDTokenUserinfoClaimsAssertion() bool { return true }
func (client) IsScopeAllowed(scope string) bool     { return scope == "read" }
func (client) LoginURL(id string) string            { return "/login?" + url.Values{"id": {id}}.Encode() }

// key signs tokens.
type key struct {
	id      string
	private *ecdsa.PrivateKey
}

func (k *key) ID() string                                  { return k.id }
func (k *key) Key() any                                    { return k.private }
func (k *key) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.ES256 }

// shownKey is its public part.
type shownKey struct{ *key }

func (k shownKey) Key() any                           { return k.private.Public() }
func (k shownKey) Algorithm() jose.SignatureAlgorithm { return jose.ES256 }
func (k shownKey) Use() string                        { return "sig" }

// people are who can log in, and what the issuer says of each.
type people map[string]map[string]any

func (p people) GetUserByID(id string) *storage.User {
	if _, known := p[id]; !known {
		return nil
	}
	return &storage.User{ID: id, Username: id, Password: password}
}
func (p people) GetUserByUsername(name string) *storage.User { return p.GetUserByID(name) }
func (people) ExampleClientID() string                       { return "service" }

// someone returns who is known.
func someone() people {
	return people{
		"grace": {"groups": []string{"all", "operators"}},
		"ada":   {"tenant": "acme"},
		"bob":   {"tenant": "other"},
		"eve":   {"groups": []string{"all"}},
	}
}

// startIssuer starts an issuer.
func startIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{Storage: storage.NewStorageWithClients(someone(), nil), clients: make(map[string]client)}
	i.rotate(t)
	listening := httptest.NewUnstartedServer(nil)
	i.url = "http://" + listening.Listener.Addr().String()
	i.says = i.url
	provider, err := op.NewProvider(&op.Config{CodeMethodS256: true, AuthMethodPost: true, SupportedScopes: []string{"openid", "read"}}, i,
		func(bool) (op.IssuerFromRequest, error) { return func(*http.Request) string { return i.said() }, nil }, op.WithAllowInsecure())
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", provider)
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<form method=post>Who are you?</form>"))
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		id := r.FormValue("id")
		if err := i.CheckUsernamePassword(r.PostFormValue("name"), r.PostFormValue("password"), id); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		http.Redirect(w, r, i.url+"/authorize/callback?"+url.Values{"id": {id}}.Encode(), http.StatusFound)
	})
	listening.Config.Handler = mux
	listening.Start()
	t.Cleanup(listening.Close)
	return i
}

// set changes the issuer.
func (i *issuer) set(change func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change()
}

func (i *issuer) said() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.says
}

// rotate signs with a new key. Those before it stay in the document of keys until [issuer.forget].
func (i *issuer) rotate(t *testing.T) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i.set(func() {
		i.made++
		i.signs = &key{fmt.Sprintf("key %d", i.made), private}
		i.shown = append(i.shown, i.signs)
	})
}

// forget shows the key that signs, and none of those before it.
func (i *issuer) forget() { i.set(func() { i.shown = []*key{i.signs} }) }

// last returns the last request for a login.
func (i *issuer) last() *oidc.AuthRequest {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked[len(i.asked)-1]
}

// What follows takes the place of the example's.

func (i *issuer) SigningKey(context.Context) (op.SigningKey, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.signs, nil
}

func (i *issuer) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.ES256}, nil
}

func (i *issuer) KeySet(context.Context) ([]op.Key, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	var all []op.Key
	for _, k := range i.shown {
		all = append(all, shownKey{k})
	}
	return all, nil
}

func (i *issuer) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	c, known := i.clients[id]
	if !known {
		return nil, fmt.Errorf("there is no client %s", id)
	}
	return c, nil
}

func (i *issuer) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	if id != serverID || secret != serverSecret {
		return fmt.Errorf("the secret of the client %s is another one", id)
	}
	return nil
}

func (i *issuer) CreateAuthRequest(ctx context.Context, r *oidc.AuthRequest, user string) (op.AuthRequest, error) {
	i.set(func() { i.asked = append(i.asked, r) })
	return i.Storage.CreateAuthRequest(ctx, r, user)
}

// request is a login with an audience, and with the issuer's idea of its nonce.
type request struct {
	*storage.AuthRequest
	audience []string
	nonce    string
}

func (r request) GetAudience() []string { return slices.Clone(r.audience) }
func (r request) GetNonce() string      { return r.nonce }

func (i *issuer) AuthRequestByID(ctx context.Context, id string) (op.AuthRequest, error) {
	return i.request(i.Storage.AuthRequestByID(ctx, id))
}

func (i *issuer) AuthRequestByCode(ctx context.Context, code string) (op.AuthRequest, error) {
	return i.request(i.Storage.AuthRequestByCode(ctx, code))
}

func (i *issuer) request(r op.AuthRequest, err error) (op.AuthRequest, error) {
	if err != nil {
		return nil, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	kept, is := r.(*storage.AuthRequest)
	if !is {
		return nil, fmt.Errorf("the example keeps a %T", r)
	}
	made := request{AuthRequest: kept, audience: r.GetAudience(), nonce: r.GetNonce()}
	if audience := i.clients[r.GetClientID()].audience; audience != "" {
		made.audience = []string{audience}
	}
	if i.nonce != "" {
		made.nonce = i.nonce
	}
	return made, nil
}

// SetUserinfoFromRequest puts what is said of a person into an ID token.
func (i *issuer) SetUserinfoFromRequest(_ context.Context, info *oidc.UserInfo, r op.IDTokenRequest, _ []string) error {
	info.Subject = r.GetSubject()
	for name, value := range someone()[r.GetSubject()] {
		info.AppendClaims(name, value)
	}
	return nil
}

// GetPrivateClaimsFromScopes puts it into an access token, which has no scopes otherwise.
func (i *issuer) GetPrivateClaimsFromScopes(_ context.Context, user, _ string, scopes []string) (map[string]any, error) {
	claims := map[string]any{"scope": oidc.SpaceDelimitedArray(scopes)}
	for name, value := range someone()[user] {
		claims[name] = value
	}
	return claims, nil
}
