package accesstoken_test

import (
	"context"
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/mcp/accesstoken"
	"github.com/agenthost/agenthost/internal/oauthsim"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TestDiscovery finds the metadata where issuers have it.
func TestDiscovery(t *testing.T) {
	for path, places := range map[string][]string{
		"":        {metadataPath, openIDPath},
		"/":       {metadataPath, openIDPath},
		"/acme":   {metadataPath + "/acme", openIDPath + "/acme", "/acme" + openIDPath},
		"/a/b/":   {metadataPath + "/a/b", openIDPath + "/a/b", "/a/b" + openIDPath},
		"/realms": {"/realms" + openIDPath},
	} {
		for _, place := range places {
			t.Run(path+" at "+place, func(t *testing.T) {
				l := newLab(t, func(i *oauthsim.Issuer, c *accesstoken.Config) {
					i.URL += path
					i.Metadata, c.Issuer = place, i.URL
				})
				if err := l.verifier.Ready(t.Context()); err != nil {
					t.Fatal(err)
				}
				l.wants(l.token(l.key, nil, nil), "ada", "", "")
				if n := l.issuer.Asked(keysPath); n != 1 {
					t.Errorf("the keys were read %d times", n)
				}
			})
		}
	}
}

// TestBadIssuers are issuers whose answers lead nowhere, or to somebody else.
//
// threat: N1, N6, N13
func TestBadIssuers(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s of another origin was asked for", r.URL)
	}))
	defer other.Close()
	at := func(path, body string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != path {
				return false
			}
			_, _ = w.Write([]byte(body))
			return true
		}
	}
	metadata := func(keys string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			return at(metadataPath, `{"issuer":"http://`+r.Host+`","jwks_uri":"`+keys+`"}`)(w, r)
		}
	}
	redirect := func(path, to string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == path {
				http.Redirect(w, r, to, http.StatusFound)
			}
			return r.URL.Path == path
		}
	}
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request) bool
		kind   abi.Kind
		says   string
	}{
		"no metadata":                  {func(w http.ResponseWriter, r *http.Request) bool { http.NotFound(w, r); return true }, abi.KindVendorError, "no metadata"},
		"an issuer that is ill":        {func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(503); return true }, abi.KindVendorError, "status"},
		"metadata of another":          {at(metadataPath, `{"issuer":"https://evil.example.com","jwks_uri":"https://evil.example.com/keys"}`), abi.KindVendorError, "another issuer"},
		"metadata that is a page":      {at(metadataPath, `<html>`), abi.KindVendorError, "not JSON"},
		"an issuer that is said twice": {at(metadataPath, `{"issuer":"x","issuer":"x"}`), abi.KindVendorError, "not JSON"},
		"the issuer in capitals":       {at(metadataPath, `{"ISSUER":"x"}`), abi.KindVendorError, "another issuer"},
		"no place of keys":             {metadata(""), abi.KindVendorError, "no usable address"},
		"keys in a file":               {metadata("file:///etc/passwd"), abi.KindVendorError, "no usable address"},
		"keys over plain http":         {metadata(other.URL), abi.KindVendorError, "no usable address"},
		"keys at a private address":    {metadata("https://" + strings.TrimPrefix(other.URL, "http://")), abi.KindDenied, "cannot read the keys of the issuer"},
		"keys at the cloud's own":      {metadata("https://169.254.169.254/latest/meta-data"), abi.KindDenied, "cannot read the keys of the issuer"},
		"keys by a name of an inside":  {metadata("https://inside.example.com/keys"), abi.KindDenied, "cannot read the keys of the issuer"},
		"keys with a user":             {metadata("https://ada@login.example.com"), abi.KindVendorError, "no usable address"},
		"redirected metadata":          {redirect(metadataPath, other.URL), abi.KindDenied, "cannot read the metadata of the issuer"},
		"metadata redirected inside":   {redirect(metadataPath, keysPath), abi.KindDenied, "cannot read the metadata of the issuer"},
		"redirected keys":              {redirect(keysPath, other.URL), abi.KindDenied, "cannot read the keys of the issuer"},
		"huge keys":                    {at(keysPath, `{"keys":["`+strings.Repeat("a", 256<<10)+`"]}`), abi.KindLimitExceeded, "cannot read the keys of the issuer"},
		"keys that never come":         {func(_ http.ResponseWriter, r *http.Request) bool { return r.URL.Path == keysPath && wait(r, stop) }, abi.KindTimeout, "cannot read the keys of the issuer"},
		"no keys there":                {redirectNowhere, abi.KindVendorError, "no keys at the address"},
		"keys that are no keys":        {at(keysPath, `[]`), abi.KindVendorError, "not JSON"},
		"an empty set":                 {at(keysPath, `{"keys":[]}`), abi.KindVendorError, "no key for signatures"},
		"a secret key":                 {at(keysPath, `{"keys":[{"kty":"oct","kid":"k1","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"}]}`), abi.KindVendorError, "no key for signatures"},
		"a short RSA key":              {at(keysPath, `{"keys":[{"kty":"RSA","kid":"k1","e":"AQAB","n":"`+strings.Repeat("_", 171)+`"}]}`), abi.KindVendorError, "no key for signatures"},
		"a point that is on no curve":  {at(keysPath, `{"keys":[{"kty":"EC","crv":"P-256","kid":"k1","x":"`+strings.Repeat("A", 43)+`","y":"`+strings.Repeat("A", 43)+`"}]}`), abi.KindVendorError, "no key for signatures"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, func(i *oauthsim.Issuer, config *accesstoken.Config) {
				i.Answer = c.answer
				config.Resolver = inside{}
				if c.kind == abi.KindTimeout {
					config.Timeout = 50 * time.Millisecond
				}
			})
			wantError(t, l.verifier.Ready(t.Context()), c.kind, c.says)
			l.wants(l.token(l.key, nil, nil), "", c.kind, c.says)
		})
	}
}

