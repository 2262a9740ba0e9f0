package recording

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/pdk/abi"
)

func sample() *Recording {
	return &Recording{
		Version: Version, Connector: "acme", Digest: "d", At: time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC), Seed: make([]byte, 32),
		Call: Call{Entity: "widgets", Action: "list", Params: Body(`{ "n":1.50, "list":["a","b"] }`)},
		Exchanges: []Exchange{{
			Request:  abi.Request{Method: "GET", Path: "/widgets", Query: [][2]string{{"a", "1"}}},
			Response: &Response{Status: 200, Header: map[string][]string{"X": {"y"}}, Body: Body(`{"data":[{"id":1}]}`)},
		}},
		Data: []byte(`[{"id":1}]`), Meta: []byte(`{}`),
	}
}

// Bodies come back byte for byte, whatever they are.
func TestBodyRoundTrip(t *testing.T) {
	for _, body := range []string{"", `{"a":1.50}`, `{ "a" : 1 }`, "<html>é</html>", "\xff\x00\x01", `"<&>"`, "\"\u2028\"", `{"a":1,"a":2}`, "null"} {
		r := sample()
		r.Exchanges[0].Body = Body(body)
		var file bytes.Buffer
		if err := r.Write(&file); err != nil {
			t.Fatal(err)
		}
		read, err := Read(&file)
		if err != nil {
			t.Fatal(err)
		}
		if string(read.Call.Params) != string(r.Call.Params) {
			t.Errorf("the parameters came back as %s", read.Call.Params)
		}
		if string(read.Exchanges[0].Body) != body {
			t.Errorf("%q came back as %q", body, read.Exchanges[0].Body)
		}
		if d := Compare(r, read); len(d) > 0 {
			t.Errorf("%q: %v", body, d)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for _, text := range []string{"", "{}", `{"version":2}`, `{"version":1,"unknown":1}`, "nonsense", `{"at":"` + strings.Repeat("../", 1<<20) + `"}`, `{"` + strings.Repeat("n", 1<<20) + `":1}`} {
		_, err := Read(strings.NewReader(text))
		var e *abi.Error
		if !errors.As(err, &e) || e.Kind != abi.KindInvalidParams || e.Hint == "" || len(e.Message) > 2*maxReason {
			t.Errorf("Read(%.100q) = %.1000v", text, err)
		}
	}
}

func TestCompare(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Recording)
		where  []string
	}{
		{"nothing", func(*Recording) {}, nil},
		{"another build", func(r *Recording) { r.Digest = "e" }, nil},
		{"method", func(r *Recording) { r.Exchanges[0].Request.Method = "POST" }, []string{"exchanges[0].request.method"}},
		{"query", func(r *Recording) { r.Exchanges[0].Request.Query = nil }, []string{"exchanges[0].request.query"}},
		{"body", func(r *Recording) { r.Exchanges[0].Body = Body("x") }, []string{"exchanges[0].request.body (from byte 0)"}},
		{"fewer requests", func(r *Recording) { r.Exchanges = nil }, []string{"exchanges[0].request"}},
		{"data", func(r *Recording) { r.Data = []byte(`[{"id":2}]`) }, []string{"data (from byte 7)"}},
		{"white space", func(r *Recording) { r.Data = []byte(`[ {"id": 1} ]`) }, nil},
		{"sleep before a request", func(r *Recording) { r.Exchanges[0].SleptMS = 5 }, []string{"exchanges[0].slept_ms"}},
		{"sleep at the end", func(r *Recording) { r.SleptMS = 5 }, []string{"slept_ms"}},
		{"error", func(r *Recording) { r.Error = &abi.Error{Kind: abi.KindNotFound} }, []string{"error"}},
		{"answers", func(r *Recording) { r.Exchanges[0].Response.Status = 500 }, nil},
	} {
		replayed := sample()
		tt.change(replayed)
		var where []string
		for _, d := range Compare(sample(), replayed) {
			where = append(where, d.Where)
		}
		if !reflect.DeepEqual(where, tt.where) {
			t.Errorf("%s: differences in %q, want %q", tt.name, where, tt.where)
		}
	}
}

func FuzzRead(f *testing.F) {
	var file bytes.Buffer
	_ = sample().Write(&file)
	f.Add(file.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := r.Write(&again); err != nil {
			return // such as a date that JSON cannot hold
		}
		second, err := Read(&again)
		if err != nil {
			t.Fatalf("%s is not read again: %v", again.Bytes(), err)
		}
		if d := Compare(r, second); len(d) > 0 {
			t.Fatal(d)
		}
	})
}
