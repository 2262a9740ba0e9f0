package client

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Execution is one use of an operation.
type Execution struct {
	airbyteapi.ExecuteRequest

	// Scope is what the call may do and use up: of it count Retry, Reads, Budget, Rate
	// and Attempt. A nil Budget means one of this request's own.
	Scope egress.Scope
	// Vendor is the vendor's title, for errors.
	Vendor string
}

// Answer is what an execution answered.
type Answer struct {
	// Result is the service's result as it is.
	Result json.RawMessage
	// Metadata is connector_metadata: an object, {} if the answer has none.
	Metadata json.RawMessage
	// Warning is what the service wants the caller to know, mostly empty.
	Warning string
}

// Execute runs an operation of a connector.
//
// # Errors
//
// All are *[abi.Error], and say in RequestSent whether the operation may have run: a
// failed request for a token leaves it false. Statuses become kinds as elsewhere (400 and
// 422 invalid_params, 401 auth_failed, 403 permission_denied, 404 not_found, 409 conflict,
// 429 rate_limited); an envelope without a success status is a vendor_error.
func (c *Client) Execute(ctx context.Context, id airbyteapi.ID, e Execution) (*Answer, error) {
	if len([]rune(e.Intent)) > airbyteapi.MaxIntent {
		return nil, fault.Invalid("intent", fmt.Sprintf("the intent is longer than %d characters", airbyteapi.MaxIntent), "write one sentence")
	}
	id, err := airbyteapi.ParseID(string(id)) // it may come from anywhere
	if err != nil {
		return nil, err
	}
	resp, err := c.send(ctx, request{
		method: http.MethodPost, path: airbyteapi.ExecutePath, params: map[string]string{"connector_id": string(id)}, body: e.Encode(),
		scope: e.Scope, vendor: e.Vendor,
	})
	if err != nil {
		return nil, err
	}
	return readAnswer(resp.Body)
}

// readAnswer reads the envelope of an execution.
func readAnswer(body []byte) (*Answer, error) {
	if err := rawjson.Check(body); err != nil {
		return nil, unexpected("not JSON")
	}
	if rawjson.KindOf(body) != rawjson.Object {
		return nil, unexpected("not a JSON object")
	}
	a := &Answer{Metadata: json.RawMessage("{}")}
	for name, value := range rawjson.Members(body) {
		switch rawjson.Unquote(name) {
		case airbyteapi.MemberStatus:
			if status := airbyteapi.Text(value); status != airbyteapi.StatusSuccess {
				return nil, unsuccessful(status, body)
			}
		case airbyteapi.MemberResult:
			a.Result = value
		case airbyteapi.MemberMetadata:
			if rawjson.KindOf(value) == rawjson.Object {
				a.Metadata = value
			}
		case airbyteapi.MemberWarning:
			a.Warning = warning(value)
		}
	}
	if a.Result == nil {
		return nil, unexpected("no \"result\" field")
	}
	return a, nil
}

// unsuccessful is the error of an envelope that says so itself: with HTTP status 200, and
// for some clients indistinguishable from a result.
func unsuccessful(status string, body []byte) error {
	said := cmp.Or(airbyteapi.ReadFailure(body).String(), "it gives no reason")
	return &abi.Error{Kind: abi.KindVendorError, Message: fmt.Sprintf("the Airbyte API says that the operation is %.40q: %s", status, said), Hint: "the connector's page in Airbyte may say more", RequestSent: true}
}

// warning is a text, or an object with one.
func warning(raw json.RawMessage) string {
	if message, found, _ := rawjson.Pointer(raw, "/message"); found {
		return airbyteapi.Text(message)
	}
	return airbyteapi.Text(raw)
}

// Target is the connector that runs an operation: one of a kind in a workspace, or the one
// of an id.
type Target struct {
	// ID is the connector's, where it is known; the rest is then not needed but for
	// errors.
	ID           airbyteapi.ID
	Workspace    airbyteapi.WorkspaceName
	DefinitionID string
	// Title is the vendor's, for errors.
	Title string
}

// Run finds a connector and runs an operation of it, as [Client.Find] and [Client.Execute]
// do. A connector that was replaced by another one since it was found is found anew.
//
// A 404 may mean that there is no such connector any more, or that the vendor has no such
// record. If the answer does not say which, Run asks.
func (c *Client) Run(ctx context.Context, t Target, e Execution) (*Answer, error) {
	e.Vendor = t.Title
	id, err := c.find(ctx, t)
	if err != nil {
		return nil, err
	}
	e.Scope.Show = t.shows(id, e.Scope.Show)
	answer, err := c.Execute(ctx, id, e)
	if err == nil || !gone(err) {
		return answer, err
	}
	again, lookErr := c.look(ctx, t, id)
	switch {
	case lookErr != nil && fault.Of(lookErr).Kind == abi.KindNotFound:
		// Nothing was run: there is nothing that could have.
		return nil, unsent(lookErr)
	case lookErr != nil || again == id:
		return nil, err // the vendor's 404
	}
	return c.Execute(ctx, again, e)
}

// unknownID takes the place of the id of a connector in what a client that plans shows, if the id is
// looked up when the operation runs. It is an id of nothing.
const unknownID airbyteapi.ID = "00000000-0000-0000-0000-000000000000"

// shows is how the requests of a call are shown: an id that was looked up is not. It says nothing
// that the workspace and the kind of the connector do not say.
func (t Target) shows(id airbyteapi.ID, show func(*egress.Shown) *abi.Error) func(*egress.Shown) *abi.Error {
	if show == nil || t.ID != "" {
		return show
	}
	return func(s *egress.Shown) *abi.Error {
		s.URL = strings.Replace(s.URL, string(id), "{connector_id}", 1)
		return show(s)
	}
}

func (c *Client) find(ctx context.Context, t Target) (airbyteapi.ID, error) {
	if t.ID != "" {
		return t.ID, nil
	}
	if c.config.Planning {
		return unknownID, nil
	}
	return c.Find(ctx, t.Workspace, t.DefinitionID, t.Title)
}

// gone reports whether an error may mean that the connector does not exist any more.
func gone(err error) bool {
	e := fault.Of(err)
	return e.Kind == abi.KindNotFound && !airbyteapi.IsUpstream(e.Code)
}

// look asks which connector there is, after a 404.
func (c *Client) look(ctx context.Context, t Target, was airbyteapi.ID) (airbyteapi.ID, error) {
	if t.ID == "" {
		c.Forget(was)
		return c.find(ctx, t)
	}
	if _, err := c.Connector(ctx, was); err != nil {
		e := fault.Of(err)
		if e.Kind == abi.KindNotFound {
			c.Forget(was)
			e.Field = "connector_id"
			e.Message = fmt.Sprintf("the connector %s does not exist in Airbyte any more", was)
			e.Hint = "set connector_id under the connection's airbyte to another one, or create one with agenthost hosted create"
		}
		return "", e
	}
	return was, nil
}
