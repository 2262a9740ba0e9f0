package airbyte

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/internal/vendorsim/contract"
	"github.com/agenthost/agenthost/pdk/abi"
)

func (s *Service) execute(w http.ResponseWriter, r *request, c *connector) {
	start := time.Now()
	var body airbyteapi.ExecuteRequest
	if !readJSON(w, r.Request, &body) {
		return
	}
	switch {
	case body.Entity == "":
		detailAt(w, "Field required", "missing", "body", "entity")
		return
	case body.Action == "":
		detailAt(w, "Field required", "missing", "body", "action")
		return
	}
	if len([]rune(body.Intent)) > airbyteapi.MaxIntent {
		detailAt(w, "String should have at most 512 characters", "string_too_long", "body", "intent")
		return
	}
	params := body.Params
	if params == nil || string(params) == "null" { // clients without parameters send null
		params = json.RawMessage("{}")
	}
	if rawjson.KindOf(params) != rawjson.Object {
		detailAt(w, "Input should be a valid dictionary", "dict_type", "body", "params")
		return
	}
	result, metadata, err := s.answer(r.Context(), c, body.Entity, body.Action, params)
	if err != nil {
		sendError(w, err)
		return
	}
	result = project(result, body.SelectFields, body.ExcludeFields)
	if body.SkipTruncation != nil && !*body.SkipTruncation {
		result = truncate(result)
	}
	answer(w, http.StatusOK, map[string]any{
		airbyteapi.MemberStatus: airbyteapi.StatusSuccess, airbyteapi.MemberResult: result, airbyteapi.MemberMetadata: metadata,
		airbyteapi.MemberExecution: map[string]any{"connector_instance_id": airbyteapi.ConnectorIDStart + c.id, "execution_time_ms": time.Since(start).Milliseconds()},
	})
}

// answer runs an operation, and converts its answer to the service's form.
func (s *Service) answer(ctx context.Context, c *connector, entity, action string, params json.RawMessage) (result, metadata json.RawMessage, err *abi.Error) {
	switch action {
	case airbyteapi.ActionSearch:
		result, err = s.search(ctx, c, entity, params)
		return result, json.RawMessage("null"), err
	case airbyteapi.ActionSQLQuery:
		result, err = s.sqlQuery(ctx, c, entity, params)
		return result, json.RawMessage("null"), err
	}
	data, meta, err := s.run(ctx, c, entity, action, params)
	if err != nil && err.Kind == abi.KindUnknownOperation && action == "search" {
		// The name of the action before April 2026.
		result, err = s.search(ctx, c, entity, params)
		return result, json.RawMessage("null"), err
	}
	d := c.definition
	wraps := slices.Contains(d.Wraps.Actions, action)
	switch {
	case err != nil && d.Deaf && err.Status == http.StatusOK:
		data, metadata = s.unheard(d, err, wraps)
		return data, metadata, nil
	case err != nil:
		return nil, nil, err
	case wraps && action == "delete":
		data = d.Wraps.Beside
	case wraps:
		data = slices.Concat(d.Wraps.Beside[:len(d.Wraps.Beside)-1], []byte(","+strconv.Quote(d.Wraps.Record)+":"), data, []byte("}"))
	}
	return data, s.metadata(d, meta), nil
}

// unheard is the answer of a connector that looks only at the status to a failure with status 200: the vendor's whole
// answer if it wraps, or an empty list with null metadata.
func (s *Service) unheard(d *Definition, e *abi.Error, wraps bool) (data, metadata json.RawMessage) {
	if !wraps {
		metadata = contract.Encode(map[string]any{s.cased(d.Metadata.Cursor): nil, s.cased(d.Metadata.More): nil})
		return json.RawMessage("[]"), metadata
	}
	_, message, _ := strings.Cut(e.Message, ": ")
	data = contract.Encode(map[string]any{
		"success": false, "errors": []string{e.Code}, "errorInfo": map[string]string{"code": e.Code, "message": message, "requestId": e.RequestID},
	})
	return data, json.RawMessage("null")
}

// run runs an operation of the vendor with the parameters that Airbyte's connector has.
func (s *Service) run(ctx context.Context, c *connector, entity, action string, params json.RawMessage) (data, meta json.RawMessage, err *abi.Error) {
	if s.options.Run == nil {
		return nil, nil, &abi.Error{Kind: abi.KindInternal, Message: "no connectors are installed"}
	}
	if params == nil {
		params = json.RawMessage("{}")
	}
	var kept map[string]json.RawMessage
	if json.Unmarshal(params, &kept) != nil {
		return nil, nil, &abi.Error{Kind: abi.KindInvalidParams, Message: "params is no object"}
	}
	known, listed := c.definition.Operations[entity+"."+action]
	maps.DeleteFunc(kept, func(name string, _ json.RawMessage) bool {
		return slices.Contains(c.definition.Drops, name) || listed && !slices.Contains(known, name)
	})
	if slices.Contains(c.definition.Unlimited, entity+"."+action) {
		delete(kept, "limit")
	}
	params = contract.Encode(kept)
	data, meta, failed := s.options.Run.Run(ctx, c.definition.Slug, c.credentials, entity, action, params)
	if failed == nil {
		return data, meta, nil
	}
	if !errors.As(failed, &err) {
		err = &abi.Error{Kind: abi.KindInternal, Message: failed.Error()}
	}
	return nil, nil, err
}

// metadata has the vendor's names for the next cursor and for more pages, null if there are none.
func (s *Service) metadata(d *Definition, meta json.RawMessage) json.RawMessage {
	cursor, paginated, _ := rawjson.Pointer(meta, "/"+abi.MetaNextCursor)
	if !paginated {
		return json.RawMessage("null")
	}
	more, _, _ := rawjson.Pointer(meta, "/"+abi.MetaHasMore)
	words := map[string]json.RawMessage{s.cased(d.Metadata.Cursor): cursor}
	if d.Metadata.More != "" {
		words[s.cased(d.Metadata.More)] = more
	}
	return contract.Encode(words)
}

// cased is a name in the case of this service's metadata.
func (s *Service) cased(name string) string {
	if !s.options.CamelCase {
		return name
	}
	words := strings.Split(name, "_")
	for i, word := range words[1:] {
		words[i+1] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.Join(words, "")
}

func sendError(w http.ResponseWriter, e *abi.Error) {
	status, code := airbyteapi.StatusOf(e)
	if e.Kind == abi.KindRateLimited {
		w.Header().Set("Retry-After", strconv.FormatInt(max(1, (e.RetryAfterMS+999)/1000), 10))
	}
	refuse(w, status, e.Message, problem{Field: e.Field, Message: e.Message, Code: code})
}
