package sandbox_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/google/go-cmp/cmp"
)

const specification = "../../docs/abi.md"

// fenced returns the blocks of a language in the specification.
func fenced(t *testing.T, language string) []string {
	t.Helper()
	text, err := os.ReadFile(specification)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllSubmatch(text, -1) {
		blocks = append(blocks, string(m[1]))
	}
	if len(blocks) == 0 {
		t.Fatalf("%s has no block of %s", specification, language)
	}
	return blocks
}

var listingToken = regexp.MustCompile("^(?:[0-9a-f]{2}|\"[^\"]*\"|`[^`]*`)(?:\\s+|$)")

// assemble reads a listing: pairs of hexadecimal digits, quoted text, and comments.
func assemble(t *testing.T, listing string) []byte {
	t.Helper()
	var module []byte
	for _, line := range strings.Split(listing, "\n") {
		line = strings.TrimSpace(line)
		for line != "" && line[0] != ';' {
			token := strings.TrimSpace(listingToken.FindString(line))
			if token == "" {
				t.Fatalf("the listing has %q", line)
			}
			line = strings.TrimSpace(line[len(token):])
			if text, err := strconv.Unquote(token); err == nil {
				module = append(module, text...)
				continue
			}
			b, err := hex.DecodeString(token)
			if err != nil {
				t.Fatal(err)
			}
			module = append(module, b...)
		}
	}
	return module
}

// traceLine writes a host call as the specification does, with the bytes that its
// pointers name.
func traceLine(c sandbox.HostCall) string {
	args := make([]string, len(c.Args))
	for i, a := range c.Args {
		args[i] = strconv.FormatInt(int64(int32(a)), 10)
	}
	line := fmt.Sprintf("%s(%s) -> %d", c.Function, strings.Join(args, ", "), c.Result)
	at, length := -1, uint64(0)
	switch c.Function {
	case hostfunc.ValuePart, hostfunc.HTTPHeader:
		at, length = 1, c.Args[2]
	case hostfunc.ValueRead:
		at, length = 2, uint64(c.Result)
	case hostfunc.OutputWrite, hostfunc.HTTPSend:
		at, length = 0, c.Args[1]
	}
	if at >= 0 {
		line += " ; " + string(c.Memory[c.Args[at]:c.Args[at]+length])
	}
	return line
}

// The connector that the specification lists byte by byte loads, declares itself and
// does what the specification says, call by call.
func TestSpecificationExample(t *testing.T) {
	module := load(t, assemble(t, fenced(t, "wasm")[0]))

	var declared [2][]byte
	for i, export := range []string{hostfunc.ExportDescribe, hostfunc.ExportAuthSchema} {
		out, err := module.Run(t.Context(), sandbox.Call{Export: export})
		if err != nil {
			t.Fatal(err)
		}
		declared[i] = out.Output
	}
	c, err := connector.Parse(t.Context(), module.Digest(), declared[0], declared[1])
	if err != nil {
		t.Fatal(err)
	}
	op, err := c.Operation("items", "get")
	if err != nil {
		t.Fatal(err)
	}
	if err := op.Validate(t.Context(), []byte(`{"id":"item-1"}`)); err != nil {
		t.Error(err)
	}
	if op.Validate(t.Context(), []byte(`{"id":"item 1"}`)) == nil || op.Validate(t.Context(), []byte(`{}`)) == nil {
		t.Error("the schema accepts what it should not")
	}

	answer := func(status int, body string) sandbox.Send {
		return func(_ context.Context, req *abi.Request, sent []byte) (*sandbox.Response, error) {
			want := &abi.Request{Method: "GET", Path: "/items/{id}", PathParams: map[string]string{"id": "item-1"}}
			if diff := cmp.Diff(want, req); diff != "" || len(sent) > 0 {
				t.Errorf("the request (-want +got):\n%s, with a body of %d bytes", diff, len(sent))
			}
			return &sandbox.Response{Status: status, Header: http.Header{}, Body: []byte(body)}, nil
		}
	}
	refuse := func(context.Context, *abi.Request, []byte) (*sandbox.Response, error) {
		return nil, &abi.Error{Kind: abi.KindNetwork, Message: "no route", Retryable: true}
	}
	input := strings.TrimSpace(fenced(t, "input")[0])
	traces := fenced(t, "trace")
	for i, tt := range []struct {
		send sandbox.Send
		data string
		err  *abi.Error
	}{
		{send: answer(200, `{"id":"item-1","name":"Chair"}`), data: `{"id":"item-1","name":"Chair"}`},
		{send: refuse, err: &abi.Error{Kind: abi.KindNetwork, Message: "no route", Retryable: true}},
		{send: answer(404, ``), err: &abi.Error{Kind: abi.KindVendorError, Message: "the vendor did not answer with 200"}},
	} {
		var lines []string
		out, err := module.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute, Input: []byte(input), Send: tt.send,
			Trace: func(c sandbox.HostCall) { lines = append(lines, traceLine(c)) }})
		if err != nil {
			t.Fatal(err)
		}
		if string(out.Data) != tt.data {
			t.Errorf("data %s, want %s", out.Data, tt.data)
		}
		if diff := cmp.Diff(tt.err, out.Err, cmp.Comparer(func(a, b *abi.Error) bool {
			x, _ := json.Marshal(a)
			y, _ := json.Marshal(b)
			return bytes.Equal(x, y)
		})); diff != "" {
			t.Errorf("error (-want +got):\n%s", diff)
		}
		if i < len(traces) {
			if diff := cmp.Diff(strings.TrimSpace(traces[i]), strings.Join(lines, "\n")); diff != "" {
				t.Errorf("the trace of call %d (-specification +run):\n%s", i, diff)
			}
		}
	}
}
