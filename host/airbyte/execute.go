package airbyte

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/agenthost/agenthost/host/egress"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

const executePath = apiPath + "/integrations/connectors/{connector_id}/execute"

// MaxIntent is the length of the longest intent, in characters.
const MaxIntent = 512

// Execution is one use of an operation. Entity and Action are required.
type Execution struct {
	Entity, Action string
	// Params is a JSON object; nil means {}.
	Params json.RawMessage
	// SelectFields are the only fields to answer, ExcludeFields those to leave out, as
	// paths with dots. Nil leaves the matter to the service.
	SelectFields, ExcludeFields []string
	// SkipTruncation false lets the service shorten long texts in lists. Nil leaves it
	// to the service, which in 2026 shortens nothing.
	SkipTruncation *bool
	// Intent is why, for the service's records: up to MaxIntent characters.
	Intent string

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
	// Metadata is connector_metadata: an object, {} where there is none.
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
// 429 rate_limited); an envelope whose status is no success is a vendor_error.
func (c *Client) Execute(ctx context.Context, id ID, e Execution) (*Answer, error) {
	if len([]rune(e.Intent)) > MaxIntent {
		return nil, invalid("intent", fmt.Sprintf("the intent is longer than %d characters", MaxIntent), "say it in a sentence")
	}
	id, err := ParseID(string(id)) // whatever made it
	if err != nil {
		return nil, err
	}
	resp, err := c.send(ctx, request{
		method: http.MethodPost, path: executePath, params: map[string]string{"connector_id": string(id)}, body: e.body(),
		scope: e.Scope, vendor: e.Vendor,
	})
	if err != nil {
		return nil, err
	}
	return readAnswer(resp.Body)
}

func (e *Execution) body() []byte {
	params := e.Params
	if params == nil {
		params = []byte("{}")
	}
	var o object
	o.text("entity", e.Entity)
	o.text("action", e.Action)
	o.raw("params", params)
	if e.SelectFields != nil {
		o.texts("select_fields", e.SelectFields)
	}
	if e.ExcludeFields != nil {
		o.texts("exclude_fields", e.ExcludeFields)
	}
	if e.SkipTruncation != nil {
		o.raw("skip_truncation", fmt.Appendf(nil, "%t", *e.SkipTruncation))
	}
	if e.Intent != "" {
		o.text("intent", e.Intent)
	}
	body, _ := o.close() // only secrets fail
	return body
}

// readAnswer reads the envelope of an execution.
func readAnswer(body []byte) (*Answer, error) {
	if err := rawjson.Check(body); err != nil {
		return nil, nonsense("it is no JSON")
	}
	if rawjson.KindOf(body) != rawjson.Object {
		return nil, nonsense("it is no JSON object")
	}
	a := &Answer{Metadata: json.RawMessage("{}")}
	for name, value := range rawjson.Members(body) {
		switch rawjson.Unquote(name) {
		case "status":
			if status := text(value); status != "success" {
				return nil, unsuccessful(status, body)
			}
		case "result":
			a.Result = value
		case "connector_metadata":
			if rawjson.KindOf(value) == rawjson.Object {
				a.Metadata = value
			}
		case "warning":
			a.Warning = warning(value)
		}
	}
	if a.Result == nil {
		return nil, nonsense("it has no result")
	}
	return a, nil
}

// unsuccessful is the error of an envelope that says so itself: with HTTP status 200, and
// for some clients indistinguishable from a result.
func unsuccessful(status string, body []byte) error {
	said := readFailure(body).String()
	if said == "" {
		said = "it gives no reason"
	}
	return &abi.Error{Kind: abi.KindVendorError, Message: fmt.Sprintf("the Airbyte API says that the operation is %.40q: %s", status, said), Hint: "the connector's page in Airbyte may say more", RequestSent: true}
}

// warning is a text, or an object with one.
func warning(raw json.RawMessage) string {
	if message, found, _ := rawjson.Pointer(raw, "/message"); found {
		return text(message)
	}
	return text(raw)
}
