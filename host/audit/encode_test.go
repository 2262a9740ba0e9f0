package audit

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/google/go-cmp/cmp"
)

// full is a record that has everything.
func full() *Record {
	at := time.Date(2026, 11, 25, 9, 30, 0, 123456000, time.UTC)
	return &Record{
		Event: EventCall, Time: at, Duration: 12345 * time.Microsecond, ID: "01234567-89ab-7000-8000-000000000000", Via: "execute",
		Caller: "ada", Workspace: "acme", Subject: "ada@acme.example", Connection: "support", Entity: "issues", Action: "list", Connector: "pylon", Version: "1.0.0",
		Digest: strings.Repeat("ab", 32), Mode: "direct", Effect: abi.EffectRead,
		Params: []Param{{"limit", 2}, {"start_time", 22}}, ParamsBytes: 55,
		Decision: &Decision{true, "allow.effects has read"}, Outcome: Ok, RequestSent: true,
		Ask: &Ask{Plan: strings.Repeat("cd", 32), ID: "ask1", By: "grace", Answered: at},
		Requests: []Request{
			{Start: 100 * time.Microsecond, Duration: 9 * time.Millisecond, Method: "GET", Origin: "https://api.usepylon.com", Template: "/issues", ID: "0f2c", Attempt: 1, Sent: 300, Received: 1000, BodySent: 12, BodyReceived: 400, Status: 200},
			{Start: 11 * time.Millisecond, Method: "other", Kind: abi.KindDenied, Rule: "egress.request"},
		},
		MoreRequests: 3, Fuel: 1_000_000, GuestMemory: 3 << 20, ResultBytes: 980,
	}
}

func TestRecordRoundTrip(t *testing.T) {
	start := full()
	start.Event = EventStart
	for _, r := range []*Record{full(), {Event: EventCall, Time: time.Unix(0, 0).UTC()}} {
		line := appendLine(nil, r)
		var got Record
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if diff := cmp.Diff(r, &got); diff != "" {
			t.Errorf("%s\n%s", diff, line)
		}
		marshalled, err := json.Marshal(r)
		if err != nil || string(marshalled)+"\n" != string(line) {
			t.Errorf("%v\n%s\n%s", err, marshalled, line)
		}
	}
	// What a start has says nothing of an end.
	var members map[string]any
	if err := json.Unmarshal(appendLine(nil, start), &members); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"outcome", "request_sent", "requests", "fuel", "duration_us"} {
		if _, ok := members[name]; ok {
			t.Errorf("a start has %s", name)
		}
	}
}

// hostileText is what a caller may use as a name: line breaks, terminal escapes, text
// that runs backwards, broken UTF-8, and a great deal of it.
var hostileText = "a\n\r\t\x00\x1b[31m\x7f\u0085\u009b\u202e\u2066\u200b\ufeff\u2028\"\\\U000e0041\xff\xc3" + strings.Repeat("\x01", 1<<20)

func hostileRecord() *Record {
	r := full()
	for _, s := range []*string{&r.ID, &r.Caller, &r.Workspace, &r.Subject, &r.Connection, &r.Entity, &r.Action, &r.Connector, &r.Version, &r.Digest, &r.Mode, &r.Outcome, &r.Decision.Rule} {
		*s = hostileText
	}
	r.Via, r.Effect = Via(hostileText), abi.Effect(hostileText)
	r.ParamsBytes, r.Fuel, r.Duration, r.MoreRequests = math.MinInt, math.MinInt64, math.MinInt64, math.MaxInt-maxRequests
	for range 3 * maxParams {
		r.Params = append(r.Params, Param{hostileText, math.MinInt})
	}
	for range 3 * maxRequests {
		r.Requests = append(r.Requests, Request{math.MinInt64, math.MinInt64, hostileText, hostileText, hostileText, hostileText, math.MinInt, math.MinInt64, math.MinInt64, math.MinInt64, math.MinInt64, math.MinInt, abi.Kind(hostileText), hostileText})
	}
	return r
}

// No name makes a line longer than maxLine, or more than a line.
func TestLineIsBoundedAndPlain(t *testing.T) {
	line := appendLine(nil, hostileRecord())
	if len(line) > maxLine {
		t.Errorf("%d bytes, more than maxLine", len(line))
	}
	if strings.Count(string(line), "\n") != 1 || !utf8.Valid(line) || !json.Valid(line) {
		t.Errorf("not a line of JSON: %.300q", line)
	}
	for _, c := range strings.TrimSuffix(string(line), "\n") {
		if c < ' ' || c >= 0x7f && c <= 0x9f || c >= 0x2028 && c <= 0x202e || c == 0x200b || c == 0xfeff || c > 0xffff {
			t.Fatalf("%U is not escaped", c)
		}
	}
	var got Record
	if err := json.Unmarshal(line, &got); err != nil {
		t.Fatal(err)
	}
	if want := string([]rune(clip(hostileText))); got.Caller != want {
		t.Errorf("%q, want %q", got.Caller, want)
	}
}

func FuzzAppend(f *testing.F) {
	f.Add("ada", 3, int64(5))
	f.Add(hostileText[:40], -1, int64(-5))
	f.Fuzz(func(t *testing.T, text string, n int, m int64) {
		r := full()
		r.Caller, r.Entity, r.Params[0].Name, r.Requests[0].Rule = text, text, text, text
		r.ParamsBytes, r.Fuel = n, m
		line := appendLine(nil, r)
		var got Record
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		if strings.Count(string(line), "\n") != 1 || got.ParamsBytes != n || got.Fuel != m {
			t.Errorf("%q", line)
		}
		if clipped := clip(text); utf8.ValidString(clipped) && got.Entity != clipped {
			t.Errorf("%q became %q", clipped, got.Entity)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	r := full()
	var line []byte
	b.ReportAllocs()
	for b.Loop() {
		line = appendLine(line[:0], r)
	}
	b.SetBytes(int64(len(line)))
}
