package recording

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/agenthost/agenthost/pdk/abi"
)

// Difference is something that a replay did otherwise than the recording.
type Difference struct {
	// Where is a path such as exchanges[1].request.query, or data.
	Where string `json:"where"`
	// Recorded and Replayed are the two, shortened; empty if there is none.
	Recorded string `json:"recorded,omitempty"`
	Replayed string `json:"replayed,omitempty"`
}

// String returns the difference in one line.
func (d Difference) String() string {
	return fmt.Sprintf("%s: recorded %s, replayed %s", d.Where, orNothing(d.Recorded), orNothing(d.Replayed))
}

func orNothing(s string) string {
	return cmp.Or(s, "nothing")
}

// Compare lists what differs between a recording and its replay: requests and the result.
// Answers are not compared, since the replay's are the recording's, and neither is the digest:
// every build of a connector has another, and a recording shows whether it does the same.
func Compare(recorded, replayed *Recording) []Difference {
	var c comparison
	for i := range max(len(recorded.Exchanges), len(replayed.Exchanges)) {
		at := fmt.Sprintf("exchanges[%d].request", i)
		switch {
		case i >= len(replayed.Exchanges):
			c.add(at, line(recorded.Exchanges[i].Request), "")
		case i >= len(recorded.Exchanges):
			c.add(at, "", line(replayed.Exchanges[i].Request))
		default:
			a, b := recorded.Exchanges[i], replayed.Exchanges[i]
			c.value(fmt.Sprintf("exchanges[%d].slept_ms", i), a.SleptMS, b.SleptMS)
			c.value(at+".server", a.Request.Server, b.Request.Server)
			c.value(at+".method", a.Request.Method, b.Request.Method)
			c.value(at+".path", a.Request.Path, b.Request.Path)
			c.value(at+".path_params", orEmpty(a.Request.PathParams), orEmpty(b.Request.PathParams))
			c.value(at+".query", a.Request.Query, b.Request.Query)
			c.value(at+".headers", a.Request.Headers, b.Request.Headers)
			c.bytes(at+".body", a.Body, b.Body)
		}
	}
	c.value("slept_ms", recorded.SleptMS, replayed.SleptMS)
	c.json("data", recorded.Data, replayed.Data)
	c.json("meta", recorded.Meta, replayed.Meta)
	c.value("error", public(recorded.Error), public(replayed.Error))
	return c.found
}

type comparison struct{ found []Difference }

func (c *comparison) add(where, recorded, replayed string) {
	c.found = append(c.found, Difference{where, recorded, replayed})
}

func (c *comparison) value(where string, a, b any) {
	if !reflect.DeepEqual(a, b) && (length(a) > 0 || length(b) > 0) {
		c.add(where, shorten(render(a)), shorten(render(b)))
	}
}

// length tells a nil slice and an empty one, which are the same here, from others.
func length(v any) int {
	if r := reflect.ValueOf(v); r.Kind() == reflect.Slice {
		return r.Len()
	}
	return 1
}

func (c *comparison) bytes(where string, a, b []byte) {
	if bytes.Equal(a, b) {
		return
	}
	at := 0
	for at < len(a) && at < len(b) && a[at] == b[at] {
		at++
	}
	c.add(fmt.Sprintf("%s (from byte %d)", where, at), shorten(string(a[at:])), shorten(string(b[at:])))
}

// json compares two JSON texts without the white space that writing a file adds.
func (c *comparison) json(where string, a, b json.RawMessage) {
	c.bytes(where, compacted(a), compacted(b))
}

func compacted(data []byte) []byte {
	var b bytes.Buffer
	if json.Compact(&b, data) != nil {
		return data
	}
	return b.Bytes()
}

// public is an error as a file has it: without its cause.
func public(e *abi.Error) any {
	if e == nil {
		return ""
	}
	return render(e)
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

func line(r abi.Request) string { return r.Method + " " + r.Path }

func render(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	data, err := marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(data)
}

func shorten(s string) string {
	const most = 120
	runes := []rune(s)
	if len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return s
}
