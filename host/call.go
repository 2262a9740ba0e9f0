package host

import (
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Error is the error type of all methods of [Host].
type Error = abi.Error

// Connection is a configured use of a connector.
type Connection = config.Connection

// Params are the parameters of a call.
type Params map[string]any

// Call is one use of an operation.
type Call struct {
	Entity string
	Action string
	// Params is anything that marshals to a JSON object: [Params], a struct, or a
	// json.RawMessage, whose numbers are kept as they are written. Nil means {}.
	Params any
	// Select keeps only the named fields of every record, Exclude drops fields.
	// A name is a path such as "assignee.email"; at most one of the two is set.
	Select  []string
	Exclude []string
	// Timeout shortens the connection's wall time limit for this call.
	Timeout time.Duration
	// Caller is who calls, for the audit trail: a user, an agent, a session. Empty means
	// [Options.Caller]. It decides nothing.
	Caller string
	// Intent is why, in up to 512 characters. A hosted connection hands it on to the
	// Airbyte API for its records.
	Intent string
	// OnRequest, if not nil, is called after each request of the call to the vendor, those
	// that failed or will be repeated included. The call waits for it.
	OnRequest func()
	// Limit is the number of records after which [Host.Pages] and [Host.Records]
	// stop; 0 means all.
	Limit int
}

// Result is what an operation answered.
type Result struct {
	// Data is an array for a list and an object otherwise.
	Data json.RawMessage `json:"data"`
	// Meta holds the vendor's own keys. In a paginated operation it also has
	// next_cursor (a string or null) and has_more.
	Meta json.RawMessage `json:"meta"`
	// NextCursor is the cursor of the next page, empty on the last one.
	NextCursor string `json:"-"`
	// HasMore says that there is a next page.
	HasMore bool `json:"-"`
	// Mode says who called the vendor.
	Mode config.Mode `json:"-"`
	// Stats is what the call cost.
	Stats Stats `json:"-"`
}

// Decode unmarshals Data into v.
func (r *Result) Decode(v any) error {
	if err := json.Unmarshal(r.Data, v); err != nil {
		return fmt.Errorf("decode data: %w", err)
	}
	return nil
}

// Records yields the records of Data: its elements if it is an array, Data itself
// otherwise. The bytes are shared with Data.
func (r *Result) Records() iter.Seq[json.RawMessage] {
	return func(yield func(json.RawMessage) bool) {
		if rawjson.KindOf(r.Data) != rawjson.Array {
			yield(r.Data)
			return
		}
		for element := range rawjson.Elements(r.Data) {
			if !yield(element) {
				return
			}
		}
	}
}

// Stats is what a call cost.
type Stats struct {
	Duration      time.Duration // from Execute to the result
	Vendor        time.Duration // waiting for the vendor, retries included
	Guest         time.Duration // in the sandbox and the functions it calls, without Vendor
	Requests      int           // HTTP requests, retries included
	BytesSent     int64         // of requests, heads included
	BytesReceived int64         // of decoded response bodies
	Fuel          int64         // counts of the guest's meter
	GuestMemory   int64         // bytes of the guest's linear memory at the end
}

// Host is the time that the host took: all that was neither the vendor's nor the
// guest's, such as loading the module for its first call.
func (s Stats) Host() time.Duration { return max(0, s.Duration-s.Vendor-s.Guest) }

// Add returns what two calls cost together, such as two pages of a list. Memory is that
// of the larger one.
func (s Stats) Add(t Stats) Stats {
	return Stats{
		Duration:      s.Duration + t.Duration,
		Vendor:        s.Vendor + t.Vendor,
		Guest:         s.Guest + t.Guest,
		Requests:      s.Requests + t.Requests,
		BytesSent:     s.BytesSent + t.BytesSent,
		BytesReceived: s.BytesReceived + t.BytesReceived,
		Fuel:          s.Fuel + t.Fuel,
		GuestMemory:   max(s.GuestMemory, t.GuestMemory),
	}
}
