package syncer

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/contextstore"
	"github.com/agenthost/agenthost/internal/rawjson"
)

// mostPages bounds one list: one that never ends is broken.
const mostPages = 1_000_000

// lists reads the lists of an entity, from where the pass was on.
func (r *run) lists(ctx context.Context, ranges func(each json.RawMessage) []connector.SyncRange) error {
	at := r.position.At
	e := r.of.Each
	switch {
	case at.Deleted:
		return nil
	case e == nil:
		return r.list(ctx, nil, ranges(nil))
	case e.Of != nil:
		return r.listsOf(ctx, ranges)
	}
	for ; at.List < len(e.Values); at.List++ {
		if err := r.list(ctx, e.Values[at.List], ranges(e.Values[at.List])); err != nil {
			return err
		}
	}
	return nil
}

// parents is how many records of [connector.SyncEach] are read at once.
const parents = 100

// parent is a record of which there is a list.
type parent struct {
	key   string          // in the store
	value json.RawMessage // of the list's parameter
}

// listsOf reads the lists of the records of another entity, in the order of their keys: that stays the same while
// records change, so that a pass which was interrupted leaves none out.
func (r *run) listsOf(ctx context.Context, ranges func(each json.RawMessage) []connector.SyncRange) error {
	at := r.position.At
	for after, more := at.After, true; more; {
		var found []parent
		var err error
		if found, after, more, err = r.parentsAfter(ctx, after); err != nil {
			return err
		}
		for _, p := range found {
			if p.key != at.Parent { // what a page and a range are of
				at.Parent, at.Range, at.Page = p.key, 0, nil
			}
			if err := r.list(ctx, p.value, ranges(p.value)); err != nil {
				return err
			}
			at.After, at.Parent = p.key, ""
		}
	}
	return nil
}

// parentsAfter returns the next records whose lists the pass reads, after a key, the last key that it has looked at, and
// whether there may be more.
func (r *run) parentsAfter(ctx context.Context, after string) (found []parent, last string, more bool, err error) {
	e := r.of.Each
	changed := changedAt(e)
	var since, indexed time.Time
	if r.pass == "" && changed != "" {
		since = time.UnixMilli(r.position.Since)
		if changed == e.Of.Recent { // by which the store has them
			indexed = since
		}
	}
	last = after
	n, err := r.Store.Keys(ctx, r.Target(e.Of), after, indexed, parents, func(key string, record []byte) error {
		last = key
		if changed != "" {
			at, ok := connector.TimeAt(record, changed)
			if !since.IsZero() && (!ok || at.Before(since)) {
				return nil
			}
			if ok {
				r.saw(at)
			}
		}
		if value, ok := e.Of.KeyOf(record); ok {
			found = append(found, parent{key, bytes.Clone(value)})
		}
		return nil
	})
	return found, last, n == parents, err
}

// aheadMost is how far the vendor's clock may be ahead. A record of a later time tells nothing of what changed: passes
// that go on from there would find nothing until then.
const aheadMost = 24 * time.Hour

// saw notes the time of a record.
func (r *run) saw(at time.Time) {
	if !at.After(r.Now().Add(aheadMost)) {
		r.position.At.Latest = max(r.position.At.Latest, at.UnixMilli())
	}
}

// changedAt is a JSON Pointer to the time by which the lists of a record are new: where the manifest says
// what changes with them, if that is a time, and else when the record was changed. It is "" if all lists
// are read in every pass.
func changedAt(e *connector.SyncEach) string {
	switch {
	case e.Changed == "":
		return ""
	case e.Of.Fields[fieldOf(e.Changed)] == connector.FieldTime:
		return e.Changed
	}
	return e.Of.Recent
}

// fieldOf is the name of a field for searches.
func fieldOf(pointer string) string {
	return strings.ReplaceAll(strings.TrimPrefix(pointer, "/"), "/", ".")
}

// list reads what is left of the list of a value. The place after each page is kept with its records.
func (r *run) list(ctx context.Context, each json.RawMessage, ranges []connector.SyncRange) error {
	at := r.position.At
	for ; at.Range < len(ranges); at.Range++ {
		params, err := r.of.ListParams(each, ranges[at.Range])
		if err != nil {
			return r.broken("%v", err)
		}
		var mark json.RawMessage // a page before: of a list that goes in a circle it comes again
		for pages := 0; ; pages++ {
			asked := at.Page
			if pages&(pages-1) == 0 {
				mark = asked
			}
			p, err := r.page(ctx, r.of.List, params, asked)
			if isGone(err) && each != nil {
				break // with what it was a list of
			} else if err != nil {
				return err
			}
			b, err := r.batch(each, &p)
			if err != nil {
				return err
			}
			if p.next != nil && bytes.Equal(p.next, mark) || pages == mostPages {
				return r.broken("%s has no end", r.of.List.Name())
			}
			last := at.Range == len(ranges)-1 && p.next == nil
			at.Page = p.next
			if r.of.Changes != nil && r.of.Changes.Token != "" && last {
				if at.Token = p.meta[strings.TrimPrefix(r.of.Changes.Token, "/")]; len(at.Token) == 0 {
					return r.broken("the last page of %s has no token", r.of.List.Name())
				}
			}
			// A list that has ended begins again if the process is killed here: its place is that of the
			// next list only in the next step.
			b.Cursor = r.position.text()
			if err := r.apply(ctx, b); err != nil {
				return err
			}
			if p.next == nil {
				break
			}
		}
		at.Page = nil
	}
	at.Range = 0
	return nil
}