// inside says that every name is that of a private address.
type inside struct{}

func (inside) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr("10.0.0.1")}, nil
}

var _ seams.Resolver = inside{}

func redirectNowhere(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Path == keysPath {
		http.NotFound(w, r)
	}
	return r.URL.Path == keysPath
}

func wait(r *http.Request, stop chan struct{}) bool {
	select {
	case <-r.Context().Done():
	case <-stop:
	}
	return true
}

// TestOneOfTheKeys: what is not understood in a set takes nothing from the rest.
func TestOneOfTheKeys(t *testing.T) {
	l := newLab(t, nil)
	jwk := l.key.JWK()
	l.issuer.Answer = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == keysPath {
			_, _ = w.Write([]byte(`{"keys":[{"kty":"XYZ"},7,{"kty":"RSA"},{"kty":"EC","use":"enc","crv":"P-256","kid":"k1","x":"` + jwk["x"] + `","y":"` + jwk["y"] + `"},` +
				`{"kty":"EC","crv":"P-256","kid":"k1","x":"` + jwk["x"] + `","y":"` + jwk["y"] + `","new":{}}]}`))
		}
		return r.URL.Path == keysPath
	}
	l.wants(l.token(l.key, nil, nil), "ada", "", "")
}

// TestNewKeys: an issuer changes its keys, and withdraws old ones.
func TestNewKeys(t *testing.T) {
	l := newLab(t, nil)
	l.wants(l.token(l.key, nil, nil), "ada", "", "")
	next := newKey(t, "k2", "RS256")
	l.issuer.Publish(l.key, next)
	l.wants(l.token(next, nil, nil), "", abi.KindAuthFailed, "not among") // just read
	l.clock.Add(31 * time.Second)
	l.wants(l.token(next, nil, nil), "ada", "", "")
	l.issuer.Publish(next)
	l.wants(l.token(l.key, nil, nil), "ada", "", "")
	l.clock.Add(61 * time.Minute)
	l.wants(l.token(l.key, nil, nil), "", abi.KindAuthFailed, "not among")
	// While the issuer is away, what is known is good for a day.
	l.issuer.Answer = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(500); return true }
	l.clock.Add(23 * time.Hour)
	l.wants(l.token(next, nil, nil), "ada", "", "")
	l.wants(l.token(l.key, nil, nil), "", abi.KindVendorError, "status")
	l.clock.Add(2 * time.Hour)
	l.wants(l.token(next, nil, nil), "", abi.KindVendorError, "status")
	l.issuer.Answer = nil
	l.clock.Add(time.Minute)
	l.wants(l.token(next, nil, nil), "ada", "", "")
}

