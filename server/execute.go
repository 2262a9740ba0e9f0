package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/budget"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/server/internal/api"
)

func (s *Server) executeRoutes() []api.Route {
	return []api.Route{
		api.Do(api.Route{Method: http.MethodPost, Path: airbyteapi.ExecutePath, ID: "execute", Summary: "Run an operation of a connector.", MaxBody: maxExecute, Answer: reflect.TypeFor[airbyteapi.ExecuteAnswer]()}, s.execute),
		api.Do(api.Route{Method: http.MethodPost, Path: airbyteapi.PreparePath, ID: "prepareExecute", Summary: "Not supported: credentials never leave the server.", MaxBody: maxExecute, Refused: true}, s.noPreparation),
	}
}

// maxExecute is the most bytes of a request to run an operation. Its parameters may hold files.
const maxExecute = 16 << 20

// longText is the length from which a text in a list is shortened.
const longText = 200

func (s *Server) execute(ctx context.Context, r *api.Request, in *airbyteapi.ExecuteRequest) (*api.Raw, error) {
	e, err := s.connector(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := active(!e.Inactive); err != nil {
		return nil, err
	}
	call, err := s.call(ctx, r, e, in)
	if err != nil {
		return nil, err
	}
	w, err := newWrite(r, e, in)
	if err != nil {
		return nil, err
	}
	if w.Key != "" { // how it ends counts also for a client that hung up, and asks again
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
		defer cancel()
	}
	defer s.lose(ctx, w)
	start := s.now()
	result, err := s.host.Execute(w.in(ctx), e.Name, *call)
	if w.prior != nil {
		return w.again()
	}
	if err != nil {
		raw, err := s.finished(ctx, r, w, nil, err)
		return raw, s.withLink(ctx, r.Claims, e, err)
	}
	return s.finished(ctx, r, w, answer(e.ID, in, result, s.now().Sub(start)), nil)
}

// call is the host's call for a request.
func (s *Server) call(ctx context.Context, r *api.Request, e *entry, in *airbyteapi.ExecuteRequest) (*host.Call, error) {
	switch kind := rawjson.KindOf(in.Params); {
	case len(in.Params) == 0:
		in.Params = json.RawMessage("{}")
	case kind != rawjson.Object:
		return nil, fault.Invalid("params", "params is not an object", "write it in braces")
	}
	if utf8.RuneCountInString(in.Intent) > airbyteapi.MaxIntent {
		return nil, fault.Invalid("intent", fmt.Sprintf("the intent has more than %d characters", airbyteapi.MaxIntent), "say it shorter")
	}
	if err := s.noSearch(ctx, e, in); err != nil {
		return nil, err
	}
	call := &host.Call{
		Entity: in.Entity, Action: in.Action, Params: in.Params, Select: in.SelectFields, Intent: in.Intent,
		Principal: host.Principal{Workspace: e.Workspace, Subject: r.Claims.Application, Scopes: r.Claims.Scopes},
		Caller:    r.Claims.Application,
	}
	if in.SelectFields == nil {
		call.Exclude = in.ExcludeFields
	}
	return call, nil
}

// noSearch refuses the searches that the server does not have: all searches in copies of records, if it keeps
// none, and those in SQL.
func (s *Server) noSearch(ctx context.Context, e *entry, in *airbyteapi.ExecuteRequest) error {
	switch in.Action {
	case airbyteapi.ActionSearch:
		if !s.options.NoCopies {
			return nil
		}
	case airbyteapi.ActionSQLQuery:
	case "search": // the older name, and an action of some vendors
		info, err := s.host.Connector(ctx, e.Connector)
		if err != nil || hasOperation(info.Manifest, in.Entity, in.Action) {
			return err
		}
	default:
		return nil
	}
	if s.options.NoCopies {
		return noSuchSearch("this server keeps no copies of records, so it cannot search in them", "use list, with the parameters that narrow it")
	}
	if in.Action == airbyteapi.ActionSQLQuery {
		return noSuchSearch("this server runs no SQL on copies of records", "use "+airbyteapi.ActionSearch)
	}
	return noSuchSearch(in.Entity+" has no "+in.Action, "use "+airbyteapi.ActionSearch+" to search in copies of records")
}

func noSuchSearch(message, hint string) error {
	return &api.Refusal{Status: http.StatusBadRequest, Code: "operation_not_supported", Field: "action", Message: message, Hint: hint}
}

func hasOperation(m *abi.Manifest, entity, action string) bool {
	for i := range m.Operations {
		if m.Operations[i].Entity == entity && m.Operations[i].Action == action {
			return true
		}
	}
	return false
}

// answer is the answer to a call: its data stay the bytes that the connector made.
func answer(id string, in *airbyteapi.ExecuteRequest, result *host.Result, took time.Duration) json.RawMessage {
	data := result.Data
	if len(data) == 0 {
		data = json.RawMessage("null")
	}
	list := rawjson.KindOf(data) == rawjson.Array
	if list && in.SkipTruncation != nil && !*in.SkipTruncation {
		data = budget.Shorten(data, longText)
	}
	meta := metadata(result.Meta, list)
	if in.Action == airbyteapi.ActionSearch { // which has its meta with the records
		return executed(airbyteapi.StatusSuccess, found(data, meta, took), json.RawMessage("null"), id, took)
	}
	return executed(airbyteapi.StatusSuccess, data, meta, id, took)
}

// found is the result of a search in copies of records.
func found(data, meta json.RawMessage, took time.Duration) json.RawMessage {
	b := make([]byte, 0, len(data)+len(meta)+64)
	b = append(append(b, `{"data":`...), data...)
	b = append(append(b, `,"meta":`...), meta...)
	b = bytes.TrimSuffix(bytes.TrimSpace(b), []byte("}"))
	if rawjson.Count(meta) > 0 {
		b = append(b, ',')
	}
	b = append(b, `"took_ms":`...)
	return append(strconv.AppendInt(b, took.Milliseconds(), 10), "}}"...)
}

// executed is the body of an answer to a call of a connection.
func executed(status string, data, meta json.RawMessage, id string, took time.Duration) json.RawMessage {
	b := make([]byte, 0, len(data)+len(meta)+256)
	b = append(b, `{"status":"`+status+`","result":`...)
	b = append(b, data...)
	b = append(b, `,"connector_metadata":`...)
	b = append(b, meta...)
	b = append(b, `,"execution_metadata":{"connector_instance_id":"`+airbyteapi.ConnectorIDStart+id+`","execution_time_ms":`...)
	b = strconv.AppendInt(b, took.Milliseconds(), 10)
	return append(b, "}}"...)
}

// metadata adds the names that Airbyte's connectors and clients have for the next page to ours, in
// place of the vendor's: where the host cut a page, those lead past the rest of it. Clients of lists
// want an object, even an empty one.
func metadata(meta json.RawMessage, list bool) json.RawMessage {
	cursor, paginated, err := rawjson.Pointer(meta, "/"+abi.MetaNextCursor)
	more, _, _ := rawjson.Pointer(meta, "/"+abi.MetaHasMore)
	switch {
	case err != nil || len(meta) == 0 || rawjson.KindOf(meta) != rawjson.Object:
		if list {
			return json.RawMessage("{}")
		}
		return json.RawMessage("null")
	case !paginated || more == nil:
		return meta
	}
	b := make([]byte, 0, len(meta)+3*len(cursor)+64)
	b = append(b, '{')
	for name, value := range rawjson.Members(meta) {
		switch rawjson.Unquote(name) {
		case "has_next_page", "cursor", "end_cursor":
			continue
		}
		b = append(append(append(append(b, name...), ':'), value...), ',')
	}
	b = append(append(b, `"has_next_page":`...), more...)
	b = append(append(b, `,"cursor":`...), cursor...)
	return append(append(append(b, `,"end_cursor":`...), cursor...), '}')
}

func (s *Server) noPreparation(context.Context, *api.Request, *airbyteapi.ExecuteRequest) (*api.Nothing, error) {
	return nil, &api.Refusal{Status: http.StatusNotImplemented, Message: "credentials never leave this server", Hint: "run the operation here, with POST " + airbyteapi.ExecutePath + " (the SDK does so without SECRETS_CONFIGURED_FROM_ENVIRONMENT)"}
}
