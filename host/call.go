package host

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/fault"
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
	// Timeout shortens the connection's wall time limit for this call; 0 means that limit,
	// and a negative one has passed already.
	Timeout time.Duration
	// Principal is on whose behalf the call is: whose connection it names, and what it may do
	// at most. The zero value is the local operator.
	Principal Principal
	// Caller is who calls, for the audit trail: a user, an agent, a session. Empty means
	// [Options.Caller]. It decides nothing.
	Caller string
	// Intent is why, in up to 512 characters. A hosted connection hands it on to the
	// Airbyte API for its records.
	Intent string
	// Credentials replace fields of the connection's credential for this call only, as for an
	// end user whose token the program holds; a connection without credentials takes any auth
	// scheme that they complete. Where the vendor wants OAuth 2.0 that is access_token. The call
	// has a client of its own: it uses no connection to the vendor, token or rate limit of other
	// calls, and leaves none. A hosted connection takes none.
	Credentials map[string]secret.Value
	// OnRequest, if not nil, is called after each request of the call to the vendor, those
	// that failed or will be repeated included. The call waits for it.
	OnRequest func()
	// OnCompile, if not nil, is called when the call has to wait because the connector is
	// compiled, with its name. The call waits for it. See [Options.OnCompile].
	OnCompile func(connector string)
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
	// Stopped, if not nil, is why nobody can get the next page although there is one: the
	// vendor gave no cursor that leads to it. NextCursor is then empty.
	Stopped *Error `json:"-"`
	// Mode says who called the vendor.
	Mode config.Mode `json:"-"`
	// Stats is what the call cost.
	Stats Stats `json:"-"`

	operation *connector.Operation
	pages     int    // that were read; all but the last one had no records
	digest    uint64 // of the records before Select and Exclude, for Pages
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

// maxParams is the size of the largest parameters, in bytes. Files travel in them.
const maxParams = 32 << 20

// encode returns the parameters of a call as JSON, which need not be valid where the caller
// wrote it.
func encode(params any) ([]byte, error) {
	var data []byte
	var err error
	switch p := params.(type) {
	case nil:
		return []byte("{}"), nil
	case json.RawMessage:
		data = p
	case []byte:
		data = p
	case Params:
		data, err = encodeParams(p)
	case map[string]any:
		data, err = encodeParams(p)
	default:
		data, err = encodeAny(nil, p)
	}
	if err != nil {
		return nil, (fault.Invalid("params", fmt.Sprintf("params of type %T do not marshal to JSON", params), "pass host.Params, a struct or a json.RawMessage")).WithCause(err)
	}
	if len(data) > maxParams {
		return nil, fault.Invalid("params", fmt.Sprintf("params are %d bytes long, the limit is %d", len(data), maxParams), "send less in one call")
	}
	if trimmed := rawjson.Trim(data); len(trimmed) == 0 || string(trimmed) == "null" {
		return []byte("{}"), nil
	}
	return data, nil
}

// encodeParams writes what encodeAny writes, with less work for what most parameters are:
// texts, numbers and booleans.
func encodeParams(params Params) ([]byte, error) {
	if params == nil {
		return []byte("null"), nil
	}
	var few [8]string
	names, size := few[:0], 2
	for name, value := range params {
		names = append(names, name)
		size += len(name) + 24
		if text, ok := value.(string); ok {
			size += len(text)
		}
	}
	slices.Sort(names)
	b := append(make([]byte, 0, size), '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = encodeText(b, name); err != nil {
			return nil, err
		}
		b = append(b, ':')
		switch value := params[name].(type) {
		case string:
			b, err = encodeText(b, value)
		case int:
			b = strconv.AppendInt(b, int64(value), 10)
		case bool:
			b = strconv.AppendBool(b, value)
		default:
			b, err = encodeAny(b, value)
		}
		if err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// encodeText appends a string as encodeAny does.
func encodeText(b []byte, s string) ([]byte, error) {
	if isPlain(s) {
		return append(append(append(b, '"'), s...), '"'), nil
	}
	return encodeAny(b, s)
}

// encodeAny appends a value as package encoding/json writes it, with <, > and & as they are.
func encodeAny(b []byte, value any) ([]byte, error) {
	buffer := bytes.NewBuffer(b)
	encoder := json.NewEncoder(buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte{'\n'}), nil
}

// isPlain reports whether a string is written in JSON as it is.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
