package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/pdk/abi"
)

// largeReach is a manifest with hundreds of requests, most of which read.
func largeReach() *abi.Manifest {
	m := &abi.Manifest{Servers: []abi.Server{{ID: "main", URL: "https://{tenant}.vendor.example/rest"}, {ID: "files", URL: "https://files.vendor.example"}}}
	add := func(entity, action string, effect abi.Effect, server, method, path string) {
		m.Operations = append(m.Operations, abi.Operation{Entity: entity, Action: action, Effect: effect, Requests: []abi.RequestTemplate{{Server: server, Method: method, Path: path}}})
	}
	for i := range 60 {
		name := fmt.Sprintf("things%02d", i)
		add(name, "list", abi.EffectRead, "main", "GET", "/api/v2/"+name)
		add(name, "get", abi.EffectRead, "main", "GET", "/api/v2/"+name+"/{id}")
		if i%10 == 3 {
			add(name, "create", abi.EffectWrite, "main", "POST", "/api/v2/"+name)
			add(name, "update", abi.EffectWrite, "main", "PATCH", "/api/v2/"+name+"/{id}")
		}
	}
	add("things59", "delete", abi.EffectDelete, "main", "DELETE", "/api/v2/things59/{id}")
	add("things59", "find", abi.EffectRead, "main", "DELETE", "/api/v2/things59/{id}") // the same request
	for _, method := range []string{"users.list", "users.info", "chat.post"} {
		add("methods", method, abi.EffectRead, "files", "POST", "/"+method)
	}
	for i := range 12 {
		add("bulk", fmt.Sprintf("write%d", i), abi.EffectWrite, "", "PUT", fmt.Sprintf("/bulk/%d", i))
	}
	return m
}

// A person sees which queries have characters unescaped.
func TestRawQueriesAreShown(t *testing.T) {
	t.Parallel()
	m := largeReach()
	m.Operations[0].Requests[0].RawQuery = "(),:"
	m.Operations[2].Requests[0].RawQuery = "(),:"
	var out bytes.Buffer
	p := &page{w: &out}
	p.rawQueries(reachOf(grant.ReachOf(m, &abi.AuthSchema{})))
	if text := strings.Join(strings.Fields(out.String()), " "); p.err != nil || !strings.HasSuffix(text, "CHARACTERS REQUESTS (),: 2") {
		t.Errorf("%v %s", p.err, text)
	}
	lines := importLines([]string{"agenthost.input", "wasi.clock", "agenthost.input", "agenthost.output"})
	if len(lines) != 2 || lines[0][1] != "agenthost: input, output" {
		t.Errorf("%q", lines)
	}
}

// The reach of a connector with hundreds of requests is two screens, with every count right and
// nothing that changes something summed up.
func TestLargeReachIsGrouped(t *testing.T) {
	t.Parallel()
	m := largeReach()
	all := reachOf(grant.ReachOf(m, &abi.AuthSchema{}))
	var out bytes.Buffer
	p := &page{w: &out}
	p.requests(all, m.Servers, false)
	p.changes(grant.ReachOf(m, &abi.AuthSchema{}))
	if p.err != nil {
		t.Fatal(p.err)
	}
	text := out.String()
	if lines := strings.Count(text, "\n"); lines > 50 {
		t.Errorf("%d lines:\n%s", lines, text)
	}
	fields := func(prefix ...string) string { return strings.Join(prefix, " ") }
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, fields(strings.Fields(line)...))
	}
	got := "\n" + strings.Join(lines, "\n")
	for _, want := range []string{
		"It may send only these 148 requests (agenthost plugin inspect --full shows each)",
		"TO PATH REQUESTS READ WRITE DELETE OPERATIONS",
		"{tenant}.vendor.example/rest /api/v2/things03/... 4 2 2 4",
		"{tenant}.vendor.example/rest /api/v2/things59/... 3 2 1 4", // the delete that a read sends too is a delete
		"files.vendor.example /users.* 2 2 2",
		"(the connection's) /bulk/0 1 1 1",
		"all 148 123 24 1 149",
		"writes: 24 operations: bulk (12), things03 (2), things13 (2), things23 (2), things33 (2), things43 (2), things53 (2)",
		"deletes: things59.delete",
		"which only read)",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
	// Every request is in one group.
	count := 0
	for _, g := range groupsOf(all) {
		count += g.requests
	}
	if count != len(all) {
		t.Errorf("the groups have %d of %d requests", count, len(all))
	}
	// And in full there is every one.
	out.Reset()
	p.requests(all, m.Servers, true)
	if lines := strings.Count(out.String(), "\n"); lines < len(all) {
		t.Errorf("in full there are %d lines for %d requests", lines, len(all))
	}
}

// Groups that change something are all there, and the path of a group is what tells it apart.
func TestGroupPaths(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ paths, want string }{
		{"/a /a/{id} /b", "/a/... /b"},
		{"/v1/a /v1/a/{id} /v1/b/c/d", "/v1/a/... /v1/b/..."},
		{"/v1/a", "/v1/a"},
		{"/", "/"},
		{"/users.list /users.info /chat", "/users.* /chat"},
		{"/api/users.list /api/users.info", "/api/users.*"},
		{"/.hidden /a.b.c", "/.hidden /a.*"},
		{"/{tenant}/a /{tenant}/b", "/{tenant}/a /{tenant}/b"},
	} {
		var all []reach
		for path := range strings.FieldsSeq(tt.paths) {
			all = append(all, reach{Path: path, effect: abi.EffectRead})
		}
		var got []string
		for _, g := range groupsOf(all) {
			got = append(got, g.path)
		}
		if text := strings.Join(got, " "); text != tt.want {
			t.Errorf("%s: %s, want %s", tt.paths, text, tt.want)
		}
	}
	var writes []reach
	for i := range 100 {
		writes = append(writes, reach{Method: "POST", Path: fmt.Sprintf("/w%d", i), effect: abi.EffectWrite})
	}
	if got := groupsOf(writes); len(got) != 100 {
		t.Errorf("%d groups of 100 that write", len(got))
	}
}
