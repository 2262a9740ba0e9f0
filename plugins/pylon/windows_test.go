package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/pdk/pdktest"
)

// vendorWindow answers GET /issues as Pylon does: a window of more than 30 days is
// refused, and each window has two pages.
func vendorWindow(t *testing.T) http.Handler {
	t.Helper()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		start, err1 := time.Parse(time.RFC3339, q.Get("start_time"))
		end, err2 := time.Parse(time.RFC3339, q.Get("end_time"))
		if err1 != nil || err2 != nil || !end.After(start) || end.Sub(start) > 30*24*time.Hour {
			t.Errorf("Pylon refuses the window %s to %s", q.Get("start_time"), q.Get("end_time"))
		}
		page, next, more := "1", `"p2"`, true
		if q.Get("cursor") == "p2" {
			page, next, more = "2", `""`, false
		}
		_, _ = fmt.Fprintf(w, `{"data":[{"id":"%s/%s"}],"request_id":"r","pagination":{"cursor":%s,"has_next_page":%t}}`,
			start.UTC().Format("2006-01-02"), page, next, more)
	})
}

func TestLongWindowIsWalked(t *testing.T) {
	r := pdktest.Run(t, &connector, vendorWindow(t))
	params := map[string]any{"start_time": "2026-01-01T00:00:00+02:00", "end_time": "2026-03-15T12:30:00+02:00", "limit": 5}
	var ids []string
	for range 20 {
		data, meta, err := r.Execute("issues", "list", params)
		if err != nil {
			t.Fatal(err)
		}
		var rows []struct{ ID string }
		if err := json.Unmarshal(data, &rows); err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			ids = append(ids, row.ID)
		}
		var m struct {
			NextCursor  *string `json:"next_cursor"`
			HasMore     bool    `json:"has_more"`
			HasNextPage bool    `json:"has_next_page"`
		}
		if err := json.Unmarshal(meta, &m); err != nil {
			t.Fatal(err)
		}
		if m.HasMore != m.HasNextPage || m.HasMore != (m.NextCursor != nil) {
			t.Errorf("meta contradicts itself: %s", meta)
		}
		if !m.HasMore {
			break
		}
		params["cursor"] = *m.NextCursor
	}
	// 31 December because the window starts at midnight two hours east of UTC.
	want := "2025-12-31/1 2025-12-31/2 2026-01-30/1 2026-01-30/2 2026-03-01/1 2026-03-01/2"
	if got := strings.Join(ids, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	requests := r.Requests()
	first, last := requests[0].Query, requests[len(requests)-1].Query
	if want := "start_time=2026-01-01T00%3A00%3A00%2B02%3A00&end_time=2026-01-31T00%3A00%3A00%2B02%3A00&limit=5"; first != want {
		t.Errorf("first query %s, want %s", first, want)
	}
	if want := "start_time=2026-03-02T00%3A00%3A00%2B02%3A00&end_time=2026-03-15T12%3A30%3A00%2B02%3A00&cursor=p2&limit=5"; last != want {
		t.Errorf("last query %s, want %s", last, want)
	}
}

// TestPartsWithoutIssues: a part of the window without issues leads on to the next one. Where
// Pylon says that there are more pages and gives no cursor, nothing is passed over.
func TestPartsWithoutIssues(t *testing.T) {
	for answer, want := range map[string]string{
		`{"data":[],"pagination":{"cursor":null,"has_next_page":false}}`: `"next_cursor":"w1~2024-01-31T00:00:00Z~","has_more":true`,
		`{"data":[],"pagination":{"cursor":null,"has_next_page":true}}`:  `"next_cursor":null,"has_more":true`,
	} {
		r := pdktest.Run(t, &connector, pdktest.Script(t, pdktest.Exchange{
			Method: "GET", URL: "/issues?start_time=2024-01-01T00%3A00%3A00Z&end_time=2024-01-31T00%3A00%3A00Z", Answer: answer,
		}))
		data, meta, err := r.Execute("issues", "list", map[string]any{"start_time": "2024-01-01T00:00:00Z", "end_time": "2026-01-10T00:00:00Z"})
		if err != nil || string(data) != `[]` || !strings.Contains(string(meta), want) {
			t.Errorf("%s, %s, %v", data, meta, err)
		}
	}
}

func TestShortWindowIsUntouched(t *testing.T) {
	// Exactly 30 days, with a cursor that looks like one of the connector's own.
	r := pdktest.Run(t, &connector, pdktest.Script(t, pdktest.Exchange{
		Method: "GET", URL: "/issues?start_time=2026-01-01T00%3A00%3A00Z&end_time=2026-01-31T00%3A00%3A00Z&cursor=w1~abc",
		Answer: `{"data":[],"pagination":{"cursor":"w1~def","has_next_page":true}}`,
	}))
	_, meta, err := r.Execute("issues", "list", map[string]any{
		"start_time": "2026-01-01T00:00:00Z", "end_time": "2026-01-31T00:00:00Z", "cursor": "w1~abc",
	})
	if err != nil || !strings.Contains(string(meta), `"next_cursor":"w1~def"`) {
		t.Errorf("%s, %v", meta, err)
	}
}

func TestBadWindows(t *testing.T) {
	const start, end = "2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z"
	tests := []struct{ name, start, end, cursor, field string }{
		{"reversed", end, start, "", "end_time"},
		{"empty", start, start, "", "end_time"},
		{"no time", "yesterday", end, "", "start_time"},
		{"a date", start, "2026-06-01", "", "end_time"},
		{"another cursor", start, end, "abc", "cursor"},
		{"a cursor without a time", start, end, "w1~", "cursor"},
		{"a cursor of another window", start, end, "w1~2025-12-02T00:00:00Z~x", "cursor"},
		{"a cursor between two parts", start, end, "w1~2026-01-05T00:00:00Z~x", "cursor"},
		{"a cursor after the end", start, end, "w1~2026-08-29T00:00:00Z~x", "cursor"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := pdktest.Run(t, &connector, pdktest.Script(t))
			params := map[string]any{"start_time": tt.start, "end_time": tt.end}
			if tt.cursor != "" {
				params["cursor"] = tt.cursor
			}
			_, _, err := r.Execute("issues", "list", params)
			var e *abi.Error
			if !errors.As(err, &e) || e.Kind != abi.KindInvalidParams || e.Field != tt.field {
				t.Errorf("error is %v", err)
			}
		})
	}
}

func FuzzWindowCursor(f *testing.F) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	end := start.AddDate(1, 0, 0)
	f.Add("w1~2026-01-31T00:00:00Z~abc")
	f.Add("w1~~")
	f.Fuzz(func(t *testing.T, s string) {
		from, cursor, err := parseWindowCursor(s, start, end)
		if err != nil {
			return
		}
		if from.Before(start) || !from.Before(end) {
			t.Errorf("%q starts at %v", s, from)
		}
		if !strings.HasSuffix(s, "~"+cursor) {
			t.Errorf("%q has the cursor %q", s, cursor)
		}
	})
}
