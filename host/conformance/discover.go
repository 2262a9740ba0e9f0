package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/pdk/abi"
)

// discover finds an answer that an operation accepts, without knowing its vendor. It watches
// which JSON Pointers the connector looks for in vain, and puts a value there: a list, an
// object, a string, true. It continues from the best answer so far, or from an example of the
// manifest, until there are records and, if the operation has pages, a next one.
func (s *subject) discover(ctx context.Context) {
	search := search{subject: s, tried: make(map[string]bool)}
	for _, raw := range s.Answers {
		var whole any
		if json.Unmarshal(raw, &whole) == nil && whole != nil && !search.done {
			search.try(ctx, attempt{whole: whole})
		}
	}
	for _, whole := range []any{nil, []any{map[string]any{"id": "a"}, map[string]any{"id": "b"}}} {
		if !search.done {
			search.try(ctx, attempt{whole: whole})
		}
	}
	for len(search.queue) > 0 && search.trials < maxTrials && !search.done && ctx.Err() == nil {
		best := 0
		for i := range search.queue {
			if search.queue[i].score > search.queue[best].score {
				best = i
			}
		}
		from := search.queue[best]
		search.queue = slices.Delete(search.queue, best, best+1)
		for _, pointer := range from.missed {
			shapes := s.shapes()
			if from.sleeps {
				shapes = append(shapes, endingWords...)
			}
			for _, shape := range shapes {
				if !search.done && search.trials < maxTrials {
					search.try(ctx, attempt{whole: from.whole, values: with(from.values, pointer, shape), headers: from.headers})
				}
			}
		}
		for _, name := range from.noHeader {
			for _, value := range s.headerShapes(name) {
				if !search.done && search.trials < maxTrials {
					headers := map[string]string{name: value}
					maps.Copy(headers, from.headers)
					search.try(ctx, attempt{whole: from.whole, values: from.values, headers: headers})
				}
			}
		}
	}
	s.closest, s.headers = search.best.body(), search.best.headers
	if search.best.score >= accepted {
		s.answer, s.records = s.closest, search.best.records
	}
}

// maxTrials bounds the search of one operation.
const maxTrials = 300

// shapes are values for a pointer, the likeliest first.
func (s *subject) shapes() []any {
	record := map[string]any{"id": "a"}
	list := []any{record, map[string]any{"id": "b"}}
	if s.Paginated {
		return []any{list, "cursor-1", true, record, 2}
	}
	return []any{record, list, true, "text", 2}
}

// search is the search for an answer, best first.
type search struct {
	*subject
	tried  map[string]bool
	trials int
	queue  []attempt
	best   attempt
	done   bool
}

// attempt is an answer, and how well it went.
type attempt struct {
	whole            any            // the answer, nil for an object of values
	values           map[string]any // by JSON Pointer
	headers          map[string]string
	score            int
	missed, noHeader []string
	sleeps           bool
	// records says that the result had some.
	records bool
}

// The parts of a score. An accepted answer is better than a refused one, and one with records
// better than one without; of refused ones, that is better which the connector read longer.
const (
	accepted    = 1000
	withRecords = 2000
	withNext    = 4000
)

func (q *search) try(ctx context.Context, a attempt) {
	body := a.body()
	key := string(body) + fmt.Sprint(a.headers)
	if q.tried[key] {
		return
	}
	q.tried[key] = true
	q.trials++
	var w watch
	r := q.call(ctx, sandbox.Call{Input: q.input(q.sending), Trace: w.trace}, q.names(q.replies(body, a.headers)))
	a.missed, a.noHeader, a.sleeps = w.missed, w.headers, r.sleeps > 0
	a.score = len(w.found)
	if r.failed() == nil {
		a.score += accepted
		a.records = string(r.outcome.Data) != "[]" && string(r.outcome.Data) != "{}"
		next := nextCursor(r.outcome.Meta) != ""
		if a.records {
			a.score += withRecords
		}
		if next {
			a.score += withNext
		}
		q.done = a.records && (next || !q.Paginated)
	}
	if q.best.missed == nil && q.best.score == 0 || a.score > q.best.score {
		q.best = a
	}
	q.queue = append(q.queue, a)
}

func (a *attempt) body() []byte {
	if a.whole != nil {
		return marshal(a.whole)
	}
	return document(a.values)
}

// document makes JSON with values at pointers, if they do not contradict each other.
func document(values map[string]any) []byte {
	var root any = map[string]any{}
	for _, pointer := range slices.Sorted(maps.Keys(values)) {
		root = put(root, strings.Split(pointer[1:], "/"), values[pointer])
	}
	return marshal(root)
}

// put returns a copy of at with a value at the path of tokens.
func put(at any, tokens []string, value any) any {
	if len(tokens) == 0 {
		return value
	}
	token := strings.NewReplacer("~1", "/", "~0", "~").Replace(tokens[0])
	if list, ok := at.([]any); ok {
		if i, err := strconv.Atoi(token); err == nil && i >= 0 && i < len(list) {
			list = slices.Clone(list)
			list[i] = put(list[i], tokens[1:], value)
			return list
		}
	}
	object, _ := at.(map[string]any)
	return with(object, token, put(object[token], tokens[1:], value))
}

// cursorOrNull reports whether a result's cursor is of a type that it may have.
func cursorOrNull(meta []byte) bool {
	var m map[string]any
	if len(meta) == 0 || json.Unmarshal(meta, &m) != nil {
		return true
	}
	_, isText := m[abi.MetaNextCursor].(string)
	return isText || m[abi.MetaNextCursor] == nil
}

// nextCursor reads the cursor from a result's meta.
func nextCursor(meta []byte) string {
	var m map[string]any
	if json.Unmarshal(meta, &m) != nil {
		return ""
	}
	cursor, _ := m[abi.MetaNextCursor].(string)
	return cursor
}
