package client

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// tokenField is the token's name in the scheme below.
const tokenField = "access_token"

// bearer is how a token is sent, and to which origin only: the service's, or the one
// that the operator put in its place.
var bearer = &abi.AuthScheme{
	ID:      "airbyte",
	Type:    abi.AuthBearer,
	Fields:  []abi.AuthField{{Name: tokenField, Secret: true, Required: true}},
	Inject:  []abi.Injection{{In: abi.InHeader, Name: "Authorization", Value: "Bearer {" + tokenField + "}"}},
	Origins: []string{airbyteapi.DefaultBaseURL},
}

const (
	// defaultLifetime is that of a token of which the service does not say it: its
	// tokens lived 15 minutes in 2026.
	defaultLifetime = 15 * time.Minute
	// margin is how long before its end a token is not used any more, so that it does
	// not end on the way.
	margin = time.Minute
)

// session is a token in use.
type session struct {
	token       secret.Value
	application *application   // that the service gave it to
	client      *egress.Client // sends it
	until       time.Time
}

// tokens keeps one token for all calls.
type tokens struct {
	client  *Client
	mu      sync.Mutex
	current *session
	asked   flights[struct{}, *session]
}

// get returns a token that is valid as far as is known. Calls that find none wait for
// one request together.
func (t *tokens) get(ctx context.Context) (*session, error) {
	if s := t.valid(); s != nil {
		return s, nil
	}
	return t.asked.do(ctx, t.client, struct{}{}, func(ctx context.Context) (*session, error) {
		// The one before may have ended between the look and the question.
		if s := t.valid(); s != nil {
			return s, nil
		}
		s, err := t.client.requestToken(ctx)
		if err != nil {
			return nil, err
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		t.current = s
		return s, nil
	})
}

func (t *tokens) valid() *session {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current != nil && t.client.config.Now().Before(t.current.until) {
		return t.current
	}
	return nil
}

// drop forgets a token that the service refused, unless a newer one has replaced it.
func (t *tokens) drop(s *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current == s {
		t.current = nil
	}
}

// requestToken gets a token for the application, and asks once more where the service does
// not know its client id and secret, and others are found in their place.
func (c *Client) requestToken(ctx context.Context) (*session, error) {
	known, err := c.application.Get(ctx)
	if err != nil {
		return nil, unsent(err)
	}
	if c.config.Planning {
		return c.session(known, egress.Placeholder(tokenField), c.config.Now().Add(defaultLifetime))
	}
	s, err := c.exchange(ctx, known)
	if err == nil || !mayBeUnknown(fault.Of(err).Status) {
		return s, err
	}
	renewed, readErr := c.application.Renew(ctx, known)
	switch {
	case readErr != nil:
		return nil, unsent(readErr)
	case renewed == known:
		return nil, err
	}
	return c.exchange(ctx, renewed)
}

// exchange exchanges a client id and secret for a token.
func (c *Client) exchange(ctx context.Context, a *application) (*session, error) {
	body, err := a.tokenBody()
	if err != nil {
		return nil, err
	}
	asked := c.config.Now()
	resp, err := a.client.Send(ctx, egress.Scope{
		Requests: []abi.RequestTemplate{{Method: http.MethodPost, Path: airbyteapi.TokenPath}},
		Retry:    true, Reads: true, // a token more does no harm
		Budget: ownBudget(),
	}, &abi.Request{Method: http.MethodPost, Path: airbyteapi.TokenPath, Headers: c.headers()}, body)
	if err != nil {
		return nil, unsent(err)
	}
	if resp.Status/100 != 2 {
		return nil, c.tokenRefused(resp)
	}
	var answer airbyteapi.Token
	if err := json.Unmarshal(resp.Body, &answer); err != nil || answer.AccessToken == "" {
		return nil, &abi.Error{Kind: abi.KindVendorError, Message: "the Airbyte API answered the request for an access token without one", Hint: baseURLHint}
	}
	return c.session(a, secret.New([]byte(answer.AccessToken)), asked.Add(lifetime(answer.ExpiresIn)))
}

// session is the use of a token.
func (c *Client) session(a *application, token secret.Value, until time.Time) (*session, error) {
	client, err := egress.New(c.egress(a, token))
	return &session{token, a, client, until}, err
}

// lifetime is how long a token is used.
func lifetime(expiresIn float64) time.Duration {
	const most = 24 * time.Hour
	life := defaultLifetime
	if expiresIn > 0 {
		life = time.Duration(min(expiresIn, most.Seconds()) * float64(time.Second))
	}
	return life - min(margin, life/4)
}

// mayBeUnknown reports whether a status of the answer to a request for a token may mean that
// the service does not know the client id and secret. It has been seen to answer 500 so.
func mayBeUnknown(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusUnprocessableEntity, http.StatusInternalServerError:
		return true
	}
	return false
}

// tokenRefused is the error of an answer to a request for a token. The service has done
// nothing yet, so that nothing was sent as far as the caller's operation is concerned.
func (c *Client) tokenRefused(resp *egress.Response) error {
	e := c.refused(resp, "")
	e.RequestSent = false
	switch resp.Status {
	case http.StatusNotFound:
		e.Kind, e.Hint = abi.KindVendorError, baseURLHint
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusUnprocessableEntity:
		e.Kind, e.Field = abi.KindAuthFailed, "client_secret"
		e.Message = "the Airbyte API does not know this client id and secret: " + e.Message
		e.Hint = "check client_id and client_secret under the connection's airbyte: they are those of an application in the Airbyte settings"
	case http.StatusInternalServerError:
		e.Hint = "try again; the service has been seen to answer so to a wrong client secret as well"
	}
	return e
}

// unsent says of an error that the caller's own request was not sent.
func unsent(err error) error {
	e := fault.Of(err)
	e.RequestSent = false
	return e
}
