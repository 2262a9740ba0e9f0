package main

import (
	"strings"
	"time"

	"github.com/agenthost/agenthost/pdk"
)

// incident.io's filters have the form field[operator]=value. A parameter is an object with the
// operators as members, which package pdk sends in that form.

// among filters by ids.
//
//go:noinline
func among(name, what, source string) pdk.Param {
	return pdk.Query(name, pdk.Object("Only those "+what+".",
		pdk.Prop("one_of", ids("Ids, one of which must be it"+source+".")),
		pdk.Prop("not_in", ids("Ids, none of which may be it.")),
	))
}

// amongValues filters by fixed values.
//
//go:noinline
func amongValues(name, what string, values ...string) pdk.Param {
	return pdk.Query(name, pdk.Object("Only those "+what+".",
		pdk.Prop("one_of", pdk.Array("Values, one of which must be it.", pdk.Enum("", values...)).Max(maxItems)),
		pdk.Prop("not_in", pdk.Array("Values, none of which may be it.", pdk.Enum("", values...)).Max(maxItems)),
	))
}

// datePattern is a date, or a time that starts like one.
const datePattern = `\d{4}-\d{2}-\d{2}(T[0-9:.+Z-]+)?`

// dates filters by time. Rows with it need listFiltered.
//
//go:noinline
func dates(name, what string) pdk.Param {
	return pdk.Query(name, pdk.Object("Only those "+what+" then. Times are dates such as 2026-05-01, or RFC 3339 such as 2026-05-01T12:00:00Z. Give gte, lte or both; or date_range alone.",
		pdk.Prop("gte", pdk.String("Then or later.").Pattern("^"+datePattern+"$").Max(64)),
		pdk.Prop("lte", pdk.String("Then or earlier.").Pattern("^"+datePattern+"$").Max(64)),
		pdk.Prop("date_range", pdk.String("Both ends with ~ between them: 2026-05-01~2026-05-31.").Pattern("^"+datePattern+"~"+datePattern+"$").Max(129)),
	))
}

// listFiltered lists with filters. incident.io answers 422 to gte with lte, so the two become a
// range; for severity, which has no ranges, the error says what to do instead.
func listFiltered(c *pdk.Call) error {
	r := c.Request()
	for _, field := range []string{"created_at", "updated_at"} {
		if err := useRange(r, field); err != nil {
			return err
		}
	}
	if queryValue(r, "severity[gte]") != "" && queryValue(r, "severity[lte]") != "" {
		return pdk.InvalidParam("severity", "incident.io does not take severity.gte and severity.lte together",
			"list the severities in between in severity.one_of; severities.list has their ranks")
	}
	resp, err := c.Do(r)
	if err != nil {
		return err
	}
	return c.Respond(resp)
}

// useRange replaces gte and lte of a field by date_range.
func useRange(r *pdk.Request, field string) error {
	from, to := queryValue(r, field+"[gte]"), queryValue(r, field+"[lte]")
	if queryValue(r, field+"[date_range]") != "" && (from != "" || to != "") {
		return pdk.InvalidParam(field, field+" has a date_range beside gte or lte", "give date_range alone, or gte and lte")
	}
	if from == "" || to == "" {
		return nil
	}
	if later(from, to) {
		return pdk.InvalidParam(field, field+".gte is later than "+field+".lte", "swap them")
	}
	r.SetQuery(field+"[gte]", "")
	r.SetQuery(field+"[lte]", "")
	r.SetQuery(field+"[date_range]", from+"~"+to)
	return nil
}

// later reports whether a is surely later than b: a date is a whole day.
func later(a, b string) bool {
	dayA, _, timeA := strings.Cut(a, "T")
	dayB, _, timeB := strings.Cut(b, "T")
	if !timeA || !timeB {
		return dayA > dayB
	}
	from, err := time.Parse(time.RFC3339, a)
	if err != nil {
		return false
	}
	to, err := time.Parse(time.RFC3339, b)
	return err == nil && from.After(to)
}

func queryValue(r *pdk.Request, name string) string {
	for _, q := range r.Query {
		if q[0] == name {
			return q[1]
		}
	}
	return ""
}
