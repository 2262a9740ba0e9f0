package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/pdk/abi"
)

// What calls of a real connector cost does not depend on the machine. A change that makes
// one dearer fails here, and not in a benchmark that somebody may run.

// callOf is a call of a connector as the host makes it, whose request is answered with body.
func callOf(entity, action, params, body string) Call {
	return Call{
		Export: hostfunc.ExportExecute,
		Input:  []byte(`{"entity":"` + entity + `","action":"` + action + `","params":` + params + `,"server":"us","x_303e1e5d":"dc7e0e96"}`),
		Send: func(context.Context, *abi.Request, []byte) (*Response, error) {
			return &Response{Status: 200, Header: http.Header{}, Body: []byte(body)}, nil
		},
	}
}

// costs runs a call and returns its fuel and how many functions of the host it called.
func costs(t *testing.T, m *Module, call Call) (fuel int64, calls int) {
	t.Helper()
	call.Trace = func(HostCall) { calls++ }
	out, err := m.Run(t.Context(), call)
	if err != nil || out.Err != nil {
		t.Fatal(err, out)
	}
	return out.Fuel, calls
}

// A call allocates little, and none of it is as large as what it runs in. A third are those
// of go-sdk for each function of the host.
func TestAllocationsOfAGet(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	call := get()
	in, err := pylonModule(t).newInstance(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer in.close()
	n := testing.AllocsPerRun(200, func() {
		if out, err := in.run(t.Context(), &call); err != nil || out.Err != nil || !in.restore(t.Context()) {
			t.Fatal(err, out)
		}
	})
	if n > 50 {
		t.Errorf("a get makes %.0f allocations, want at most 50", n)
	}
	large := callOf("issues", "create", `{"title":"t","body_html":"`+strings.Repeat("x", 200<<10)+`"}`, answer(0))
	n = testing.AllocsPerRun(20, func() {
		if out, err := in.run(t.Context(), &large); err != nil || out.Err != nil || !in.restore(t.Context()) {
			t.Fatal(err, out)
		}
	})
	if n > 110 { // that of a new instance are 5,800
		t.Errorf("200 KB of parameters make %.0f allocations, want at most 110", n)
	}
}

func answer(size int) string {
	return `{"data":{"id":"x","body_html":"` + strings.Repeat("x", size) + `"},"request_id":"r"}`
}

func TestCostOfAGet(t *testing.T) {
	m := pylonModule(t)
	for range 3 { // a first call costs what a later one does
		fuel, calls := costs(t, m, callOf("issues", "get", `{"id":"iss_0123456789"}`, answer(960)))
		if fuel > 23_500 || calls > 11 {
			t.Errorf("a get costs %d counts of fuel and %d calls of the host, want at most 23,500 and 11", fuel, calls)
		}
	}
	records := strings.Repeat(`{"id":"x","title":"t"},`, 99) + `{}`
	fuel, calls := costs(t, m, callOf("accounts", "list", `{"limit":100}`, `{"data":[`+records+`],"pagination":{"cursor":"abc","has_next_page":true},"request_id":"r"}`))
	if fuel > 36_000 || calls > 15 {
		t.Errorf("a list costs %d counts of fuel and %d calls of the host, want at most 36,000 and 15", fuel, calls)
	}
}

// An error does not grow from nothing in memory of the guest's that no snapshot has.
func TestCostOfAnError(t *testing.T) {
	call := callOf("issues", "get", `{"id":"nowhere"}`, "")
	call.Send = func(context.Context, *abi.Request, []byte) (*Response, error) {
		return &Response{Status: 404, Body: []byte(`{"errors":["issue \"nowhere\" not found"],"code":"not_found","request_id":"9e3779b8-0000000000000001"}`)}, nil
	}
	out, err := pylonModule(t).Run(t.Context(), call)
	if err != nil || out.Err == nil || out.Err.Kind != abi.KindNotFound {
		t.Fatal(out, err)
	}
	if out.Fuel > 120_000 {
		t.Errorf("a 404 costs %d counts of fuel, want at most 120,000", out.Fuel)
	}
}

// Parameters cost less than 30 counts a byte, whatever they are made of and however large.
func TestCostOfParameters(t *testing.T) {
	m := pylonModule(t)
	create := func(html string) int64 {
		fuel, _ := costs(t, m, callOf("issues", "create", `{"title":"t","body_html":"`+html+`"}`, answer(0)))
		return fuel
	}
	base := create("")
	for name, piece := range map[string]string{"text": "x", "HTML": `<p class=\"a\">Hello,\nworld.</p>`, "quotes": `\"`, "no ASCII": "é", "escapes": `\u00e9\\`} {
		for _, size := range []int{1 << 10, 10 << 10, 100 << 10, 1 << 20} {
			html := strings.Repeat(piece, size/len(piece))
			fuel := create(html) - base
			t.Logf("%s, %d bytes: %.1f counts a byte", name, size, float64(fuel)/float64(size))
			if fuel > 30*int64(size) {
				t.Errorf("%s: %d bytes cost %d counts", name, size, fuel)
			}
		}
	}
}

// However the input is written, and whether or not it fits into what the connector reads
// at once, the connector sends the same and answers the same.
func TestFormsOfInput(t *testing.T) {
	m := pylonModule(t)
	long := strings.Repeat(`long \"text\", `, 3*1024/14)
	type result struct{ request, body, data, meta, err string }
	run := func(t *testing.T, input string) (r result) {
		call := callOf("", "", "", `{"data":{"id":"x"},"pagination":{"cursor":"c\u00e9","has_next_page":true},"request_id":"r"}`)
		send := call.Send
		call.Input = []byte(input)
		call.Send = func(ctx context.Context, req *abi.Request, body []byte) (*Response, error) {
			r.request, r.body = fmt.Sprintf("%+v", *req), string(body)
			return send(ctx, req, body)
		}
		out, err := m.Run(t.Context(), call)
		if err != nil {
			t.Fatal(err)
		}
		var body bytes.Buffer
		_ = json.Compact(&body, []byte(r.body)) // of what is nested, the white space stays
		r.body, r.data, r.meta, r.err = body.String(), string(out.Data), string(out.Meta), fmt.Sprint(out.Err)
		return r
	}
	for _, tt := range []struct{ entity, action, params, escaped string }{
		{"issues", "get", `{"id":"a b\u00fc\/"}`, `{"\u0069d":"a b\u00fc\/"}`},
		{"accounts", "list", `{"limit":7,"cursor":"c\"d"}`, `{"l\u0069mit":7,"cursor":"c\"d"}`},
		{"issues", "list", `{"start_time":"2026-01-01T00:00:00Z","end_time":"2026-03-31T00:00:00Z"}`, `{"start_\u0074ime":"2026-01-01T00:00:00Z","end_time":"2026-03-31T00:00:00Z"}`},
		{"issues", "create", `{"title":"T","body_html":"<p>\u00e9é</p>","tags":["a","b"],"custom_fields":[{"slug":"s","value":"}\"]"}]}`, `{"title":"T","body\u005fhtml":"<p>\u00e9é</p>","tags":["a","b"],"custom_fields":[{"slug":"s","value":"}\"]"}]}`},
		{"issues", "get", `{}`, `{}`},
		{"issues", "undo", `{"id":"x"}`, `{"id":"x"}`},
	} {
		names := `"entity":"` + tt.entity + `","action":"` + tt.action + `"`
		want := run(t, `{`+names+`,"params":`+tt.params+`}`)
		for form, input := range map[string]string{
			"order":             `{"params":` + tt.params + `,` + names + `}`,
			"other members":     `{"x":{"entity":"y"},` + names + `,"params":` + tt.params + `,"z":["params"]}`,
			"space":             "\n{ " + strings.ReplaceAll(names, ":", " :\t") + ` , "params" : ` + strings.ReplaceAll(tt.params, `,"`, " ,\n\"") + ` } `,
			"escaped names":     `{"ent\u0069ty":"` + tt.entity + `","action":"` + tt.action + `","params":` + tt.escaped + `}`,
			"escaped params":    `{` + names + `,"params":` + tt.escaped + `}`,
			"escaped entity":    `{"entity":"\u00` + fmt.Sprintf("%x", tt.entity[0]) + tt.entity[1:] + `","action":"` + tt.action + `","params":` + tt.params + `}`,
			"long":              `{` + names + `,"params":` + tt.params + `,"x":"` + long + `"}`,
			"long, first":       `{"x":"` + long + `",` + names + `,"params":` + tt.params + `}`,
			"long, last":        `{"x":"` + long + `","params":` + tt.params + `,` + names + `}`,
			"long, escaped":     `{` + names + `,"params":` + tt.escaped + `,"x":"` + long + `"}`,
			"exactly a buffer":  padded(1024, `{`+names+`,"params":`+tt.params+`,"x":"`),
			"a byte less":       padded(1023, `{`+names+`,"params":`+tt.params+`,"x":"`),
			"a byte more":       padded(1025, `{`+names+`,"params":`+tt.params+`,"x":"`),
			"two of the params": `{"params":{"id":"wrong","limit":1},` + names + `,"params":` + tt.params + `}`,
		} {
			if form == "two of the params" && tt.action != "get" {
				continue
			}
			if got := run(t, input); got != want {
				t.Errorf("%s.%s, %s: got\n%+v\nwant\n%+v", tt.entity, tt.action, form, got, want)
			}
		}
	}
}

func padded(size int, start string) string {
	return start + strings.Repeat("x", size-len(start)-2) + `"}`
}
