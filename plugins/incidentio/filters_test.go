package main

import (
	"encoding/json"
	"errors"
	"net/url"
	"testing"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/pdk/pdktest"
)

// TestFilters shows what each filter becomes in the query string.
func TestFilters(t *testing.T) {
	for _, tt := range []struct{ entity, params, query string }{
		{"incidents", `{}`, ``},
		{"incidents", `{"status":{"one_of":["a","b"]}}`, `status[one_of]=a&status[one_of]=b`},
		{"incidents", `{"created_at":{"gte":"2026-05-01"}}`, `created_at[gte]=2026-05-01`},
		{"incidents", `{"created_at":{"lte":"2026-05-01"}}`, `created_at[lte]=2026-05-01`},
		{"incidents", `{"created_at":{"gte":"2026-05-01","lte":"2026-05-31"}}`, `created_at[date_range]=2026-05-01~2026-05-31`},
		{"incidents", `{"created_at":{"lte":"2026-05-01","gte":"2026-05-01"}}`, `created_at[date_range]=2026-05-01~2026-05-01`},
		{"incidents", `{"created_at":{"gte":"2026-05-01T18:00:00Z","lte":"2026-05-01"}}`, `created_at[date_range]=2026-05-01T18:00:00Z~2026-05-01`},
		{"incidents", `{"updated_at":{"gte":"2026-05-01T10:00:00+02:00","lte":"2026-05-01T09:00:00Z"},"created_at":{"gte":"2026-01-01"}}`,
			`created_at[gte]=2026-01-01&updated_at[date_range]=2026-05-01T10:00:00%2B02:00~2026-05-01T09:00:00Z`},
		{"incidents", `{"updated_at":{"date_range":"2026-05-01~2026-05-31"}}`, `updated_at[date_range]=2026-05-01~2026-05-31`},
		{"incidents", `{"severity":{"gte":"s"}}`, `severity[gte]=s`},
		{"incidents", `{"incident_role":{"r":{"is_blank":true}},"custom_field":{"f":{"one_of":["x"]},"g":{"not_in":["y"]}}}`,
			`incident_role[r][is_blank]=true&custom_field[f][one_of]=x&custom_field[g][not_in]=y`},
		{"alerts", `{"created_at":{"gte":"2026-05-01","lte":"2026-05-31"},"limit":5}`, `created_at[date_range]=2026-05-01~2026-05-31&page_size=5`},
		{"alerts", `{"has_notes":{"is":false}}`, `has_notes[is]=false&page_size=25`},
		{"escalations", `{"updated_at":{"gte":"2026-05-01","lte":"2026-05-31"},"idempotency_key":{"starts_with":"db-"}}`,
			`idempotency_key[starts_with]=db-&updated_at[date_range]=2026-05-01~2026-05-31`},
	} {
		r := pdktest.Run(t, &connector, answering(t, `{"`+tt.entity+`":[]}`))
		if _, _, err := r.Execute(tt.entity, "list", json.RawMessage(tt.params)); err != nil {
			t.Errorf("%s: %v", tt.params, err)
			continue
		}
		want, err := url.ParseQuery(tt.query)
		if err != nil {
			t.Fatal(err)
		}
		checkRequest(t, r.Requests()[0], "GET", "/v2/"+tt.entity, want)
	}
}

func TestFiltersThatCannotBe(t *testing.T) {
	for _, tt := range []struct{ entity, params, field string }{
		{"incidents", `{"created_at":{"gte":"2026-05-31","lte":"2026-05-01"}}`, "created_at"},
		{"incidents", `{"updated_at":{"gte":"2026-05-01T10:00:00Z","lte":"2026-05-01T11:00:00+02:00"}}`, "updated_at"},
		{"incidents", `{"created_at":{"gte":"2026-05-01","date_range":"2026-05-01~2026-05-31"}}`, "created_at"},
		{"incidents", `{"created_at":{"lte":"2026-05-01","date_range":"2026-05-01~2026-05-31"}}`, "created_at"},
		{"incidents", `{"created_at":{"gte":"yesterday"}}`, "created_at.gte"},
		{"incidents", `{"created_at":{"gte":"2026-05-01~2026-05-02"}}`, "created_at.gte"},
		{"incidents", `{"created_at":{"date_range":"2026-05-01"}}`, "created_at.date_range"},
		{"incidents", `{"created_at":"2026-05-01"}`, "created_at"},
		{"incidents", `{"severity":{"gte":"a","lte":"b"}}`, "severity"},
		{"incidents", `{"status":{"is":"a"}}`, "status.is"},
		{"incidents", `{"status_category":{"one_of":["open"]}}`, "status_category.one_of[0]"},
		{"incidents", `{"custom_field":{"f":["x"]}}`, "custom_field.f"},
		{"alerts", `{"has_notes":{"is":"yes"}}`, "has_notes.is"},
		{"alerts", `{"limit":51}`, "limit"},
		{"escalations", `{"page_size":5,"limit":6}`, "page_size"},
	} {
		r := pdktest.Run(t, &connector, pdktest.Script(t))
		_, _, err := r.Execute(tt.entity, "list", json.RawMessage(tt.params))
		var e *abi.Error
		if !errors.As(err, &e) || e.Kind != abi.KindInvalidParams || e.Field != tt.field {
			t.Errorf("%s: %v", tt.params, err)
		}
	}
}

// FuzzDates checks that no pair of times makes the connector panic or send gte beside
// lte, which incident.io refuses.
func FuzzDates(f *testing.F) {
	for _, seed := range [][2]string{{"2026-05-01", "2026-05-31"}, {"2026-05-01T10:00:00Z", "2026-05-01"}, {"2026-05-01T", "x"}, {"", "2026-05-01"}, {"~", "ü"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, from, to string) {
		r := &pdk.Request{Query: [][2]string{{"sort_by", "x"}, {"created_at[gte]", from}, {"created_at[lte]", to}}}
		if err := useRange(r, "created_at"); err != nil || from == "" || to == "" {
			return
		}
		if len(r.Query) != 2 || r.Query[0] != [2]string{"sort_by", "x"} || r.Query[1] != [2]string{"created_at[date_range]", from + "~" + to} {
			t.Errorf("%q, %q: the query is %q", from, to, r.Query)
		}
		if later(to, from) && later(from, to) {
			t.Errorf("%q and %q are later than each other", from, to)
		}
	})
}
