package pylon

import (
	"net/http"
	"strings"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

type (
	fields       = contract.Fields
	source       = contract.Source
	row[T any]   = contract.Row[T]
	table[T any] = contract.Table[T]
)

const maxBody = contract.MaxBody

func refused(p *contract.Problem) *apiError {
	if p == nil {
		return nil
	}
	if p.TooLarge {
		return &apiError{status: http.StatusRequestEntityTooLarge, code: codeTooLarge, messages: []string{p.Message}}
	}
	return invalid("%s", p.Message)
}

func checkQuery(raw string, params []Param) (map[string]string, *apiError) {
	out, p := contract.CheckQuery(raw, params)
	return out, refused(p)
}

// readBody reads a JSON body and checks it against the declared parameters. An operation without body parameters takes no
// body, or {} if its method usually has one.
func readBody(w http.ResponseWriter, r *http.Request, op *Operation) (fields, *apiError) {
	raw, p := contract.ReadRaw(w, r)
	if p != nil {
		return nil, refused(p)
	}
	if len(op.Body) == 0 {
		if len(raw) == 0 || r.Method == http.MethodPost && strings.TrimSpace(string(raw)) == "{}" {
			return nil, nil
		}
		return nil, invalid("%s takes no request body", op.Route())
	}
	body, p := contract.CheckJSON(r, raw, op.Body)
	return body, refused(p)
}
