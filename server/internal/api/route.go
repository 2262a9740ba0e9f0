// Package api is the HTTP side of the server: a table of routes, from which requests are served
// and the OpenAPI document is made, the way requests are read and checked, and the form of errors.
package api

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"

	"github.com/agenthost/agenthost/internal/connections"
	"github.com/agenthost/agenthost/server/internal/token"
)

// Route is one operation of the API.
type Route struct {
	Method, Path string
	// ID names the operation in the OpenAPI document, and Summary says what it does.
	ID, Summary string
	// Scope is what the token must permit; empty means any token.
	Scope connections.Scope
	// Public means that the operation needs no token.
	Public bool
	// Wide means that a token for one workspace does not suffice.
	Wide bool
	// Status is that of a good answer; 0 means 200.
	Status int
	// MaxBody is the most bytes of a body; 0 means [SmallBody].
	MaxBody int64
	// Media is the content type of a body that is no JSON, such as that of a file. The input of the
	// route is its query then, and [Request.Content] the body.
	Media string
	// Answer is the type of the answer of a route that answers a [Raw].
	Answer reflect.Type
	// Refused means that the operation always answers an error.
	Refused bool

	input, output reflect.Type // input is nil for an operation that reads nothing
	fields        []field      // of the input
	serve         func(ctx context.Context, r *Request, input any) (any, error)
}

// SmallBody is the most bytes of a body that has no data of a vendor.
const SmallBody = 1 << 20

// Do sets what a route does. In is a struct: its fields are the members of a JSON body, or the
// query parameters of a GET and DELETE, by the names in their json tags. A field with the tag
// required:"true" must be there. The document also has what other tags say: doc:"..." describes a
// field, a number has most:"100" and is at least 1, and values:"a b" are the only ones; f checks
// them. Out is the answer, as JSON.
func Do[In, Out any](r Route, f func(ctx context.Context, r *Request, in *In) (Out, error)) Route {
	r.input, r.output = reflect.TypeFor[In](), reflect.TypeFor[Out]()
	if r.fields = fields(r.input); r.input.NumField() == 0 {
		r.input = nil
	}
	r.serve = func(ctx context.Context, request *Request, input any) (any, error) {
		in, _ := input.(*In)
		if in == nil {
			in = new(In)
		}
		return f(ctx, request, in)
	}
	return r
}

// Raw is an answer that is JSON already, with a status of its own.
type Raw struct {
	Status int // 0 means the route's
	Body   json.RawMessage
}

// Nothing is the input of a route that reads nothing.
type Nothing struct{}

// Request is a request whose token and form are good.
type Request struct {
	*http.Request
	// ID names the request in the answer and in the log.
	ID string
	// Claims are those of the token; nil for a public route.
	Claims *token.Claims
	// Peer is the address of the client.
	Peer string
	// Present are the members of the body that are there, by name.
	Present map[string]bool
	// Content is the body of a route with a Media. It is good until the route returns.
	Content []byte
	header  http.Header
}

// Header returns the headers of the answer.
func (r *Request) Header() http.Header { return r.header }

// answer is the type of a good answer.
func (r *Route) answer() reflect.Type {
	if r.Answer != nil {
		return r.Answer
	}
	return r.output
}

// hasBody reports whether the input of a route is its body.
func (r *Route) hasBody() bool {
	return r.input != nil && r.Media == "" && r.Method != http.MethodGet && r.Method != http.MethodDelete
}
