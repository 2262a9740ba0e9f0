package client

import (
	"fmt"
	"net/http"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/pdk/abi"
)

// baseURLHint is for answers that are not the service's.
const baseURLHint = "check the base URL of the Airbyte API, and that nothing between here and there answers in its place"

// HintVendorAuth is the hint where the vendor does not know the credential.
const HintVendorAuth = "the credential that Airbyte keeps is wrong: replace the connector with agenthost hosted delete and hosted create"

// refused is the error of an answer without a success status. vendor is the title of
// the vendor that the service calls for the request, empty if it calls no vendor.
func (c *Client) refused(resp *egress.Response, vendor string) *abi.Error {
	f := airbyteapi.ReadFailure(resp.Body)
	said := f.String()
	if said == "" {
		said = http.StatusText(resp.Status)
	}
	e := &abi.Error{
		Kind: abi.KindVendorError, Message: fmt.Sprintf("the Airbyte API answered %d: %s", resp.Status, said),
		Status: resp.Status, Code: f.Code(), RequestID: resp.Header.Get("X-Request-Id"), RequestSent: true,
	}
	upstream := vendor != "" && f.Upstream()
	if upstream {
		e.Message = fmt.Sprintf("%s answered the Airbyte API: %s", vendor, said)
	}
	switch resp.Status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		e.Kind, e.Field = abi.KindInvalidParams, f.Field()
		if vendor != "" {
			e.Hint = "Airbyte's connector of " + vendor + " may lack the operation or a parameter; a connection with mode: direct has all of them"
		}
	case http.StatusUnauthorized:
		e.Kind = abi.KindAuthFailed
		switch {
		case upstream:
			e.Hint = HintVendorAuth
		case vendor != "":
			e.Hint = "check client_id, client_secret and organization_id under the connection's airbyte; if they are right, it is " + vendor + " that refuses the credential that Airbyte keeps"
		default:
			e.Hint = "check client_id, client_secret and organization_id under the connection's airbyte"
		}
	case http.StatusForbidden:
		e.Kind = abi.KindPermissionDenied
		e.Hint = "check organization_id under the connection's airbyte, and what the application may do"
		if upstream {
			e.Hint = "the credential that Airbyte keeps may not do this: give it the permission at " + vendor
		}
	case http.StatusNotFound, http.StatusGone:
		e.Kind = abi.KindNotFound
	case http.StatusConflict:
		e.Kind = abi.KindConflict
	case http.StatusTooManyRequests:
		e.Kind, e.Retryable, e.Hint = abi.KindRateLimited, true, "call again later"
		if wait, ok := egress.RetryAfter(resp.Header.Get("Retry-After"), c.config.Now()); ok {
			e.RetryAfterMS = wait.Milliseconds()
		}
	default:
		e.Retryable = resp.Status >= 500
		if f.String() == "" {
			e.Hint = baseURLHint
		}
	}
	return e
}

// unexpected is the error of an answer that cannot be read.
func unexpected(what string) *abi.Error {
	return &abi.Error{Kind: abi.KindVendorError, Message: "unexpected response from the Airbyte API: " + what, Hint: baseURLHint, RequestSent: true}
}
