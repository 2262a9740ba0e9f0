package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/pdk/abi"
)

// browser follows the address of a login as a browser does, and may change the answer on
// its way. It returns what the listener says.
func browser(t *testing.T, address string, change func(*http.Request)) (status int) {
	t.Helper()
	client := &http.Client{CheckRedirect: func(req *http.Request, _ []*http.Request) error {
		if change != nil {
			change(req)
		}
		return nil
	}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Error(err)
		return 0
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

func (l *lab) login() LoginConfig {
	return LoginConfig{Client: l.client, Authorize: Endpoint{l.url + "/authorize?tenant=1", true}, Params: [][2]string{{"access_type", "offline"}}, Scopes: []string{"read", "write"}}
}

func query(r *http.Request, name, value string) {
	q := r.URL.Query()
	q.Set(name, value)
	r.URL.RawQuery = q.Encode()
}

func TestLogin(t *testing.T) {
	l := newLab(t, "")
	c := l.login()
	var address string
	c.Show = func(shown string) { address = shown; go browser(t, shown, nil) }
	token, err := Login(t.Context(), c)
	if err != nil || !l.works(t, token) || token.Refresh.IsZero() {
		t.Fatalf("got %v", err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	for name, want := range map[string]string{"response_type": "code", "client_id": "the id&", "scope": "read write", "code_challenge_method": "S256", "access_type": "offline", "tenant": "1"} {
		if q.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, q.Get(name), want)
		}
	}
	if len(q.Get("state")) != 43 || len(q.Get("code_challenge")) != 43 || !strings.HasPrefix(q.Get("redirect_uri"), "http://127.0.0.1:") || strings.Contains(address, canary) {
		t.Errorf("address %s", address)
	}
}

// What does not belong to the login changes nothing, and the login goes on: the honest
// answer is taken afterwards.
//
// threat: C5, N4
func TestForgedAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*http.Request)
		status int
	}{
		"another state":  {func(r *http.Request) { query(r, "state", "x") }, http.StatusBadRequest},
		"no state":       {func(r *http.Request) { query(r, "state", "") }, http.StatusBadRequest},
		"state twice":    {func(r *http.Request) { r.URL.RawQuery += "&state=x" }, http.StatusBadRequest},
		"another issuer": {func(r *http.Request) { query(r, "iss", "https://evil.example") }, http.StatusBadRequest},
		"no issuer":      {func(r *http.Request) { query(r, "iss", "") }, http.StatusBadRequest},
		"no code":        {func(r *http.Request) { query(r, "code", "") }, http.StatusBadRequest},
		"code and error": {func(r *http.Request) { query(r, "error", "x") }, http.StatusBadRequest},
		"a name for us":  {func(r *http.Request) { r.Host = "evil.example" }, http.StatusMisdirectedRequest},
		"localhost":      {func(r *http.Request) { r.Host = "localhost:" + r.URL.Port() }, http.StatusMisdirectedRequest},
		"another path":   {func(r *http.Request) { r.URL.Path = "/" }, http.StatusNotFound},
		"another method": {func(r *http.Request) { r.Method = http.MethodPost }, http.StatusMethodNotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, "")
			l.server.Issuer = "https://login.acme.example"
			c := l.login()
			c.Issuer = l.server.Issuer
			statuses := make(chan int, 3)
			c.Show = func(address string) {
				go func() {
					statuses <- browser(t, address, test.change)
					statuses <- browser(t, address, nil)
				}()
			}
			token, err := Login(t.Context(), c)
			if err != nil || !l.works(t, token) {
				t.Errorf("the honest answer: %v", err)
			}
			if forged, honest := <-statuses, <-statuses; forged != test.status || honest != http.StatusOK {
				t.Errorf("statuses %d and %d, want %d and 200", forged, honest, test.status)
			}
		})
	}
}

// threat: C5
func TestLoginRefused(t *testing.T) {
	l := newLab(t, "")
	c := l.login()
	c.Show = func(address string) {
		go browser(t, address, func(r *http.Request) { query(r, "code", ""); query(r, "error", "access_denied") })
	}
	_, err := Login(t.Context(), c)
	wantError(t, err, abi.KindAuthFailed, "was refused: access_denied", "allow the access")
	c.Show = func(address string) {
		go browser(t, address, func(r *http.Request) { query(r, "code", ""); query(r, "error", canary) })
	}
	_, err = Login(t.Context(), c)
	wantError(t, err, abi.KindAuthFailed, "was refused", "")
	// A code that somebody else got has another challenge.
	c.Show = func(address string) {
		go browser(t, address, func(r *http.Request) { query(r, "code", canary+"stolen") })
	}
	_, err = Login(t.Context(), c)
	wantError(t, err, abi.KindAuthFailed, "no longer accepts the login", "agenthost login")
	ctx, cancel := context.WithCancel(t.Context())
	c.Show = func(string) { cancel() }
	_, err = Login(ctx, c)
	wantError(t, err, abi.KindCancelled, "the login was cancelled", "browser")
}

// threat: C5
func TestLoginAddress(t *testing.T) {
	l := newLab(t, "")
	for _, test := range []struct {
		url      string
		operator bool
		message  string
	}{
		{"", true, "declares no login address"},
		{"http://login.acme.example/authorize", false, "does not start with https://"},
		{"http://login.acme.example/authorize", true, "does not start with https://"},
		{"http://127.0.0.1/authorize", false, "does not start with https://"},
		{"javascript:alert(1)", true, "not a URL"},
		{"file:///etc/passwd", true, "not a URL"},
		{"https://u:p@login.acme.example", true, "not a URL"},
		{"-x https://login.acme.example", true, "not a URL"},
	} {
		c := l.login()
		c.Authorize = Endpoint{test.url, test.operator}
		c.Show = func(address string) { t.Errorf("%s was shown", address) }
		_, err := Login(t.Context(), c)
		wantError(t, err, abi.KindInvalidParams, test.message, "")
	}
	c := l.login()
	c.Port = 70000
	_, err := Login(t.Context(), c)
	wantError(t, err, abi.KindInvalidParams, "cannot listen on port 70000 of this machine", "free one")
	c = l.login()
	c.Client = NewClient(Config{Connection: "crm", ClientID: secret.Value{}})
	if _, err := Login(t.Context(), LoginConfig{Client: c.Client}); !errors.As(err, new(*abi.Error)) {
		t.Errorf("got %v", err)
	}
}

func TestRevokeNeedsAnAddress(t *testing.T) {
	t.Parallel()
	l := newLab(t, "")
	l.client.config.Revoke = Endpoint{}
	wantError(t, l.client.Revoke(t.Context(), value(l.server.Seed())), abi.KindInvalidParams, "no address to revoke", "vendor's settings")
}
