package syncer

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/contextstore"
	"github.com/agenthost/agenthost/pdk/abi"
)

// position is what the store keeps as the cursor of an entity: where a pass goes on, and what the next
// one needs to know. Times are milliseconds.
type position struct {
	// Since is the time of the latest change that is known, by the vendor's clock, and Token what the
	// vendor gave in its place.
	Since int64           `json:"since,omitempty"`
	Token json.RawMessage `json:"token,omitempty"`
	// Full is when the last pass over everything began.
	Full int64 `json:"full,omitempty"`
	// Left are keys of records that cannot be kept, such as large ones, and LeftMore says that there are others.
	Left     []string `json:"left,omitempty"`
	LeftMore bool     `json:"left_more,omitempty"`
	// At is nil between passes.
	At *place `json:"at,omitempty"`
	// Failed is how the last pass failed, nil if it did not.
	Failed *failure `json:"failed,omitempty"`
}

// failure is an error that all processes know.
type failure struct {
	At      int64    `json:"at"`
	Kind    abi.Kind `json:"kind"`
	Message string   `json:"message"`
	Hint    string   `json:"hint,omitempty"`
	// Over says that the connection has as many copies as it may have.
	Over bool `json:"over,omitempty"`
}

// mostFailure bounds the texts of a failure.
const mostFailure = 500

func shortened(text string) string {
	if len(text) > mostFailure {
		text = text[:mostFailure]
	}
	return strings.ToValidUTF8(text, "")
}

// Failed is how the last pass failed, in any process; nil if it did not.
func Failed(s *contextstore.State) *abi.Error {
	p, err := read(s.Cursor)
	if err != nil || p.Failed == nil {
		return nil //nolint:nilerr // a cursor that cannot be read says nothing of a failure
	}
	return &abi.Error{Kind: p.Failed.Kind, Message: p.Failed.Message, Hint: p.Failed.Hint}
}

// Over reports whether the last pass was stopped because the connection has as many copies as it may have. What is
// missing then is not found.
func Over(s *contextstore.State) bool {
	p, err := read(s.Cursor)
	return err == nil && p.Failed != nil && p.Failed.Over
}

// place is where a pass goes on.
type place struct {
	Started int64 `json:"started"`
	// Latest and Token are as Since and Token, of what this pass has seen.
	Latest int64           `json:"latest,omitempty"`
	Token  json.RawMessage `json:"token,omitempty"`
	// List is which of the values of [connector.SyncEach] has the list that is read now.
	List int `json:"list,omitempty"`
	// Known is the time up to which all changes of the records were known when the pass began, of which there is a
	// list each; nil without these. After is the key of the last record whose list was read to its end, and Parent
	// that of the one whose list is read now.
	Known  *int64 `json:"known,omitempty"`
	After  string `json:"after,omitempty"`
	Parent string `json:"parent,omitempty"`
	// Range is which range of the list is read, and Page the cursor of its next page.
	Range int             `json:"range,omitempty"`
	Page  json.RawMessage `json:"page,omitempty"`
	// Deleted says that the list of deletions is read now.
	Deleted bool `json:"deleted,omitempty"`
}

// since is the time up to which a pass that ends has seen all changes. It may have seen later ones, but not all of them: what
// it had read before can have changed since it began.
func (p *place) since() int64 {
	since := min(p.Latest, p.Started)
	if p.Known != nil {
		since = min(since, *p.Known)
	}
	return since
}

func read(cursor string) (p position, err error) {
	if cursor == "" {
		return p, nil
	}
	err = json.Unmarshal([]byte(cursor), &p)
	return p, err
}

func (p *position) text() string {
	raw, _ := json.Marshal(p) // numbers and JSON always marshal
	return string(raw)
}

// mostLeft and mostLeftBytes bound the keys that are kept of records that are left out.
const (
	mostLeft      = 20
	mostLeftBytes = 2 << 10
)

// leave notes whether a record is left out.
func (p *position) leave(key string, out bool) {
	key = strings.ToValidUTF8(key, "\uFFFD") // as it is read again
	at := slices.Index(p.Left, key)
	if at >= 0 == out {
		return
	}
	if !out {
		p.Left = slices.Delete(p.Left, at, at+1)
		return
	}
	bytes := len(key)
	for _, left := range p.Left {
		bytes += len(left)
	}
	if len(p.Left) == mostLeft || bytes > mostLeftBytes {
		p.LeftMore = true
		return
	}
	p.Left = append(p.Left, key)
}

// LeftOut are the keys of records that a pass left out, because they are too large or have no key that can be kept:
// the first ones, and whether there are more. A pass over everything counts anew.
func LeftOut(s *contextstore.State) (keys []string, more bool) {
	p, err := read(s.Cursor)
	if err != nil {
		return nil, false
	}
	return p.Left, p.LeftMore
}

func (p *position) full() time.Time { return time.UnixMilli(p.Full) }

func set(names []string) map[string]bool {
	all := make(map[string]bool, len(names))
	for _, name := range names {
		all[name] = true
	}
	return all
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
