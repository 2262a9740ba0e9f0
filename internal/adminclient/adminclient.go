// Package adminclient is a client of the operators' API of agenthost serve: over the local socket of
// a server on this machine, over the network, or of a server in this process.
package adminclient

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// Config says how to reach a server.
type Config struct {
	// Server is the origin of the server, such as https://agents.example.com. Empty means that
	// Dial leads to it.
	Server string
	// Token is an operator's token; not needed with Dial.
	Token secret.Value
	// Dial connects to a server of this machine.
	Dial func(ctx context.Context) (net.Conn, error)
	// Proxy is the operator's proxy, for Server only.
	Proxy  *egress.Proxy
	Logger hclog.Logger
	// Seams are the network and the clock.
	seams.Seams
}

// Client sends requests to one server. It is safe for concurrent use.
type Client struct{ http *egress.Client }

// serverID names the server in errors.
const serverID = "server"

const tokenField = "token"

// bearer is how a token is sent, and to which origin only.
func bearer(origin string) *abi.AuthScheme {
	return &abi.AuthScheme{
		ID: "operator", Type: abi.AuthBearer, Origins: []string{origin},
		Fields: []abi.AuthField{{Name: tokenField, Secret: true, Required: true}},
		Inject: []abi.Injection{{In: abi.InHeader, Name: "Authorization", Value: "Bearer {" + tokenField + "}"}},
	}
}

const (
	maxRequest = adminapi.MaxModule
	maxAnswer  = 16 << 20
)

// New returns a client. It connects to nothing yet.
//
// # Errors
//
// An *[abi.Error] of kind invalid_params for a server that is no origin.
func New(c Config) (*Client, error) {
	e := egress.Config{
		Limits: egress.Limits{RequestBody: maxRequest, ResponseBody: maxAnswer}, Retry: egress.Retry{Attempts: 1},
		Logger: c.Logger, Seams: c.Seams, Proxy: c.Proxy, RawBody: true,
	}
	origin := c.Server
	if c.Dial != nil {
		origin, e.Proxy = "http://127.0.0.1", nil
		e.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) { return c.Dial(ctx) }
	}
	e = e.At(serverID, origin, true)
	e.RawBody = true
	if !c.Token.IsZero() {
		e.Auth, e.Credentials = bearer(e.Servers[0].URL), map[string]secret.Value{tokenField: c.Token}
	}
	client, err := egress.New(e)
	if err != nil {
		return nil, err
	}
	return &Client{client}, nil
}

// Close closes idle connections.
func (c *Client) Close() { c.http.Close() }

// Do sends a request to a path of package adminapi, whose parameters are in path. In is its body;
// nil sends none. The answer goes into out, unless that is nil.
//
// # Errors
//
// An *[abi.Error]: what the server answered, or why it could not be reached.
func (c *Client) Do(ctx context.Context, method, template string, path map[string]string, query [][2]string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
		defer clear(body)
	}
	request := abi.Request{Method: method, Path: template, PathParams: path, Query: query}
	if body != nil {
		request.Headers = [][2]string{{"Content-Type", "application/json"}}
	}
	return c.send(ctx, &request, body, out)
}

// Upload is [Client.Do] with a body of another content type.
func (c *Client) Upload(ctx context.Context, template string, query [][2]string, media string, body []byte, out any) error {
	return c.send(ctx, &abi.Request{Method: http.MethodPost, Path: template, Query: query, Headers: [][2]string{{"Content-Type", media}}}, body, out)
}

func (c *Client) send(ctx context.Context, request *abi.Request, body []byte, out any) error {
	method, template := request.Method, request.Path
	declared := abi.RequestTemplate{Method: method, Path: template}
	resp, err := c.http.Send(ctx, egress.Scope{
		Requests: []abi.RequestTemplate{declared}, Reads: method == http.MethodGet, Budget: egress.NewBudget(1, maxRequest, maxAnswer),
	}, request, body)
	if err != nil {
		return about(err)
	}
	if resp.Status >= http.StatusMultipleChoices {
		return refused(resp)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(resp.Body, out); err != nil {
		return &abi.Error{Kind: abi.KindVendorError, Message: "the answer is not one of agenthost serve", Hint: "check --server", RequestSent: true}
	}
	return nil
}

// All returns all parts of a list.
func All[T any](ctx context.Context, c *Client, template string, path map[string]string, query ...[2]string) ([]T, error) {
	var all []T
	for cursor := ""; ; {
		var part adminapi.List[T]
		q := query
		if cursor != "" {
			q = append(append([][2]string(nil), query...), [2]string{"cursor", cursor})
		}
		if err := c.Do(ctx, http.MethodGet, template, path, q, nil, &part); err != nil {
			return nil, err
		}
		all = append(all, part.Data...)
		if part.Next == "" || part.Next == cursor || len(all) > maxList {
			return all, nil
		}
		cursor = part.Next
	}
}

// maxList is how long a list may be.
const maxList = 1_000_000

// about rewords an error of egress, which is about vendors.
func about(err error) error {
	e, ok := errors.AsType[*abi.Error](err)
	if !ok {
		return err
	}
	e = e.WithCause(e.Unwrap())
	e.Message = "the server cannot be asked: " + e.Message
	e.Hint = cmp.Or(e.Hint, "check that it runs, and --server")
	return e
}

// answer is an error of the server.
type answer struct {
	Message string `json:"message"`
	Errors  []struct {
		Field   string `json:"field"`
		Code    string `json:"code"`
		Details struct {
			Kind      abi.Kind `json:"kind"`
			Hint      string   `json:"hint"`
			Rule      string   `json:"rule"`
			Retryable bool     `json:"retryable"`
		} `json:"details"`
	} `json:"errors"`
}

// kinds are the kinds of errors by the status of the answer.
var kinds = map[int]abi.Kind{
	http.StatusBadRequest: abi.KindInvalidParams, http.StatusUnprocessableEntity: abi.KindInvalidParams, http.StatusUnauthorized: abi.KindAuthFailed,
	http.StatusForbidden: abi.KindPermissionDenied, http.StatusNotFound: abi.KindNotFound, http.StatusConflict: abi.KindConflict,
	http.StatusTooManyRequests: abi.KindRateLimited,
}

// refused is the error of an answer without a success status.
func refused(resp *egress.Response) error {
	var a answer
	e := &abi.Error{Kind: abi.KindVendorError, Status: resp.Status, RequestSent: true}
	if kind, known := kinds[resp.Status]; known {
		e.Kind = kind
	}
	if json.Unmarshal(resp.Body, &a) != nil || len(a.Errors) == 0 {
		e.Message = fmt.Sprintf("the server answered %d %s", resp.Status, strings.ToLower(http.StatusText(resp.Status)))
		e.Hint = "check that --server is a server of agenthost"
		return e
	}
	first := a.Errors[0]
	e.Message, e.Field, e.Code, e.Hint, e.Rule, e.Retryable = a.Message, first.Field, first.Code, first.Details.Hint, first.Details.Rule, first.Details.Retryable
	if first.Details.Kind != "" {
		e.Kind = first.Details.Kind.Known()
	}
	return e
}
