package syncer

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
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
	// At is nil between passes.
	At *place `json:"at,omitempty"`
}

// place is where a pass goes on.
type place struct {
	Started int64 `json:"started"`
	// Latest and Token are as Since and Token, of what this pass has seen.
	Latest int64           `json:"latest,omitempty"`
	Token  json.RawMessage `json:"token,omitempty"`
	// Parents is where the values begin whose lists are read now, and List which of them is next.
	Parents string `json:"parents,omitempty"`
	List    int    `json:"list,omitempty"`
	// Range is which range of the list is read, and Page the cursor of its next page.
	Range int             `json:"range,omitempty"`
	Page  json.RawMessage `json:"page,omitempty"`
	// Deleted says that the list of deletions is read now.
	Deleted bool `json:"deleted,omitempty"`
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

func (p *position) full() time.Time { return time.UnixMilli(p.Full) }

func set(names []string) map[string]bool {
	all := make(map[string]bool, len(names))
	for _, name := range names {
		all[name] = true
	}
	return all
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
