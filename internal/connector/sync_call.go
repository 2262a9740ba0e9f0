package connector

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// SyncRange is what a list is asked for. The zero value is everything.
type SyncRange struct {
	// From is the time of the earliest change that is wanted, and Until the end of the range for lists
	// that take one.
	From, Until time.Time
	// Token is in place of both what the pass before got.
	Token json.RawMessage
}

// maxRanges bounds the ranges of a pass: at a day each, more than a lifetime.
const maxRanges = 50_000

// All returns the ranges of a pass over everything, the earliest first, so that a record that changes
// meanwhile comes again.
func (s *Sync) All(now time.Time) []SyncRange {
	if s.start.IsZero() {
		return []SyncRange{{}}
	}
	return s.ranges(s.start, now)
}

// Since returns the ranges of a pass over what changed since the latest change that is known: the latest
// [Sync.TimeOf] of the records of a list. Where times tell nothing, it is a pass over everything.
func (s *Sync) Since(latest, now time.Time) []SyncRange {
	if s.Changes == nil || s.Changes.Token != "" {
		return s.All(now)
	}
	return s.ranges(latest.Add(-s.Changes.Overlap), now)
}

func (s *Sync) ranges(from, now time.Time) []SyncRange {
	c := s.Changes
	if c.until == "" {
		return []SyncRange{{From: from}}
	}
	end := now.Add(c.Overlap) // the vendor's clock may be ahead
	if !from.Before(end) {
		from = end.Add(-c.Overlap)
	}
	var all []SyncRange
	for c.most > 0 && end.Sub(from) > c.most && len(all) < maxRanges {
		all = append(all, SyncRange{From: from, Until: from.Add(c.most)})
		from = from.Add(c.most - c.Overlap) // some vendors leave both ends out
	}
	return append(all, SyncRange{From: from, Until: end})
}

// ListParams returns the parameters of a list: for a value of Each, nil without one, and for a range.
// The limit and the cursor of a page are not among them.
func (s *Sync) ListParams(each json.RawMessage, r SyncRange) (json.RawMessage, error) {
	params, err := merged(nil, s.declared.Params)
	if err != nil {
		return nil, err
	}
	if s.Each != nil {
		if err := put(params, s.Each.Param, each); err != nil {
			return nil, err
		}
	}
	c := s.Changes
	switch {
	case c == nil || r.From.IsZero() && len(r.Token) == 0:
		return json.Marshal(params)
	case c.Token != "" && len(r.Token) == 0 || c.Token == "" && r.From.IsZero():
		return nil, errors.New("the range of the list is not of its kind")
	}
	if params, err = merged(params, c.params); err != nil {
		return nil, err
	}
	if c.Token != "" {
		if err := put(params, c.param, r.Token); err != nil {
			return nil, err
		}
		return json.Marshal(params)
	}
	if err := put(params, c.param, timeAs(r.From, c.format)); err != nil {
		return nil, err
	}
	if c.until != "" {
		if err := put(params, c.until, timeAs(r.Until, c.format)); err != nil {
			return nil, err
		}
	}
	return json.Marshal(params)
}

// ListParams returns the parameters of the list of deleted records since a time.
func (d *SyncDeletions) ListParams(since time.Time) (json.RawMessage, error) {
	params := make(map[string]any)
	if d.param != "" {
		if err := put(params, d.param, timeAs(since, "")); err != nil {
			return nil, err
		}
	}
	return json.Marshal(params)
}

// GetParams returns the parameters with which Get reads a record: its key and the value of Each, which is nil
// without one.
func (s *Sync) GetParams(key, each json.RawMessage) (json.RawMessage, error) {
	params := make(map[string]any)
	if err := put(params, s.getKey, key); err != nil {
		return nil, err
	}
	if s.getEach != "" {
		if err := put(params, s.getEach, each); err != nil {
			return nil, err
		}
	}
	return json.Marshal(params)
}

// KeyOf returns the key of a record, and false if it has none.
func (s *Sync) KeyOf(record []byte) (json.RawMessage, bool) { return keyAt(record, s.Key) }

// KeyOf returns the key of a deleted record, and false if it has none.
func (d *SyncDeletions) KeyOf(record []byte) (json.RawMessage, bool) { return keyAt(record, d.Key) }

func keyAt(record []byte, pointer string) (json.RawMessage, bool) {
	key, found, err := rawjson.Pointer(record, pointer)
	if err != nil || !found {
		return nil, false
	}
	kind := rawjson.KindOf(key)
	return key, kind == rawjson.Number || kind == rawjson.String && len(key) > len(`""`)
}

// TimeOf returns the time by which a record is new, and false if it has none.
func (s *Sync) TimeOf(record []byte) (time.Time, bool) {
	if s.Recent == "" {
		return time.Time{}, false
	}
	return TimeAt(record, s.Recent)
}

// TimeAt returns the time to which a JSON Pointer leads in a record, and false if there is none.
func TimeAt(record []byte, pointer string) (time.Time, bool) {
	raw, found, err := rawjson.Pointer(record, pointer)
	if err != nil || !found {
		return time.Time{}, false
	}
	switch rawjson.KindOf(raw) {
	case rawjson.String:
		for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
			if t, err := time.Parse(layout, rawjson.Unquote(raw)); err == nil {
				return t, true
			}
		}
	case rawjson.Number:
		// Seconds of the year 5138 are milliseconds of 1973.
		if n, err := strconv.ParseFloat(string(raw), 64); err == nil && math.Abs(n) < 1e14 {
			if math.Abs(n) < 1e11 {
				n *= 1000
			}
			return time.UnixMilli(int64(n)), true
		}
	}
	return time.Time{}, false
}

