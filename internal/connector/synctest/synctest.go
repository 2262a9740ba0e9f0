// Package synctest makes one pass over what a connector's sync declares, in the plainest way, against a
// vendor that tests make up.
package synctest

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Execute runs an operation, such as that of pdktest.Runner.
type Execute func(entity, action string, params any) (data, meta json.RawMessage, err error)

// maxPages bounds one list. Of the lists that there is one of for each record of another entity, the first
// maxLists are read.
const (
	maxPages = 1000
	maxLists = 20
)

// Everything lists all entities, asks again for what changed, and gets one record of each. It fails the test
// where a call fails, where a record has no key, and where two of a list have the same one. It returns how
// many records each entity has.
func Everything(t testing.TB, c *connector.Connector, now time.Time, execute Execute) map[string]int {
	t.Helper()
	p := pass{t: t, now: now, execute: execute, keys: make(map[string][]json.RawMessage)}
	counts := make(map[string]int)
	for _, s := range c.Syncs() {
		counts[s.Entity] = len(p.of(s))
	}
	return counts
}

type pass struct {
	t       testing.TB
	now     time.Time
	execute Execute
	keys    map[string][]json.RawMessage // of entities that were listed
}

// of returns the keys of an entity.
func (p *pass) of(s *connector.Sync) []json.RawMessage {
	if keys, done := p.keys[s.Entity]; done {
		return keys
	}
	values := []json.RawMessage{nil}
	if s.Each != nil {
		if values = s.Each.Values; len(values) == 0 {
			values = p.of(s.Each.Of)
			values = values[:min(len(values), maxLists)]
		}
	}
	var all []json.RawMessage
	got := false
	for _, each := range values {
		keys, token, latest := p.list(s, each, s.All(p.now))
		switch {
		case s.Changes == nil || len(keys) == 0:
		case s.Changes.Token != "":
			if token == nil {
				p.t.Errorf("%s: the last page has no token", s.Entity)
				break
			}
			p.list(s, each, []connector.SyncRange{{Token: token}})
		default:
			if again, _, _ := p.list(s, each, s.Since(latest, p.now)); len(again) == 0 || len(again) > len(keys) {
				p.t.Errorf("%s: %d of %d records are new since %v", s.Entity, len(again), len(keys), latest)
			}
		}
		if s.Get != nil && len(keys) > 0 && !got {
			got = true
			params, err := s.GetParams(keys[0], each)
			if err != nil {
				p.t.Errorf("%s: %v", s.Entity, err)
			}
			record, _, err := p.execute(s.Entity, s.Get.Action, params)
			if key, ok := s.KeyOf(record); err != nil || !ok || string(key) != string(keys[0]) {
				p.t.Errorf("%s with %s answers %.200s, %v", s.Get.Name(), params, record, err)
			}
		}
		all = append(all, keys...)
	}
	p.keys[s.Entity] = all
	return all
}

// list reads all pages of ranges.
func (p *pass) list(s *connector.Sync, each json.RawMessage, ranges []connector.SyncRange) (keys []json.RawMessage, token json.RawMessage, latest time.Time) {
	p.t.Helper()
	seen := make(map[string]bool)
	for _, r := range ranges {
		raw, err := s.ListParams(each, r)
		var params map[string]json.RawMessage
		if err == nil {
			err = json.Unmarshal(raw, &params)
		}
		for page := 0; err == nil; page++ {
			var data, meta json.RawMessage
			if data, meta, err = p.execute(s.Entity, s.List.Action, params); err != nil {
				break
			}
			var records []json.RawMessage
			if err = json.Unmarshal(data, &records); err != nil {
				break
			}
			for _, record := range records {
				key, ok := s.KeyOf(record)
				if !ok {
					err = fmt.Errorf("a record has no key: %.200s", record)
					break
				}
				if at, ok := s.TimeOf(record); ok && at.After(latest) {
					latest = at
				}
				if !seen[string(key)] && !s.Deleted(record) {
					seen[string(key)] = true
					keys = append(keys, key)
				}
			}
			if s.Changes != nil && s.Changes.Token != "" {
				token = at(meta, s.Changes.Token)
			}
			next := at(meta, "/"+abi.MetaNextCursor)
			if !s.List.Paginated || len(next) == 0 || string(next) == "null" {
				break
			}
			if params["cursor"] = next; page == maxPages {
				err = fmt.Errorf("there are more than %d pages", maxPages)
			}
		}
		if err != nil {
			p.t.Errorf("%s with %s: %v", s.List.Name(), raw, err)
			return nil, nil, latest
		}
	}
	return keys, token, latest
}

// at is a member of meta.
func at(meta json.RawMessage, pointer string) json.RawMessage {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(meta, &members) // without meta there is none
	return members[pointer[1:]]
}
