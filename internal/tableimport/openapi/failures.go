package openapi

import (
	"maps"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/tableimport"
	"github.com/getkin/kin-openapi/openapi3"
)

// Where answers to failures have a text for people, a code and the name of the request. Of several
// places that a document has, the first that leads to something counts.
var (
	messageAt = []string{
		"/error/message", "/message", "/errors/*/message", "/errors/*/detail", "/detail", "/error_description", "/error/description",
		"/errors/*/title", "/errors/*", "/error", "/title", "/msg", "/reason", "/errorMessage", "/error_message",
	}
	codeAt    = []string{"/error/code", "/code", "/errors/*/code", "/error/type", "/error_code", "/errorCode"}
	requestAt = []string{"/request_id", "/requestId", "/error/request_id", "/meta/request_id"}
)

// failures are the places that the answers to failures have.
type failures struct {
	seen   map[*openapi3.Schema]bool
	places map[string]bool
	work   int // schemas that were looked at, with their members
}

// maxFailureWork bounds what is read of answers to failures, most of which are alike.
const maxFailureWork = 1_000_000

// see notes where the answers to failures of an operation have their texts.
func (f *failures) see(op *operation) {
	responses := op.Responses.Map()
	for _, status := range slices.Sorted(maps.Keys(responses)) {
		ref := responses[status]
		if ref == nil || ref.Value == nil || !strings.HasPrefix(status, "4") && !strings.HasPrefix(status, "5") && status != "default" {
			continue
		}
		_, media := choose(ref.Value.Content, answerKinds[:2])
		if media == nil || media.Schema == nil || media.Schema.Value == nil || f.seen[media.Schema.Value] {
			continue
		}
		if f.seen == nil {
			f.seen, f.places = make(map[*openapi3.Schema]bool), make(map[string]bool)
		}
		f.seen[media.Schema.Value] = true
		if status == "default" && success(op.Responses) == ref.Value {
			continue
		}
		for _, pointer := range slices.Concat(messageAt, codeAt, requestAt) {
			if f.hasText([]*openapi3.SchemaRef{media.Schema}, strings.Split(pointer, "/")[1:]) {
				f.places[pointer] = true
			}
		}
	}
}

// hasText reports whether a path leads from schemas to a text or a number. What stands in one of several
// choices counts, too.
func (f *failures) hasText(schemas []*openapi3.SchemaRef, path []string) bool {
	if f.work > maxFailureWork {
		return false
	}
	v := viewOf(schemas...)
	f.work += 1 + len(v.props) + len(v.parts)
	if len(path) == 0 {
		return slices.ContainsFunc(v.types, func(t string) bool { return t == "string" || t == "integer" })
	}
	next := v.items
	if path[0] != "*" {
		next = v.props[path[0]]
	}
	if len(next) > 0 && f.hasText(next, path[1:]) {
		return true
	}
	for _, list := range v.choices {
		for _, ref := range list {
			if inner := viewOf(ref); len(inner.choices) == 0 && f.hasText([]*openapi3.SchemaRef{ref}, path) {
				return true
			}
		}
	}
	return false
}

// write says where failures have their texts, if the document says something.
func (f *failures) write() tableimport.Map {
	var m tableimport.Map
	for _, part := range []struct {
		key string
		at  []string
	}{{"message", messageAt}, {"code", codeAt}, {"request_id", requestAt}} {
		var found []any
		for _, pointer := range part.at {
			if f.places[pointer] {
				found = append(found, pointer)
			}
		}
		if len(found) == 1 {
			m.Set(part.key, found[0])
		} else {
			m.Add(part.key, found)
		}
	}
	if !m.Has("message") {
		return nil
	}
	return m
}
