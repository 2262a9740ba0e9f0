package accesstoken_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/agenthost/agenthost/host/mcp/accesstoken"
	"github.com/agenthost/agenthost/internal/oauthsim"
)

// A token says who calls if the issuer signed it for this server, and not otherwise.
func ExampleVerifier_Verify() {
	issuer := &oauthsim.Issuer{Metadata: "/.well-known/openid-configuration", Keys: "/keys"}
	server := httptest.NewServer(issuer)
	defer server.Close()
	issuer.URL = server.URL
	key, err := oauthsim.NewKey("k1", "ES256")
	if err != nil {
		fmt.Println(err)
		return
	}
	issuer.Publish(key)

	v, err := accesstoken.New(accesstoken.Config{Issuer: issuer.URL, Audience: "https://mcp.example.com"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, audience := range []string{"https://mcp.example.com", "https://another.example.com"} {
		token, err := key.Sign(issuer.Claims(time.Now(), audience, nil), nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		caller, err := v.Verify(context.Background(), token)
		fmt.Println(caller == issuer.URL+"#ada", err)
	}
	// Output:
	// true <nil>
	// false auth_failed: the token is not for this server
}

// Keys that came over plain http could be anybody's.
func ExampleNew_refused() {
	_, err := accesstoken.New(accesstoken.Config{Issuer: "http://login.example.com", Audience: "https://mcp.example.com"})
	fmt.Println(err)
	// Output: invalid_params: the issuer's URL does not start with https://
}
