// Package oauth gets, refreshes and revokes OAuth 2.0 tokens (RFC 6749, RFC 7009) for
// connections, and logs a person in with a browser (RFC 7636, RFC 8252, RFC 9207).
//
// Its requests go through internal/egress to endpoints of the connector or the operator. A
// [Client] talks to the authorization server, a [Source] hands out access tokens and uses each
// refresh token once, and [Login] logs a person in.
package oauth

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/authfield"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Config says where an authorization server is, and which client we are.
type Config struct {
	// Connection is the connection's name, for errors.
	Connection string
	// Token issues tokens, Revoke revokes them; the URL of the latter may be empty.
	Token, Revoke Endpoint
	// ClientAuth and BodyFormat are as in [abi.OAuth2].
	ClientAuth, BodyFormat string
	// Server is what an answer names besides a token; nil if it names nothing.
	Server                 *abi.TokenServer
	ClientID, ClientSecret secret.Value
	// ServiceAccount and PrivateKey are the fields credentials_json and private_key of a scheme
	// whose client signs; one is enough.
	ServiceAccount, PrivateKey secret.Value
	// HTTP has the limits, the seams and further hidden secrets of the client that sends. Its
	// servers and credentials are ignored.
	HTTP egress.Config
}

// Endpoint is an endpoint of an authorization server.
type Endpoint struct {
	URL string
	// Operator says that the operator named it. Only then may it be plain http or at a
	// private address.
	Operator bool
}

// Client speaks to one authorization server. It may be used by several goroutines.
type Client struct{ config Config }

// NewClient returns a Client. It checks the configuration when it sends.
func NewClient(c Config) *Client {
	c.HTTP.Seams = c.HTTP.Seams.WithDefaults()
	return &Client{c}
}

// param is a plain or secret parameter of a request.
type param struct {
	name   string
	plain  string
	secret secret.Value
}

// post sends a form to an endpoint and returns the answer, of any status. The caller clears
// its body.
func (c *Client) post(ctx context.Context, endpoint Endpoint, params []param) (*egress.Response, error) {
	u, err := url.Parse(endpoint.URL)
	if err != nil || u.Host == "" {
		return nil, &abi.Error{Kind: abi.KindInvalidParams, Field: "connections." + c.config.Connection + ".oauth", Message: "the endpoint of the authorization server is not a URL", Hint: "write it like https://login.example.com/oauth/token"}
	}
	origin, path := u.Scheme+"://"+u.Host, u.EscapedPath()
	path = cmp.Or(path, "/")
	params = append(params, c.identify()...)
	client, err := c.sender(origin, endpoint.Operator, params)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	encode, contentType := form, "application/x-www-form-urlencoded"
	if c.config.BodyFormat == "json" && endpoint == c.config.Token {
		encode, contentType = object, "application/json"
	}
	body, err := encode(params)
	if err != nil {
		return nil, err
	}
	defer clear(body)
	resp, err := client.Send(ctx, egress.Scope{
		Requests: []abi.RequestTemplate{{Method: "POST", Path: path}},
		Budget:   egress.NewBudget(4, 1<<20, maxAnswer),
	}, &abi.Request{Method: "POST", Path: path, Headers: [][2]string{{"Content-Type", contentType}}}, body)
	if err != nil {
		return nil, c.unanswered(err)
	}
	return resp, nil
}

// maxAnswer is the size of the largest answer of a token endpoint, in bytes.
const maxAnswer = 1 << 20

// identify returns the parameters that identify the client in the body.
func (c *Client) identify() []param {
	id := param{name: authfield.ClientID, secret: c.config.ClientID}
	switch c.config.ClientAuth {
	case abi.ClientAuthPost:
		return []param{id, {name: authfield.ClientSecret, secret: c.config.ClientSecret}}
	case abi.ClientAuthNone:
		if c.signs() { // and the signature says who does
			return nil
		}
		return []param{id}
	}
	return nil
}

// sender returns an HTTP client for a request to an origin. It authenticates if that is done in
// a header, and redacts the request's secrets in the answer.
func (c *Client) sender(origin string, operator bool, params []param) (*egress.Client, error) {
	e := c.config.HTTP.At("oauth", origin, operator)
	e.Hidden, e.RawBody = c.secrets(params), true
	basic := c.config.ClientAuth == "" || c.config.ClientAuth == abi.ClientAuthBasic
	if basic && !(c.config.ClientID.IsZero() && c.config.ClientSecret.IsZero()) {
		// Both are form-encoded first: RFC 6749, section 2.3.1.
		id, err := escaped(c.config.ClientID)
		if err != nil {
			return nil, err
		}
		password, err := escaped(c.config.ClientSecret)
		if err != nil {
			return nil, err
		}
		e.Auth = &abi.AuthScheme{
			ID: "oauth", Type: abi.AuthBasic, Origins: []string{e.Servers[0].URL},
			Fields: []abi.AuthField{{Name: authfield.ClientID, Required: true}, {Name: authfield.ClientSecret, Secret: true, Required: true}},
			Basic:  &abi.Basic{Username: "{" + authfield.ClientID + "}", Password: "{" + authfield.ClientSecret + "}"},
		}
		e.Credentials = map[string]secret.Value{authfield.ClientID: id, authfield.ClientSecret: password}
	}
	return egress.New(e)
}

func escaped(v secret.Value) (escaped secret.Value, err error) {
	err = v.Reveal(func(b []byte) error {
		escaped = secret.New([]byte(url.QueryEscape(string(b))))
		return nil
	})
	return escaped, err
}

// form returns the body of a request. The caller clears it.
func form(params []param) ([]byte, error) {
	var body bytes.Buffer
	for _, p := range params {
		if p.plain == "" && p.secret.IsZero() {
			continue
		}
		if body.Len() > 0 {
			body.WriteByte('&')
		}
		body.WriteString(p.name + "=" + url.QueryEscape(p.plain))
		if err := p.secret.Reveal(func(b []byte) error {
			body.WriteString(url.QueryEscape(string(b)))
			return nil
		}); err != nil {
			return nil, fmt.Errorf("form: %w", err)
		}
	}
	return body.Bytes(), nil
}

// object returns the body of a request as a JSON object of texts. The caller clears it.
func object(params []param) ([]byte, error) {
	body := []byte{'{'}
	for _, p := range params {
		if p.plain == "" && p.secret.IsZero() {
			continue
		}
		if err := p.secret.Reveal(func(b []byte) error {
			text := p.plain
			if !p.secret.IsZero() {
				text = string(b)
			}
			quoted, err := json.Marshal(text)
			if len(body) > 1 {
				body = append(body, ',')
			}
			body = append(append(append(append(body, '"'), p.name...), `":`...), quoted...)
			clear(quoted)
			return err
		}); err != nil {
			return nil, fmt.Errorf("object: %w", err)
		}
	}
	return append(body, '}'), nil
}

// secrets returns the secrets of a request, and those that the server knows from before, to redact
// them in its answer.
func (c *Client) secrets(params []param) []secret.Value {
	values := append([]secret.Value{c.config.ClientSecret}, c.config.HTTP.Hidden...)
	for _, p := range params {
		if p.name != authfield.ClientID { // is public
			values = append(values, p.secret)
		}
	}
	return values
}
