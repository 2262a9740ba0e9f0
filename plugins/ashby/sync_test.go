package main

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/pdk/pdktest"
)

const listURL = "/candidate.list"

func TestSyncAsksForChanges(t *testing.T) {
	r := pdktest.Run(t, &connector, pdktest.Script(t,
		pdktest.Exchange{Method: "POST", URL: listURL, Body: `{"syncToken":"s1","limit":1}`,
			Answer: `{"success":true,"results":[{"id":"a"}],"moreDataAvailable":true,"nextCursor":"c1"}`},
		pdktest.Exchange{Method: "POST", URL: listURL, Body: `{"syncToken":"s1","limit":1,"cursor":"c1"}`,
			Answer: `{"success":true,"results":[{"id":"b"}],"moreDataAvailable":false,"syncToken":"s2"}`},
	))
	for _, tt := range []struct {
		params     map[string]any
		data, meta string
	}{
		{map[string]any{"syncToken": "s1", "limit": 1}, `[{"id":"a"}]`, `{"cursor":"c1","next_cursor":"c1","has_more":true}`},
		{map[string]any{"syncToken": "s1", "limit": 1, "cursor": "c1"}, `[{"id":"b"}]`, `{"cursor":null,"syncToken":"s2","next_cursor":null,"has_more":false}`},
	} {
		data, meta, err := r.Execute("candidates", "list", tt.params)
		if err != nil || string(data) != tt.data || string(meta) != tt.meta {
			t.Errorf("%v: %s, %s, %v", tt.params, data, meta, err)
		}
	}
}

// TestStaleTokenListsEverything goes on giving the stale token, as a caller does
// that follows next_cursor.
func TestStaleTokenListsEverything(t *testing.T) {
	for _, code := range []string{"sync_token_expired", "sync_token_invalid", "incremental_sync_too_large"} {
		r := pdktest.Run(t, &connector, pdktest.Script(t,
			pdktest.Exchange{Method: "POST", URL: listURL, Body: `{"syncToken":"old","createdAfter":5}`, Answer: info(code, "Start again")},
			pdktest.Exchange{Method: "POST", URL: listURL, Body: `{"createdAfter":5}`,
				Answer: `{"success":true,"results":[{"id":"a"}],"moreDataAvailable":true,"nextCursor":"c\"1"}`},
			pdktest.Exchange{Method: "POST", URL: listURL, Body: `{"createdAfter":5,"cursor":"c\"1"}`,
				Answer: `{"success":true,"results":[{"id":"b"}],"moreDataAvailable":false,"syncToken":"s2"}`},
		))
		params := map[string]any{"syncToken": "old", "createdAfter": 5}
		data, meta, err := r.Execute("candidates", "list", params)
		if want := `{"sync_reset_reason":"` + code + `","sync_reset":true,"cursor":"reset~c\"1","next_cursor":"reset~c\"1","has_more":true}`; err != nil || string(data) != `[{"id":"a"}]` || string(meta) != want {
			t.Errorf("%s: %s, %s, %v", code, data, meta, err)
		}
		params["cursor"] = "reset~c\"1"
		data, meta, err = r.Execute("candidates", "list", params)
		if want := `{"sync_reset":true,"cursor":null,"syncToken":"s2","next_cursor":null,"has_more":false}`; err != nil || string(data) != `[{"id":"b"}]` || string(meta) != want {
			t.Errorf("%s: %s, %s, %v", code, data, meta, err)
		}
	}
}

func TestWhenAStaleTokenIsAnError(t *testing.T) {
	stale := func(body, code string) pdktest.Exchange {
		return pdktest.Exchange{Method: "POST", URL: listURL, Body: body, Answer: info(code, "Start again")}
	}
	for _, tt := range []struct {
		name      string
		params    map[string]any
		exchanges []pdktest.Exchange
		field     string
	}{
		{"on a later page", map[string]any{"syncToken": "s", "cursor": "c"},
			[]pdktest.Exchange{stale(`{"syncToken":"s","cursor":"c"}`, "sync_token_expired")}, "syncToken"},
		{"a cursor that expired", map[string]any{"cursor": "c"},
			[]pdktest.Exchange{stale(`{"cursor":"c"}`, "next_cursor_expired")}, "cursor"},
		{"a cursor that expired in a sync", map[string]any{"syncToken": "s", "cursor": "c"},
			[]pdktest.Exchange{stale(`{"syncToken":"s","cursor":"c"}`, "cursor_invalid")}, "cursor"},
		{"no token was given", map[string]any{},
			[]pdktest.Exchange{stale(`{}`, "sync_token_expired")}, "syncToken"},
		{"a cursor of the whole list that expired", map[string]any{"syncToken": "s", "cursor": "reset~c"},
			[]pdktest.Exchange{stale(`{"cursor":"c"}`, "invalid_next_cursor")}, "cursor"},
		{"again and again", map[string]any{"syncToken": "s"},
			[]pdktest.Exchange{stale(`{"syncToken":"s"}`, "sync_token_expired"), stale(`{}`, "sync_token_expired")}, "syncToken"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := pdktest.Run(t, &connector, pdktest.Script(t, tt.exchanges...)).Execute("candidates", "list", tt.params)
			var e *abi.Error
			if !errors.As(err, &e) || e.Kind != abi.KindInvalidParams || e.Field != tt.field || e.Hint == "" {
				t.Errorf("error is %+v", err)
			}
		})
	}
}

// TestEveryTokenTakesPartInSync catches a list that takes a syncToken and does not
// do with it what the parameter's description says.
func TestEveryTokenTakesPartInSync(t *testing.T) {
	lists := 0
	for _, c := range wireCases(t) {
		if _, ok := c.Params["syncToken"]; !ok {
			continue
		}
		lists++
		params := c.Least()
		params["syncToken"] = json.RawMessage(`"old"`)
		expired := c.exchange(t, params)
		expired.Answer = info("sync_token_expired", "Old")
		r := pdktest.Run(t, &connector, pdktest.Script(t, expired, c.exchange(t, c.Least())))
		if _, _, err := r.Execute(c.Entity, c.Action, params); err != nil {
			t.Errorf("%s: %v", c.Name(), err)
		}
	}
	if lists != 18 {
		t.Errorf("%d lists take a syncToken", lists)
	}
}