// page asks for a page of a list.
func (r *run) page(ctx context.Context, op *connector.Operation, params, cursor json.RawMessage) (page, error) {
	if len(cursor) > 0 {
		var members map[string]json.RawMessage
		if err := json.Unmarshal(params, &members); err != nil {
			return page{}, r.broken("%v", err)
		}
		members["cursor"] = cursor
		var err error
		if params, err = json.Marshal(members); err != nil {
			return page{}, err
		}
	}
	return r.call(ctx, op, params)
}

// batch makes a step of the records of a page.
func (r *run) batch(each json.RawMessage, p *page) (contextstore.Batch, error) {
	b := contextstore.Batch{Pass: r.pass}
	for _, raw := range p.records {
		record, ok, err := r.Record(r.of, each, raw)
		if err != nil {
			return b, err
		}
		if at, found := r.of.TimeOf(raw); found && (r.of.Each == nil || r.of.Each.Changed == "") {
			r.saw(at)
		}
		keeps := ok && record.Check() == nil
		r.position.leave(record.Key, ok && !keeps)
		switch {
		case keeps:
			b.Put = append(b.Put, record)
		case (ok || r.pass == "") && contextstore.CheckKey(record.Key) == nil: // what it was before is wrong now
			b.Remove = append(b.Remove, record.Key)
		}
	}
	return b, nil
}

// Record makes a copy of a record of a list, whose value of Each is nil if there is none. It reports false
// if the record says that it is deleted.
func (s *Syncer) Record(of *connector.Sync, each, raw json.RawMessage) (record contextstore.Record, kept bool, err error) {
	key, ok := of.KeyOf(raw)
	if !ok {
		return record, false, (&run{of: of}).broken("a record has no key at %s", of.Key)
	}
	record.Key = Key(each, key)
	if of.Deleted(raw) {
		return record, false, nil
	}
	record.JSON = raw
	if of.Each != nil && of.Each.As != "" {
		if record.JSON, err = with(raw, of.Each.As, each); err != nil {
			return record, false, err
		}
	}
	record.Updated, _ = of.TimeOf(raw)
	return record, true, nil
}

// Key is the key of a copy: that of the record, with the value of Each before it.
func Key(each, key json.RawMessage) string {
	text := keyText(key)
	if each != nil {
		text = keyText(each) + "/" + text
	}
	return text
}

func keyText(key json.RawMessage) string {
	if rawjson.KindOf(key) == rawjson.String {
		return rawjson.Unquote(key)
	}
	return string(key)
}

// with adds a member to a record that has none of the name.
func with(record json.RawMessage, name string, value json.RawMessage) (json.RawMessage, error) {
	if _, found, err := rawjson.Pointer(record, "/"+name); found || err != nil {
		return record, err
	}
	member, err := json.Marshal(name)
	if err != nil {
		return nil, err
	}
	inside := bytes.TrimPrefix(bytes.TrimSpace(record), []byte("{"))
	out := append(append(append([]byte("{"), member...), ':'), value...)
	if !bytes.HasPrefix(bytes.TrimSpace(inside), []byte("}")) {
		out = append(out, ',')
	}
	return append(out, inside...), nil
}

// deletions removes what a list says was deleted since the pass before.
func (r *run) deletions(ctx context.Context) error {
	at := r.position.At
	if !at.Deleted {
		at.Deleted, at.Page, at.Range = true, nil, 0
	}
	params, err := r.of.Deletions.ListParams(time.UnixMilli(r.position.Since))
	if err != nil {
		return r.broken("%v", err)
	}
	for {
		asked := at.Page
		p, err := r.page(ctx, r.of.Deletions.List, params, asked)
		if err != nil {
			return err
		}
		var b contextstore.Batch
		for _, raw := range p.records {
			key, ok := r.of.Deletions.KeyOf(raw)
			if !ok {
				return r.broken("a deleted record has no key at %s", r.of.Deletions.Key)
			}
			if name := Key(nil, key); contextstore.CheckKey(name) == nil {
				b.Remove = append(b.Remove, name)
			}
		}
		if p.next != nil && bytes.Equal(p.next, asked) {
			return r.broken("%s has no end", r.of.Deletions.List.Name())
		}
		at.Page = p.next
		b.Cursor = r.position.text()
		if err := r.apply(ctx, b); err != nil || p.next == nil {
			return err
		}
	}
}
