package credential

import (
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/wiresim"
	"github.com/agenthost/agenthost/pdk/abi"
)

func own(pairs ...string) map[string]secret.Value {
	values := make(map[string]secret.Value)
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = value(pairs[i+1])
	}
	return values
}

// TestOnceSends: a call's own values take the place of the connection's, and the connection's
// sources are read only for the fields that are left.
func TestOnceSends(t *testing.T) {
	t.Parallel()
	client := map[string]string{"client_id": "corp:id", "client_secret": "corp:secret"}
	for name, test := range map[string]struct {
		settings config.Connection
		schemes  []abi.AuthScheme
		own      map[string]secret.Value
		sent     string
		reads    string
	}{
		"a replaced field": {
			config.Connection{Credentials: map[string]string{"api_token": "corp:pylon"}}, []abi.AuthScheme{bearer()},
			own("api_token", "token-of-the-call"), "GET /me Bearer token-of-the-call", "",
		},
		"a field beside": {
			config.Connection{Credentials: map[string]string{"api_token": "corp:pylon"}}, []abi.AuthScheme{bearer()},
			own("team", "7"), "GET /me Bearer token-of-the-connection", "pylon",
		},
		"of a secret that the program holds": {
			config.Connection{Secrets: own("api_token", "held-0123456789")}, []abi.AuthScheme{bearer()},
			own("api_token", "token-of-the-call"), "GET /me Bearer token-of-the-call", "",
		},
		"a connection without credentials": {
			config.Connection{}, []abi.AuthScheme{oauthScheme(abi.GrantRefreshToken), bearer()},
			own("api_token", "token-of-the-call"), "GET /me Bearer token-of-the-call", "",
		},
		"an access token": {
			config.Connection{Credentials: client}, []abi.AuthScheme{oauthScheme(abi.GrantRefreshToken)},
			own("access_token", "access-of-the-call"), "GET /me Bearer access-of-the-call", "id",
		},
		"an access token, of a connection without credentials": {
			config.Connection{}, []abi.AuthScheme{oauthScheme(abi.GrantRefreshToken)},
			own("access_token", "access-of-the-call"), "GET /me Bearer access-of-the-call", "",
		},
		"another client": {
			config.Connection{Credentials: client}, []abi.AuthScheme{oauthScheme(abi.GrantClientCredentials)},
			own("client_secret", "secret-of-the-call"), "POST /token  client_credentials read\nGET /me Bearer access-token-0123456789", "id",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			c := l.connection(test.settings, test.schemes...)
			once, err := c.Once(t.Context(), test.own)
			if err != nil {
				t.Fatal(err)
			}
			defer once.Close()
			resp, err := me(t.Context(), once)
			if err != nil {
				t.Fatal(err)
			}
			if got := l.vendor.requests(); got != test.sent {
				t.Errorf("sent %q, want %q", got, test.sent)
			}
			if got := strings.Join(l.corp.reads, " "); got != test.reads {
				t.Errorf("read %q, want %q", got, test.reads)
			}
			if string(resp.Body) != `{"you":"Bearer [redacted]"}` {
				t.Errorf("the answer holds the credential: %s", resp.Body)
			}
			if c.lease.Held() != nil || c.tokens != nil {
				t.Error("the connection holds something of the call")
			}
			if _, err := os.Stat(l.store.options.Secrets.Tokens); err == nil {
				t.Error("the call wrote a token file")
			}
		})
	}
}

