package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/internal/sandbox"
)

// syncsHold does what a host does that copies records, and looks whether they have what the manifest
// says.
func syncsHold(ctx context.Context, e *examination, c *Check) {
	for _, s := range e.connector.Syncs() {
		if list := e.accepted(s.List); list != nil {
			list.lists(ctx, s, c)
		}
		if get := e.accepted(s.Get); get != nil {
			get.gets(ctx, s, c)
		}
	}
}

// accepted returns the subject of an operation that accepts an answer, nil if there is none.
func (e *examination) accepted(op *connector.Operation) *subject {
	for _, s := range e.subjects {
		if s.Operation == op && s.answer != nil && s.stuck == "" {
			return s
		}
	}
	return nil
}

// lists lists the records of a sync with each set of parameters that a host makes.
func (s *subject) lists(ctx context.Context, of *connector.Sync, c *Check) {
	var each json.RawMessage
	if of.Each != nil {
		each = json.RawMessage(`"value"`)
		if value, found, err := rawjson.Pointer(s.sending, of.Each.Param); err == nil && found {
			each = value
		}
		if len(of.Each.Values) > 0 {
			each = of.Each.Values[0]
		}
	}
	ranges := of.All(testTime)[:1]
	switch {
	case of.Changes == nil:
	case of.Changes.Token != "":
		ranges = append(ranges, connector.SyncRange{Token: json.RawMessage(`"token-1"`)})
	default:
		ranges = append(ranges, of.Since(testTime, testTime)[0])
	}
	for _, r := range ranges {
		params, err := of.ListParams(each, r)
		if err != nil {
			return // with the declaration
		}
		c.Cases++
		if failed := s.run(ctx, params, s.good(s.answer)).failed(); failed != nil {
			c.problem("%s refuses what its sync asks for, %s: %s", s.Name(), short(params), failed.Message)
			return
		}
		for _, answer := range s.copied(of) {
			run := s.run(ctx, params, s.good(answer))
			if run.failed() != nil {
				continue // other checks have the failures
			}
			c.Cases++
			if rawjson.KindOf(run.outcome.Data) != rawjson.Array {
				c.problem("%s answers %s, and a sync needs an array of records", s.Name(), short(run.outcome.Data))
				return
			}
			if !s.holds(of, slices.Collect(rawjson.Elements(run.outcome.Data)), c) {
				return
			}
		}
		if of.Changes != nil && of.Changes.Token != "" {
			c.Cases++
			if !s.hasToken(ctx, params, of.Changes.Token) {
				c.problem("%s never has a text at %s of its meta, no matter what the vendor answers: the next pass of its sync needs it", s.Name(), of.Changes.Token)
				return
			}
		}
	}
}

// gets gets a record of a sync.
func (s *subject) gets(ctx context.Context, of *connector.Sync, c *Check) {
	for _, answer := range s.copied(of) {
		run := s.run(ctx, s.sending, s.good(answer))
		if run.failed() != nil {
			continue
		}
		c.Cases++
		if !s.holds(of, [][]byte{run.outcome.Data}, c) {
			return
		}
	}
}

// copied are answers with records as the manifest describes them: its own, and the one that was found, with a
// record in it that has the key of the sync.
func (s *subject) copied(of *connector.Sync) [][]byte {
	var answers [][]byte
	for _, own := range s.Answers {
		answers = append(answers, own)
	}
	record := any(map[string]any{})
	if len(s.Result) > 0 {
		record = (&filling{}).value(parseSchema(s.Result), 0)
	}
	if _, has := of.KeyOf(marshal(record)); !has {
		record = put(record, strings.Split(of.Key[1:], "/"), "key-1")
	}
	var found any
	if json.Unmarshal(s.answer, &found) != nil {
		return answers
	}
	before := marshal(found)
	if replaced := marshal(replaceRecords(found, record)); !bytes.Equal(before, replaced) {
		answers = append(answers, replaced)
	}
	return answers
}

// holds reports whether records have the key of a sync, and times where it says that times are.
func (s *subject) holds(of *connector.Sync, records [][]byte, c *Check) bool {
	for _, record := range records {
		if _, ok := of.KeyOf(record); !ok {
			c.problem("%s answers %s, which has no key at %s, as its sync says", s.Name(), short(record), of.Key)
			return false
		}
		if of.Recent == "" {
			continue
		}
		value, found, err := rawjson.Pointer(record, of.Recent)
		if _, ok := of.TimeOf(record); !ok && err == nil && found && rawjson.KindOf(value) != rawjson.Null {
			c.problem("%s answers %s, which has no time at %s, as its sync says", s.Name(), short(record), of.Recent)
			return false
		}
	}
	return true
}

// hasToken reports whether some answer makes a text at a place in meta: the one that was found, or with one
// of the values that the connector looks for in vain.
func (s *subject) hasToken(ctx context.Context, params json.RawMessage, place string) bool {
	has := func(r *run) bool {
		if r.failed() != nil {
			return false
		}
		value, found, err := rawjson.Pointer(r.outcome.Meta, place)
		return err == nil && found && rawjson.KindOf(value) == rawjson.String
	}
	var w watch
	if has(s.call(ctx, sandbox.Call{Input: s.input(params), Trace: w.trace}, s.good(s.answer))) {
		return true
	}
	for _, pointer := range w.missed {
		var found any
		if json.Unmarshal(s.answer, &found) != nil {
			return false
		}
		if has(s.run(ctx, params, s.good(marshal(put(found, strings.Split(pointer[1:], "/"), "token-1"))))) {
			return true
		}
	}
	return false
}
