package connector

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

func (r *syncReader) each() error {
	d := r.d.Each
	if d == nil {
		return nil
	}
	e := &SyncEach{Param: d.Param, As: d.As, Changed: d.Changed}
	if err := r.inParams(".each.param", d.Param, r.s.List); err != nil {
		return err
	}
	switch {
	case (len(d.Values) > 0) == (d.Of != ""):
		return malformed(r.at+".each", "needs values, or of with the entity whose records have them, and not both")
	case len(d.Values) > maxSyncValues:
		return malformed(r.at+".each.values", "has %d entries, the limit is %d", len(d.Values), maxSyncValues)
	case d.As != "" && !fieldForm.MatchString(d.As):
		return malformed(r.at+".each.as", "is %.64q, want a name of letters, digits and underscores", d.As)
	case d.Changed != "" && d.Of == "":
		return malformed(r.at+".each.changed", "is for lists by the records of another entity; add of, or remove it")
	}
	for i, value := range d.Values {
		at := fmt.Sprintf("%s.each.values[%d]", r.at, i)
		if slices.Contains(d.Values[:i], value) {
			return malformed(at, "repeats %.64q", value)
		}
		if err := checkText(at, value); err != nil {
			return err
		}
		quoted, _ := json.Marshal(value) // texts always marshal
		e.Values = append(e.Values, quoted)
	}
	r.s.Each = e
	if d.Of == "" {
		return nil
	}
	var others []string
	for _, other := range r.all {
		if other.Entity == d.Of && other != r.s {
			e.Of = other
		}
		if other != r.s {
			others = append(others, other.Entity)
		}
	}
	if e.Of == nil {
		return malformed(r.at+".each.of", "is %.64q, which no other sync has; %s", d.Of, fault.Hint(d.Of, others))
	}
	if d.Changed == "" {
		return nil
	}
	// The other one may not have been read yet.
	of := r.c.operations[abi.OperationRef{Entity: d.Of, Action: cmp.Or(e.Of.declared.List, "list")}]
	if of == nil {
		return r.pointer(".each.changed", d.Changed)
	}
	return r.inRecord(".each.changed", d.Changed, of)
}

// timeFormats are the formats of times in parameters.
var timeFormats = []string{"date-time", "date", "epoch", "epoch_milliseconds"}

func (r *syncReader) changes() error {
	d := r.d.Changes
	if d == nil {
		return nil
	}
	at := r.at + ".changes"
	switch {
	case d.Param == "" && d.Field == "":
		return malformed(at, "is empty: write param, where the time goes, and field, where records have theirs")
	case d.Param == "" && (len(d.Params) > 0 || d.Until != "" || d.Start != "" || d.Token != "" || d.Format != "" || d.OverlapSeconds != 0):
		return malformed(at+".param", "is missing: it says where the time or the token goes")
	case d.Param != "" && d.Field == "" && d.Token == "":
		return malformed(at, "needs field, where records have the time of param, or token, where meta has the next value of it")
	case d.Token != "" && (d.Until != "" || d.Start != "" || d.Format != "" || d.OverlapSeconds != 0):
		return malformed(at+".token", "stands beside until, start, format or overlap_seconds, which are about times")
	case d.Format != "" && !slices.Contains(timeFormats, d.Format):
		return malformed(at+".format", "is %.64q; %s", d.Format, fault.Hint(d.Format, timeFormats))
	case d.OverlapSeconds < 0 || d.OverlapSeconds > maxSyncWait:
		return malformed(at+".overlap_seconds", "is %d, want 0 to %d", d.OverlapSeconds, maxSyncWait)
	case d.MaxSeconds != 0 && d.Until == "":
		return malformed(at+".max_seconds", "is for ranges; add until, where the end of one goes")
	case d.MaxSeconds != 0 && (d.MaxSeconds < 24*3600 || d.MaxSeconds > 100*366*24*3600):
		return malformed(at+".max_seconds", "is %d, want a day, 86400, or more", d.MaxSeconds)
	}
	for key, pointer := range map[string]string{".field": d.Field, ".token": d.Token} {
		if pointer == "" {
			continue
		}
		check := r.inRecord
		if key == ".token" {
			check = func(key, pointer string, _ *Operation) error { return r.pointer(key, pointer) }
		}
		if err := check(".changes"+key, pointer, r.s.List); err != nil {
			return err
		}
	}
	r.s.Recent = d.Field
	if d.Param == "" {
		return nil
	}
	for key, pointer := range map[string]string{".param": d.Param, ".until": d.Until} {
		if pointer == "" {
			continue
		}
		if err := r.inParams(".changes"+key, pointer, r.s.List); err != nil {
			return err
		}
	}
	if err := checkSyncParams(at+".params", d.Params, r.params); err != nil {
		return err
	}
	overlap := defaultOverlap
	if d.Format == "date" {
		overlap = defaultOverlapDates
	}
	if overlap = cmp.Or(seconds(d.OverlapSeconds), overlap); d.MaxSeconds != 0 && seconds(d.MaxSeconds) < 2*overlap {
		return malformed(at+".max_seconds", "is %d, want twice the overlap, which is %d, or more", d.MaxSeconds, int(overlap.Seconds()))
	}
	r.s.Changes = &SyncChanges{
		Token: d.Token, Overlap: overlap,
		param: d.Param, until: d.Until, format: d.Format, params: d.Params, most: seconds(d.MaxSeconds),
	}
	if d.Token == "" {
		r.s.Changes.Field = d.Field
	}
	if d.Start != "" {
		start, err := time.Parse(time.RFC3339, d.Start)
		if err != nil {
			return malformed(at+".start", "is %.64q, want a time such as 2020-01-01T00:00:00Z", d.Start)
		}
		r.s.start = start
	}
	return nil
}

func (r *syncReader) deletions() error {
	d := r.d.Deletions
	if d == nil {
		return nil
	}
	at := r.at + ".deletions"
	switch {
	case (d.Field == "") == (d.List == ""):
		return malformed(at, "needs field, where a record says that it is deleted, or list, the action that lists deleted ones, and not both")
	case d.List == "" && (d.Key != "" || d.Param != ""):
		return malformed(at, "has key or param, which are for a list of deleted records; add list, or remove them")
	case d.List != "" && len(d.Values) > 0:
		return malformed(at+".values", "are for field")
	case len(d.Values) > maxSyncValues:
		return malformed(at+".values", "has %d entries, the limit is %d", len(d.Values), maxSyncValues)
	}
	if d.Field != "" {
		for i, value := range d.Values {
			if kind := rawjson.KindOf(value); len(value) > 1000 || kind == rawjson.Object || kind == rawjson.Array {
				return malformed(fmt.Sprintf("%s.values[%d]", at, i), "is no text, number, true, false or null")
			}
		}
		r.s.deletedBy, r.s.deletedWith = d.Field, d.Values
		return r.inRecord(".deletions.field", d.Field, r.s.List)
	}
	op, err := r.action(".deletions.list", d.List)
	if err != nil {
		return err
	}
	r.s.Deletions = &SyncDeletions{List: op, Key: cmp.Or(d.Key, r.s.Key), param: d.Param}
	if d.Param != "" {
		if err := r.inParams(".deletions.param", d.Param, op); err != nil {
			return err
		}
	}
	return r.inRecord(".deletions.key", r.s.Deletions.Key, op)
}
