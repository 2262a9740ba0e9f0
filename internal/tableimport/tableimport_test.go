package tableimport_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/table"
	"github.com/agenthost/agenthost/internal/tableimport"
)

const small = `name: small
title: Small
version: 1.0.0
description: A small vendor.
servers:
  - {id: main, url: "https://api.small.example"}
auth:
  schemes:
    - id: key
      type: bearer
      fields: [{name: key, secret: true, required: true}]
      inject: [{in: header, name: Authorization, value: "Bearer {key}"}]
      origins: ["https://api.small.example"]
check: {entity: things, action: list}
operations:
  - entity: things
    action: get
    description: |-
      Gets a thing.

      It is found by its id.
    effect: read
    method: GET
    path: /things/{id}
    params: {id: {in: path, type: string, description: Its id}}
  - entity: things
    action: list
    description: Lists things.
    effect: read
    method: GET
    path: /things/{id}
    list: true
`

func read(t *testing.T, text string) tableimport.Map {
	t.Helper()
	m, err := tableimport.Read([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// An operation that a table cannot have is left out with the reason, and so is what refers to
// it; the report has the lines of what is left.
func TestFinish(t *testing.T) {
	t.Parallel()
	made := &tableimport.Table{Document: read(t, small), Report: tableimport.Report{Source: "small.yaml", Connector: "small"}}
	made.Report.Guess("records", "things.get", "path", "it may be elsewhere")
	made.Report.Guess("records", "things.list", "path", "it is gone")
	text, err := made.Finish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := table.Read(t.Context(), "small.yaml", text); err != nil {
		t.Error(err)
	}
	var b strings.Builder
	if err := made.Report.Print(&b, "small.yaml"); err != nil {
		t.Fatal(err)
	}
	const want = `small.yaml: small of 2 operations, 1 taken, 1 left out, 2 guesses
  left out: things.list: path no parameter fills {id}
  small.yaml:23: records of things.get: it may be elsewhere
  small.yaml: check: the check was things.list, which is left out
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
	if line := strings.Split(string(text), "\n")[22]; line != `    path: /things/{id}` {
		t.Errorf("line 23 is %q", line)
	}
}

// What was written says the same when it is read, with the lines that the writer gives.
func TestWrite(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		small,
		`{"a":"yes","b":"1.0","c":"# x","d":"a: b","e":"","f":null,"g":true,"h":1.50,"i":[],"j":{},"k":"x\u200by","l":"\ud83d\ude00"}`,
		`{"page[size]":{"- a":["b\nc","  d\ne","\n","a\n\nb","tab\there"]},"on":{"x":{"y":[[1,[2]],{}]}},"null":"'q'","z":"a #b","w":"don't, [say] {it}"}`,
		`{"list":[{"a":{"b":{"c":"` + strings.Repeat("long ", 60) + `"}}},[{"a":"b"}],"x"]}`,
	} {
		want := read(t, text)
		written, lines, err := tableimport.Write(want)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		a, _ := json.Marshal(want)
		b, _ := json.Marshal(read(t, string(written)))
		if !bytes.Equal(a, b) {
			t.Errorf("wrote %s for %s:\n%s", b, a, written)
		}
		for path, line := range lines {
			key := path[strings.LastIndex(path, ".")+1:]
			if got := strings.Split(string(written), "\n")[line-1]; !strings.Contains(path, "[") && !strings.Contains(got, key) {
				t.Errorf("%s is at line %d, which is %q", path, line, got)
			}
		}
	}
	text, _, err := tableimport.Write(read(t, small))
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != small {
		t.Errorf("the table is not as a person writes it:\n%s", text)
	}
}

// Descriptions come from strangers: what is too much is refused.
func TestRead(t *testing.T) {
	t.Parallel()
	bomb := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c < 'k'; c++ {
		bomb += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+string(c-1)+", ", 9) + "*" + string(c-1) + "]\n"
	}
	for name, tt := range map[string]struct{ text, want string }{
		"aliases":      {bomb, "values, with its aliases written out"},
		"a circle":     {"a: &a [*a]\n", "alias refers to itself"},
		"depth":        {strings.Repeat("[", 300) + strings.Repeat("]", 300), "nested too deeply"},
		"depth, JSON":  {`{"a":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + "}", "nested too deeply"},
		"no anchor":    {"a: *b\n", "no anchor"},
		"a tag":        {"a: !!binary aGk=\n", "JSON does not have"},
		"twice":        {"a: 1\na: 2\n", "duplicate key"},
		"twice, JSON":  {`{"a":1,"a":2}`, "twice"},
		"a list":       {"- a\n", "is no mapping"},
		"nothing":      {"\n", "is empty"},
		"bytes":        {strings.Repeat("a", tableimport.MaxFile+1), "larger than"},
		"a key of key": {"{a: 1}: 2\n", "invalid key"},
	} {
		if _, err := tableimport.Read([]byte(tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	if m := read(t, "200: {\"a\": &x [1.50, 1e3, true, ~]}\nb: *x\n"); m.Map("200").List("a")[0] != json.Number("1.50") || len(m.List("b")) != 4 {
		t.Errorf("%v", m)
	}
}

// Many aliases of one long text are small in memory, and would be gigabytes in the table.
func TestLongTextOfManyAliases(t *testing.T) {
	t.Parallel()
	m := read(t, "a: &a "+strings.Repeat("x", 1<<16)+"\nb: ["+strings.Repeat("*a, ", 10_000)+"]\n")
	if text, _, err := tableimport.Write(m); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("%d bytes, %v", len(text), err)
	}
}

// A text of the document makes no line of its own in the report, which would look like another finding.
func TestReportHasItsOwnLinesOnly(t *testing.T) {
	t.Parallel()
	r := tableimport.Report{Connector: "a"}
	r.Leave("a.list", "no\n  forged: line")
	r.Note("auth", "one\r\ntwo")
	var b strings.Builder
	if err := r.Print(&b, "a.yaml"); err != nil || strings.Count(b.String(), "\n") != 3 || strings.Contains(b.String(), "\r") {
		t.Errorf("%v, %q", err, b.String())
	}
}

func FuzzWrite(f *testing.F) {
	f.Add(small)
	f.Add(`{"a":{"b":["x\ny"]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		m, err := tableimport.Read([]byte(text))
		if err != nil || len(text) > 10_000 {
			return
		}
		if _, _, err := tableimport.Write(m); err != nil && len(m) > 0 {
			t.Errorf("%q: %v", text, err)
		}
	})
}

// The work to find operations that a table cannot have grows as their number does: it took 37 s for thousands. It is not
// parallel, because it counts what the process allocates.
func TestManyWrongOperations(t *testing.T) { //nolint:paralleltest // see above
	finish := func(wrong int) {
		m := read(t, small)
		operations := m.List("operations")[:1]
		for i := range wrong {
			op := read(t, fmt.Sprintf(`{"entity":"e%d","action":"get","description":"Gets what is not there.","effect":"read","method":"GET","path":"/a//%d"}`, i, i))
			if i%2 == 0 { // what a host finds, and what the table's own checks find
				op.Set("path", fmt.Sprintf("/{lost}/%d", i))
			}
			operations = append(operations, op)
		}
		m.Set("operations", operations)
		m.Remove("check")
		made := &tableimport.Table{Document: m, Report: tableimport.Report{Source: "small.yaml", Connector: "small"}}
		if _, err := made.Finish(t.Context()); err != nil || len(made.Report.LeftOut) != wrong || len(made.Report.Taken) != 1 {
			t.Errorf("%d left out, %v", len(made.Report.LeftOut), err)
		}
	}
	work := func(wrong int) float64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		finish(wrong)
		runtime.ReadMemStats(&after)
		return float64(after.TotalAlloc - before.TotalAlloc)
	}
	finish(10)
	if half, whole := work(60), work(120); whole > 2.6*half {
		t.Errorf("twice the operations are %.1f times the work", whole/half)
	}
}