// TestMadeUpKeys: tokens with names of keys that nobody has do not make the server ask the
// issuer again and again, and hold up nobody whose token is good.
//
// threat: N17
func TestMadeUpKeys(t *testing.T) {
	l := newLab(t, nil)
	good := l.token(l.key, nil, nil)
	l.wants(good, "ada", "", "")
	const flood = 200
	var group sync.WaitGroup
	for i := range flood {
		bad := l.token(l.key, nil, map[string]any{"kid": strconv.Itoa(i)})
		group.Go(func() {
			_, err := l.verifier.Verify(t.Context(), bad)
			wantError(t, err, abi.KindAuthFailed, "not among")
		})
		group.Go(func() { l.wants(good, "ada", "", "") })
	}
	group.Wait()
	if n := l.issuer.Asked(keysPath); n != 1 {
		t.Errorf("%d tokens in one moment made %d requests", flood, n)
	}
	for i := range 10 {
		l.clock.Add(20 * time.Second)
		l.wants(l.token(l.key, nil, map[string]any{"kid": strconv.Itoa(i)}), "", abi.KindAuthFailed, "not among")
	}
	if n := l.issuer.Asked(keysPath); n != 6 {
		t.Errorf("the issuer was asked %d times in 200 seconds", n)
	}
	// A token of another issuer makes nobody ask for anything.
	l.clock.Add(time.Minute)
	l.wants(l.token(l.key, map[string]any{"iss": anotherIssuer}, map[string]any{"kid": "x"}), "", abi.KindAuthFailed, "another issuer")
	if n := l.issuer.Asked(keysPath); n != 6 {
		t.Errorf("the issuer was asked for the keys of another")
	}
}

// TestCallersWhoGiveUp keep nobody from new keys.
func TestCallersWhoGiveUp(t *testing.T) {
	arrived, answer := make(chan struct{}), make(chan struct{})
	l := newLab(t, func(i *oauthsim.Issuer, _ *accesstoken.Config) {
		i.Answer = func(_ http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == keysPath {
				arrived <- struct{}{}
				<-answer
			}
			return false
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	token := l.token(l.key, nil, nil)
	ended := make(chan error, 1)
	go func() {
		_, err := l.verifier.Verify(ctx, token)
		ended <- err
	}()
	<-arrived
	cancel()
	_, err := l.verifier.Verify(ctx, token) // waits for the other, and gives up
	wantError(t, err, abi.KindCancelled, "canceled")
	close(answer)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	l.wants(token, "ada", "", "")
	if n := l.issuer.Asked(keysPath); n != 1 {
		t.Errorf("the keys were read %d times", n)
	}
}

// TestIssuerOverTLS: who the issuer is, is said by an authority that is trusted.
func TestIssuerOverTLS(t *testing.T) {
	issuer := &oauthsim.Issuer{Metadata: metadataPath, Keys: keysPath}
	server := httptest.NewUnstartedServer(issuer)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of the client that hangs up
	server.StartTLS()
	t.Cleanup(server.Close)
	issuer.URL, issuer.KeysURL = server.URL, server.URL+keysPath
	issuer.Publish(newKey(t, "k1", "ES256"))
	trusted := x509.NewCertPool()
	trusted.AddCert(server.Certificate())
	for roots, kind := range map[*x509.CertPool]abi.Kind{trusted: "", x509.NewCertPool(): abi.KindNetwork} {
		v, err := accesstoken.New(accesstoken.Config{Issuer: server.URL, Audience: audience, Seams: seams.Seams{RootCAs: roots}})
		if err != nil {
			t.Fatal(err)
		}
		wantError(t, v.Ready(t.Context()), kind, "cannot read the metadata of the issuer")
	}
}