// Deleted reports whether a record of List says that it is deleted.
func (s *Sync) Deleted(record []byte) bool {
	if s.deletedBy == "" {
		return false
	}
	value, found, err := rawjson.Pointer(record, s.deletedBy)
	switch {
	case err != nil || !found:
		return false
	case len(s.deletedWith) > 0:
		return slices.ContainsFunc(s.deletedWith, func(with json.RawMessage) bool { return bytes.Equal(compact(with), compact(value)) })
	}
	text := string(value)
	return text != "null" && text != "false" && text != `""`
}

func compact(raw json.RawMessage) []byte {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return raw
	}
	return b.Bytes()
}

// Touch is what a call changed of an entity's copies.
type Touch struct {
	Sync *Sync
	// Key names the record, to be read again with Get, and to be removed before if Removed. It is nil
	// if the call does not say. The key of the record that is read counts: vendors know some by a
	// second name, such as a number.
	Key json.RawMessage
	// Each is the value of Each, nil if the call does not say. Without a Get, its list is to be read
	// again.
	Each json.RawMessage
	// Removed says that the operation deletes. Its Get may still find the record: some only take out
	// what it says.
	Removed bool
}

// Touched returns what a call that succeeded may have changed: of each entity at most one record, one list,
// or if both Key and Each are nil, nobody knows what. Params are the call's and data is its result's.
func (c *Connector) Touched(op *Operation, params, data []byte) []Touch {
	if op.Effect == abi.EffectRead {
		return nil
	}
	ref := abi.OperationRef{Entity: op.Entity, Action: op.Action}
	var touched []Touch
	for _, s := range c.syncs() {
		w, ok := s.Writes[ref]
		if !ok {
			continue
		}
		touch := Touch{Sync: s, Removed: op.Effect == abi.EffectDelete}
		if w.Key != "" {
			touch.Key = keyWithin(params, data, w.Key)
		}
		if w.Each != "" {
			touch.Each = keyWithin(params, data, w.Each)
		}
		touched = append(touched, touch)
	}
	return touched
}

// Where a pointer of a write begins.
const inParams, inData = "/params", "/data"

// keyWithin returns the key that a pointer of a write leads to, nil if there is none.
func keyWithin(params, data []byte, pointer string) json.RawMessage {
	of, rest := params, pointer[len(inParams):]
	if pointer[:len(inData)] == inData {
		of, rest = data, pointer[len(inData):]
	}
	key, ok := keyAt(of, rest)
	if !ok {
		return nil
	}
	return key
}

// timeAs writes a time as a value of a parameter.
func timeAs(t time.Time, format string) json.RawMessage {
	t = t.UTC()
	switch format {
	case "date":
		return json.RawMessage(strconv.Quote(t.Format(time.DateOnly)))
	case "epoch":
		return json.RawMessage(strconv.FormatInt(t.Unix(), 10))
	case "epoch_milliseconds":
		return json.RawMessage(strconv.FormatInt(t.UnixMilli(), 10))
	}
	return json.RawMessage(strconv.Quote(t.Truncate(time.Second).Format(time.RFC3339)))
}

// merged adds the members of a JSON object to params. Objects in both are put together.
func merged(params map[string]any, more json.RawMessage) (map[string]any, error) {
	if params == nil {
		params = make(map[string]any)
	}
	if len(more) == 0 {
		return params, nil
	}
	value, twice, err := rawjson.Decode(more)
	object, ok := value.(map[string]any)
	switch {
	case err != nil:
		return nil, err
	case twice != "":
		return nil, errors.New("has " + strconv.Quote(twice) + " twice")
	case !ok:
		return nil, errors.New("is no JSON object")
	}
	mergeInto(params, object)
	return params, nil
}

func mergeInto(params, more map[string]any) {
	for name, value := range more {
		below, both := value.(map[string]any)
		into, ok := params[name].(map[string]any)
		if both && ok {
			mergeInto(into, below)
		} else {
			params[name] = value
		}
	}
}

// put sets what a JSON Pointer leads to, and makes the objects on its way. Of an array it sets an element that
// there is, or the one behind the last.
func put(params map[string]any, pointer string, value json.RawMessage) error {
	if len(value) == 0 {
		return errors.New("there is no value for " + pointer)
	}
	_, err := set(params, tokensOf(pointer), value)
	return err
}

func set(at any, tokens []string, value json.RawMessage) (any, error) {
	if len(tokens) == 0 {
		return value, nil
	}
	var err error
	switch at := at.(type) {
	case map[string]any:
		at[tokens[0]], err = set(at[tokens[0]], tokens[1:], value)
		return at, err
	case []any:
		i, wrong := strconv.Atoi(tokens[0])
		if wrong != nil || i < 0 || i > len(at) {
			return nil, errors.New("there is no element " + tokens[0])
		}
		if i == len(at) {
			at = append(at, nil)
		}
		at[i], err = set(at[i], tokens[1:], value)
		return at, err
	case nil:
		return set(make(map[string]any), tokens, value)
	}
	return nil, errors.New("there is no place for " + tokens[0] + " in a value that is no object")
}
