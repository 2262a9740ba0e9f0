package oauth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential/oauth"
	"github.com/agenthost/agenthost/internal/oauthsim"
	"github.com/agenthost/agenthost/pdk/abi"
)

// acme starts an authorization server and returns a client of it.
func acme() (client *oauth.Client, url string, stop func()) {
	server := httptest.NewServer(&oauthsim.Server{ClientID: "crm", ClientSecret: "secret-0123456789", Lifetime: time.Hour})
	return oauth.NewClient(oauth.Config{
		Connection:   "crm",
		Token:        oauth.Endpoint{URL: server.URL + "/token", Operator: true},
		ClientID:     secret.New([]byte("crm")),
		ClientSecret: secret.New([]byte("secret-0123456789")),
	}), server.URL, server.Close
}

func ExampleLogin() {
	client, url, stop := acme()
	defer stop()
	token, err := oauth.Login(context.Background(), oauth.LoginConfig{
		Client:    client,
		Authorize: oauth.Endpoint{URL: url + "/authorize", Operator: true},
		Scopes:    []string{"read"},
		// A person opens the address in a browser; here, a program does.
		Show: func(address string) {
			go func() {
				if response, err := http.Get(address); err == nil {
					_ = response.Body.Close()
				}
			}()
		},
	})
	fmt.Println(token.Access, token.Usable(time.Now()), err)
	// Output: [redacted] true <nil>
}

func ExampleClient_Refresh() {
	client, _, stop := acme()
	defer stop()
	_, err := client.Refresh(context.Background(), secret.New([]byte("expired-0123456789")), nil)
	if e, ok := errors.AsType[*abi.Error](err); ok {
		fmt.Println(e.Kind, e.Code)
		fmt.Println(e.Hint)
	}
	// Output:
	// auth_failed invalid_grant
	// agenthost login crm
}
