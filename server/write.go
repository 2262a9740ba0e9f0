package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/server/internal/api"
)

// write is a call that may change something, if its operation does. The sink of the audit trail
// records its start before anything is sent.
type write struct {
	store.Write
	begun bool         // its start is recorded
	ended bool         // its end is kept, or its key is free
	prior *store.Prior // an earlier call had its key
	asked string       // the name of the connection that was asked for last
}

// keyHeader names a request, so that it is carried out once however often it is sent.
const keyHeader = "Idempotency-Key"

// maxKey is the length of the longest key, in bytes.
const maxKey = 255

// newWrite reads the key of a request.
func newWrite(r *api.Request, e *entry, in *airbyteapi.ExecuteRequest) (*write, error) {
	w := &write{Write: store.Write{
		Scope: store.Scope{Organization: e.Organization, Workspace: e.Workspace}, Connection: e.ID,
		Caller: r.Claims.Application + " " + r.Claims.Workspace,
	}}
	keys := r.Request.Header.Values(keyHeader)
	if len(keys) == 0 {
		return w, nil
	}
	unprintable := func(c rune) bool { return c < ' ' || c > '~' }
	if len(keys) > 1 || keys[0] == "" || len(keys[0]) > maxKey || strings.ContainsFunc(keys[0], unprintable) {
		return nil, fault.Invalid(keyHeader, "the header "+keyHeader+" is no key", fmt.Sprintf("send one of 1 to %d printable characters, such as a UUID", maxKey))
	}
	w.Key, w.Hash = keys[0], hash(in)
	return w, nil
}

// hash is what a request asks for. Two requests that differ in white space are the same.
func hash(in *airbyteapi.ExecuteRequest) []byte {
	var params bytes.Buffer
	if json.Compact(&params, in.Params) != nil {
		params.Reset()
		params.Write(in.Params) // which the reader of the body prevents
	}
	h := sha256.New()
	part := func(text []byte) {
		_ = binary.Write(h, binary.BigEndian, int64(len(text))) // never fails
		h.Write(text)
	}
	part([]byte(in.Entity))
	part([]byte(in.Action))
	part(params.Bytes())
	for _, paths := range [][]string{in.SelectFields, in.ExcludeFields} {
		part([]byte(strings.Join(paths, "\x00")))
	}
	return h.Sum(nil)
}

// writeKey is the key of a call's write in its context.
type writeKey struct{}

// in returns the context of the call.
func (w *write) in(ctx context.Context) context.Context {
	return context.WithValue(ctx, writeKey{}, w)
}

// callFor reports whether a call may use a connection. The server finds it by its id and the host
// by its name, which may be another one's in between.
func callFor(ctx context.Context, id string) bool {
	w, _ := ctx.Value(writeKey{}).(*write)
	return w == nil || w.Connection == "" || w.Connection == id
}

// again is the answer to a request whose key was used before: nothing is sent.
func (w *write) again() (*api.Raw, error) {
	switch p := w.prior; {
	case p.Other:
		return nil, &api.Refusal{Status: http.StatusUnprocessableEntity, Code: "idempotency_key_reused", Field: keyHeader, Message: "the key was used for another request", Hint: "send each request with a key of its own"}
	case p.State == store.WriteRunning:
		return nil, &api.Refusal{Status: http.StatusConflict, Code: "idempotency_key_in_use", Field: keyHeader, Message: "the request with this key is still running", Hint: "send it again later, with the same key", RetryAfter: time.Second}
	case p.State != store.WriteFinished:
		return nil, &api.Refusal{Status: http.StatusConflict, Code: "outcome_unknown", Field: keyHeader, Message: "nobody knows how the request with this key ended, so it is not sent again", Hint: "look at the vendor whether it was carried out", RequestSent: true}
	case p.Kept:
		return &api.Raw{Status: p.Status, Body: p.Answer}, nil
	default:
		return &api.Raw{Status: p.Status, Body: executed("answer_not_kept", json.RawMessage("null"), json.RawMessage("null"), w.Connection, 0)}, nil
	}
}

// finishTimeout bounds what is done for a write after its answer is known.
const finishTimeout = 10 * time.Second

// finished keeps the answer of a write with a key, and returns it. A failure that sent nothing
// frees the key.
func (s *Server) finished(ctx context.Context, r *api.Request, w *write, body json.RawMessage, failure error) (*api.Raw, error) {
	if !w.begun || w.Key == "" {
		return &api.Raw{Body: body}, failure
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTimeout)
	defer cancel()
	status := http.StatusOK
	if failure != nil {
		switch e, is := errors.AsType[*abi.Error](failure); {
		case !is || e.Kind == abi.KindInternal && !e.RequestSent:
			return nil, failure // the host failed, and does not know what it has sent
		case !e.RequestSent:
			w.ended = s.noted(ctx, w, func(ctx context.Context) error { return s.store.FreeWrite(ctx, w.Write) })
			return nil, failure
		}
		var answer *airbyteapi.ErrorAnswer
		status, answer, _, _ = api.ErrorBody(failure, r.ID)
		text, err := json.Marshal(answer)
		if err != nil {
			return nil, err
		}
		body = text
	}
	w.ended = s.noted(ctx, w, func(ctx context.Context) error { return s.store.FinishWrite(ctx, w.Write, status, body) })
	return &api.Raw{Body: body}, failure
}

// noted reports whether the end of a write is kept, or will be when the database is back. It logs why not.
func (s *Server) noted(ctx context.Context, w *write, tell func(context.Context) error) bool {
	err := s.owed.later(tell(ctx), tell)
	if err != nil {
		s.log.Error("the end of a write is not kept", "connection", w.Connection, "error", err)
	}
	return err == nil
}

// lose says of a write that began, and whose end is not kept, that nobody knows how it ended.
// Otherwise its key would stay in use.
func (s *Server) lose(ctx context.Context, w *write) {
	if !w.begun || w.Key == "" || w.ended {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTimeout)
	defer cancel()
	s.noted(ctx, w, func(ctx context.Context) error { return s.store.LoseWrite(ctx, w.Write) })
}