func TestOnceRefuses(t *testing.T) {
	t.Parallel()
	token := config.Connection{Credentials: map[string]string{"api_token": "corp:pylon"}}
	client := config.Connection{Credentials: map[string]string{"client_id": "corp:id", "client_secret": "corp:secret"}}
	for name, test := range map[string]struct {
		settings    config.Connection
		schemes     []abi.AuthScheme
		own         map[string]secret.Value
		kind        abi.Kind
		field, says string
	}{
		"an unknown field":       {token, []abi.AuthScheme{bearer()}, own("api_tokn", "x"), abi.KindInvalidParams, "credentials.api_tokn", "did you mean api_token?"},
		"a field of another":     {token, []abi.AuthScheme{bearer(), oauthScheme(abi.GrantClientCredentials)}, own("client_id", "x"), abi.KindInvalidParams, "credentials.client_id", "takes no credential client_id"},
		"an access token of no":  {token, []abi.AuthScheme{bearer()}, own("access_token", "x"), abi.KindInvalidParams, "credentials.access_token", "takes no credential access_token"},
		"an empty value":         {token, []abi.AuthScheme{bearer()}, own("api_token", ""), abi.KindInvalidParams, "credentials.api_token", "is empty"},
		"a missing field":        {config.Connection{}, []abi.AuthScheme{bearer()}, own("team", "7"), abi.KindAuthFailed, "credentials.api_token", "the call has no credential api_token"},
		"fields of two":          {config.Connection{}, []abi.AuthScheme{bearer(), oauthScheme(abi.GrantClientCredentials)}, own("api_token", "x", "client_id", "y", "client_secret", "z"), abi.KindInvalidParams, "credentials", "more than one scheme"},
		"a refresh token":        {client, []abi.AuthScheme{oauthScheme(abi.GrantRefreshToken)}, own("refresh_token", "x"), abi.KindInvalidParams, "credentials.access_token", "would be lost"},
		"what cannot be sent":    {token, []abi.AuthScheme{bearer()}, own("api_token", "a\r\nb"), abi.KindAuthFailed, "credentials.api_token", ""},
		"a wrong connection too": {config.Connection{Credentials: map[string]string{"nothing": "corp:pylon"}}, []abi.AuthScheme{bearer()}, own("api_token", "x"), abi.KindInvalidParams, "connections.lab.credentials.nothing", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			_, err := l.connection(test.settings, test.schemes...).Once(t.Context(), test.own)
			wantError(t, err, test.kind, test.field, test.says)
			if got := l.vendor.requests(); got != "" {
				t.Errorf("sent %s", got)
			}
		})
	}
}

// TestOnceKeepsNoConnection: a call with its own credential uses no connection to the vendor
// that another call opened, and leaves none behind.
func TestOnceKeepsNoConnection(t *testing.T) {
	t.Parallel()
	for name, h2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			server := newVendor(t)
			var mu sync.Mutex
			open, opened := make(map[net.Conn]bool), 0
			closed := sync.NewCond(&mu)
			server.Config.ConnState = func(conn net.Conn, state http.ConnState) {
				mu.Lock()
				defer mu.Unlock()
				switch state {
				case http.StateNew:
					open[conn], opened = true, opened+1
				case http.StateClosed:
					delete(open, conn)
					closed.Broadcast()
				}
			}
			server.EnableHTTP2, server.TLS = h2, &tls.Config{}
			server.StartTLS()
			t.Cleanup(server.Close)
			file := t.TempDir() + "/ca.pem"
			if err := os.WriteFile(file, wiresim.PEM(server.TLS.Certificates[0]), 0o600); err != nil {
				t.Fatal(err)
			}
			l.vendor.URL = server.URL
			c := l.connection(config.Connection{Credentials: map[string]string{"api_token": "corp:pylon"}, TLS: &config.TLS{CAFile: file}}, bearer())
			client, err := c.Client(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := me(t.Context(), client); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				once, err := c.Once(t.Context(), own("api_token", "token-of-the-call"))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := me(t.Context(), once); err != nil {
					t.Fatal(err)
				}
				once.Close()
			}
			if _, err := me(t.Context(), client); err != nil {
				t.Fatal(err)
			}
			mu.Lock()
			defer mu.Unlock()
			for len(open) > 1 {
				closed.Wait()
			}
			server.mu.Lock()
			defer server.mu.Unlock()
			if from := server.from; opened != 3 || from[0] != from[3] || from[0] == from[1] || from[0] == from[2] || from[1] == from[2] {
				t.Errorf("%d connections were opened, requests came from %q: one connection for the first and the last, and one for each call are meant", opened, from)
			}
		})
	}
}
