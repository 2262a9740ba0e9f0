package connector

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/agenthost/agenthost/pdk/abi"
)

// Sync is how copies of an entity's records are kept: what a manifest declares, checked, and with what
// it leaves out filled in. Who copies the records
//
//   - lists them with [Sync.List], for each value of [Sync.Each] and each [SyncRange] of [Sync.All] or
//     [Sync.Since], with the parameters that [Sync.ListParams] makes, page by page if List is paginated;
//   - knows a record again by the value of Each and [Sync.KeyOf];
//   - removes those that [Sync.Deleted] says, and after a pass over everything those that it did not see;
//   - asks [Connector.Touched] after each call that writes, which records to read again.
//
// Everything in it is safe for concurrent use, and nobody may change it.
type Sync struct {
	Entity string
	// List reads the records.
	List *Operation
	// Each is nil if one list has all records.
	Each *SyncEach
	// Key is a JSON Pointer to a record's key. Without Each it is unique in the entity, and with Each
	// in the list of one value.
	Key string
	// Changes says how to ask for what changed, nil if a list cannot tell.
	Changes *SyncChanges
	// Recent is a JSON Pointer to the time by which records are new, "" if they have none.
	Recent string
	// Deletions is an operation that lists deleted records, nil if there is none.
	Deletions *SyncDeletions
	// Get reads one record, with the parameters of [Sync.GetParams]. It is nil if no operation does.
	Get *Operation
	// Writes are the operations that change records, with where to find which; see [Connector.Touched].
	Writes map[abi.OperationRef]SyncWrite
	// Interval is the time between two passes, and Full between two over everything. They are
	// the same if Incremental is false.
	Interval, Full time.Duration
	// Text are the fields whose words can be found, Index those that filters often name, and Fields
	// all that searches know, by name. A name is title, or account.name for a member of an object.
	Text, Index []string
	Fields      map[string]FieldType

	declared    *abi.Sync
	getKey      string // JSON Pointers into the parameters of Get
	getEach     string // "" if it needs no value of Each
	start       time.Time
	deletedBy   string
	deletedWith []json.RawMessage
}

// SyncEach says that there is one list for each value of a parameter.
type SyncEach struct {
	// Param is a JSON Pointer to the value in the parameters of List.
	Param string
	// Values are all values. If there are none, the keys of all records of Of are.
	Values []json.RawMessage
	Of     *Sync
	// As is the member that a copy has the value in, if its record has no such member; "" for none.
	As string
	// Changed is a JSON Pointer in records of Of: a list is read again if the value there changed. If
	// it is "", all lists are read in every pass.
	Changed string
}

// SyncChanges says how to ask for what changed. With Each, the list of each value has a latest time or a
// token of its own.
type SyncChanges struct {
	// Field is a JSON Pointer to the time by which changes are asked for, "" with a Token.
	Field string
	// Token is a JSON Pointer, in the meta of a last page, to what the next pass gives to
	// [Sync.ListParams] in place of a time. It is "" if times count.
	Token string
	// Overlap is how much earlier than the latest known change a pass begins.
	Overlap time.Duration

	param, until, format string
	params               json.RawMessage
	most                 time.Duration
}

// SyncDeletions is a list of deleted records.
type SyncDeletions struct {
	List *Operation
	// Key is a JSON Pointer to the key in a record of that list.
	Key   string
	param string
}

// SyncWrite says where a call that writes names a record. Both are JSON Pointers into an object with
// the call's params and its result's data, and "" if it does not say that.
type SyncWrite struct {
	// Key leads to the record's key, and Each to the value of [Sync.Each].
	Key, Each string
}

// FieldType is the type of a field, for filters and sorting.
type FieldType string

// The types of fields.
const (
	FieldText    FieldType = "text"
	FieldNumber  FieldType = "number"
	FieldTime    FieldType = "time" // RFC 3339, or a date
	FieldBoolean FieldType = "boolean"
	FieldAny     FieldType = "any" // arrays, objects and what nobody declared
)

// Incremental reports whether a pass can ask for less than everything.
func (s *Sync) Incremental() bool {
	return s.Changes != nil || s.Each != nil && s.Each.Changed != ""
}

// Syncs returns how copies are kept, in the order of the manifest. One that is the Of of another may
// stand behind it.
func (c *Connector) Syncs() []*Sync { return c.syncs() }

// Sync returns how copies of an entity are kept, nil if the manifest does not say.
func (c *Connector) Sync(entity string) *Sync {
	for _, s := range c.syncs() {
		if s.Entity == entity {
			return s
		}
	}
	return nil
}

// Defaults of what a manifest leaves out.
const (
	defaultInterval     = 5 * time.Minute
	defaultWholePass    = time.Hour // without changes
	defaultFull         = 24 * time.Hour
	defaultOverlap      = time.Minute
	defaultOverlapDates = 48 * time.Hour // a date begins at another time elsewhere
)

// timing fills in the times of a sync.
func (s *Sync) timing() {
	d := s.declared
	if !s.Incremental() {
		s.Interval = cmp.Or(seconds(d.IntervalSeconds), seconds(d.FullSeconds), defaultWholePass)
		s.Full = s.Interval
		return
	}
	s.Interval = cmp.Or(seconds(d.IntervalSeconds), defaultInterval)
	s.Full = max(cmp.Or(seconds(d.FullSeconds), defaultFull), s.Interval)
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

// shape is what a sync needs to know of an operation's parameters.
type shape struct {
	Properties map[string]json.RawMessage `json:"properties"`
	Required   []string                   `json:"required"`
}

func shapeOf(op *Operation) shape {
	var s shape
	_ = json.Unmarshal(op.Params, &s) // it was checked, and what is not there is nothing
	return s
}

func (s shape) names() []string { return slices.Sorted(maps.Keys(s.Properties)) }

// has reports whether a JSON Pointer of one segment is a parameter.
func (s shape) has(pointer string) bool {
	name, ok := onlyName(pointer)
	_, known := s.Properties[name]
	return ok && known
}

// onlyName returns the name that a JSON Pointer of one segment leads to.
func onlyName(pointer string) (string, bool) {
	tokens := tokensOf(pointer)
	if len(tokens) != 1 {
		return "", false
	}
	return tokens[0], true
}

// tokensOf returns the names that a JSON Pointer leads through.
func tokensOf(pointer string) []string {
	if pointer == "" {
		return nil
	}
	tokens := strings.Split(pointer[1:], "/")
	for i, t := range tokens {
		tokens[i] = strings.ReplaceAll(strings.ReplaceAll(t, "~1", "/"), "~0", "~")
	}
	return tokens
}

// pointerTo is the JSON Pointer to a member.
func pointerTo(name string) string {
	return "/" + strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}
