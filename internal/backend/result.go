package backend

import (
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

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
	// Stopped, if not nil, is why nobody can get the next page although there is one: the
	// vendor gave no cursor that leads to it. NextCursor is then empty.
	Stopped *abi.Error `json:"-"`
	// Mode says who called the vendor.
	Mode config.Mode `json:"-"`
	// Stats is what the call cost.
	Stats Stats `json:"-"`

	operation *connector.Operation
	pages     int    // that were read; all but the last one had no records
	digest    uint64 // of the records before Select and Exclude, for [Pages]
	ids       uint64 // digest of the ids of the records, or the same as digest where one has none
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
