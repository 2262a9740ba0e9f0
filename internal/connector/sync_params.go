package connector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// checkParams holds the parameters that calls will have against the schemas of their operations.
func (s *Sync) checkParams(ctx context.Context, at string) error {
	var each json.RawMessage
	values := []json.RawMessage{nil}
	if s.Each != nil {
		if values = s.Each.Values; len(values) == 0 {
			values = []json.RawMessage{sampleOf(s.List, s.Each.Param)}
		}
		each = values[0]
	}
	example := time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC)
	for i, value := range values {
		if s.start.IsZero() {
			params, err := s.ListParams(value, SyncRange{})
			if err := fits(ctx, s.List, params, err); err != nil {
				if i > 0 {
					return malformed(fmt.Sprintf("%s.each.values[%d]", at, i), "%v", err)
				}
				return malformed(at+".params", "%v", err)
			}
		}
		if s.Changes == nil {
			continue
		}
		r := SyncRange{From: example, Until: example.Add(time.Hour)}
		if s.Changes.Token != "" {
			r = SyncRange{Token: json.RawMessage(`"token"`)}
		}
		params, err := s.ListParams(value, r)
		if err := fits(ctx, s.List, params, err); err != nil {
			return malformed(at+".changes", "%v", err)
		}
	}
	if s.Get != nil {
		params, err := s.GetParams(sampleOf(s.Get, s.getKey), cmpRaw(each, `"1"`))
		if err := fits(ctx, s.Get, params, err); err != nil {
			return malformed(at+".get", "%v", err)
		}
	}
	if s.Deletions != nil {
		params, err := s.Deletions.ListParams(example)
		if err := fits(ctx, s.Deletions.List, params, err); err != nil {
			return malformed(at+".deletions", "%v", err)
		}
	}
	return nil
}

func cmpRaw(raw json.RawMessage, otherwise string) json.RawMessage {
	if len(raw) > 0 {
		return raw
	}
	return json.RawMessage(otherwise)
}

// sampleOf is a value for a place in an operation's parameters: that of one of its examples, or a text.
func sampleOf(op *Operation, pointer string) json.RawMessage {
	for _, example := range op.Examples {
		if value, found, err := rawjson.Pointer(example, pointer); err == nil && found {
			return value
		}
	}
	return json.RawMessage(`"1"`)
}

// fits says what is wrong with the parameters of a call that a sync makes.
func fits(ctx context.Context, op *Operation, params json.RawMessage, err error) error {
	if err == nil {
		err = op.Validate(ctx, params)
	}
	if err == nil {
		return nil
	}
	var e *abi.Error
	if errors.As(err, &e) {
		text := e.Message
		if e.Hint != "" {
			text += "; " + e.Hint
		}
		return fmt.Errorf("does not make a call of %s, which would get %.300s: %s", op.Name(), params, text)
	}
	return fmt.Errorf("does not make a call of %s: %w", op.Name(), err)
}
