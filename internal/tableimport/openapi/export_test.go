package openapi

import "github.com/getkin/kin-openapi/openapi3"

func newOperation(tag, id string) *openapi3.Operation {
	op := &openapi3.Operation{OperationID: id}
	if tag != "" {
		op.Tags = []string{tag}
	}
	return op
}
