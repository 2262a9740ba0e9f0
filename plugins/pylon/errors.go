package main

import (
	"strings"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

// maxMessage bounds the vendor's part of a message, in bytes.
const maxMessage = 1000

// vendorError reads Pylon's error body: {errors: [text], request_id, exists_id, code}. A proxy may
// answer something else; then only the status counts.
func vendorError(r *pdk.Response) *abi.Error {
	e := pdk.StatusError(r)
	var exists string
	var texts pdk.Raw
	for name, v := range pdk.ErrorBody(r).Members() {
		switch name {
		case "request_id":
			e.RequestID = v.Text()
		case "code":
			e.Code = v.Text()
		case "exists_id":
			exists = v.Text()
		case "errors":
			texts = v
		}
	}
	var messages []string
	for m := range texts.Elements() {
		if t := m.Text(); t != "" {
			messages = append(messages, t)
		}
	}
	if len(messages) > 0 {
		e.Message = r.Vendor + ": " + pdk.Shorten(strings.Join(messages, "; "), maxMessage)
	}
	if exists != "" {
		e.Kind = abi.KindConflict
		e.Hint = "it exists already with id " + exists + "; get or update that one"
	}
	switch e.Code {
	case "wrong_region_token":
		// The token is good, but not for the connection's server.
		e.Kind, e.Field = abi.KindInvalidParams, "server"
		e.Hint = "the token belongs to the other region: set server: eu for this connection if it is us, and us if it is eu"
	case "invalid_authorization_header", "invalid_api_token", "invalid_oauth_token":
		e.Hint = "check the api_token of this connection; an admin makes one in Pylon under Settings, API tokens"
	case "permission_denied":
		e.Hint = "use a token that may do this; only admins can make tokens"
	}
	return e
}
