package conformance

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

var update = flag.Bool("update", false, "write the golden file anew")

// defects are those of testdata/bad: each is named after the check that must find it.
func defects(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, file := range []string{"defects.go", "requests.go", "runs.go"} {
		source, err := os.ReadFile(filepath.Join("testdata", "bad", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`(?m)^\t"([a-z]+\.[a-z]+|[a-z]+)(, [a-z]+)?": +[{a-z]`).FindAllSubmatch(source, -1) {
			names = append(names, string(match[1])+string(match[2]))
		}
	}
	return names
}

// TestBadConnectors runs a connector with one defect at a time. The check that the
// defect is named after must fail; the golden file says what else does, in all words.
func TestBadConnectors(t *testing.T) {
	t.Parallel()
	module, err := os.ReadFile(wasmtest.Build(t, "host/conformance/testdata/bad"))
	if err != nil {
		t.Fatal(err)
	}
	var now atomic.Pointer[time.Time] // instances that wait look at it too
	now.Store(&testTime)
	engine, done, err := newEngine(Options{Cache: wasmtest.Cache(t)}, func() time.Time { return *now.Load() })
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	once := &loadedOnce{engine: engine}
	var got bytes.Buffer
	failing := make(map[string]bool)
	for _, name := range append([]string{""}, defects(t)...) {
		now.Store(&testTime)
		if name != "" {
			hash := fnv.New32a()
			hash.Write([]byte(name))
			now.Store(new(time.Unix(int64(hash.Sum32()), 0)))
		}
		once.next = 0
		began := time.Now()
		// Fuel must run out before the time does, however slow the machine is. A tenth of it is
		// fifty times what the connector needs.
		report, err := Run(t.Context(), module, Options{loader: once, timeout: time.Hour, fuel: callFuel / 10})
		if err != nil {
			t.Fatal(err)
		}
		id, _, _ := strings.Cut(name, ", ")
		failed := outline(&got, name, report)
		t.Logf("%s: %s", name, time.Since(began).Round(time.Millisecond))
		if name != "" && !slices.Contains(failed, id) {
			t.Errorf("the defect %s makes %v fail", name, failed)
		}
		if reason := reasons[name]; !said(report, id, reason) {
			t.Errorf("the defect %s: %s does not say %q", name, id, reason)
		}
		for _, f := range failed {
			failing[f] = true
		}
	}
	// This one no Go program can be: a module that imports what there is not.
	loads, err := Run(t.Context(), []byte("\x00asm\x01\x00\x00\x00\x01\x04\x01\x60\x00\x00\x02\x0b\x01\x04evil\x02fn\x00\x00"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range outline(&got, "module.loads", loads) {
		failing[id] = true
	}
	for _, c := range checks() {
		if !failing[c.ID] {
			t.Errorf("nothing makes %s fail", c.ID)
		}
	}
	golden := filepath.Join("testdata", "bad.golden")
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("the reports changed; run go test ./host/conformance -update and look at the difference. They are now:\n%s", &got)
	}
}

// reasons are what an author must read about a defect, in the words of its check.
var reasons = map[string]string{
	"tools.portable":               `things.create: /: the name "Name", which differs from another one only in case`,
	"params.valid":                 "the connector panicked: no such luck",
	"params.invalid":               "accepts an unknown parameter",
	"results.fit":                  `things.get answers {"id":"t1","size":"huge","color":"red"}, which differs from its result: member "size"`,
	"results.fit, by hand":         `member "parts[0].name"`,
	"requests.declared":            `does not declare the request "DELETE /things"`,
	"requests.declared, header":    "carries the credential, which only the host sets",
	"requests.declared, mistyped":  `"idd" is missing in /things/{idd}; the template and path_params must have the same names; did you mean id?`,
	"requests.declared, extra":     `"part" is not in the template`,
	"requests.declared, dots":      `makes a segment of the path "." or ".."`,
	"requests.declared, nothing":   `"id" is empty`,
	"requests.declared, lower":     `"get /things/{id}"; the connector's author must add the request to the operation's requests; did you mean GET`,
	"requests.declared, absolute":  `"GET https://api.things.example/things/t1"`,
	"requests.declared, filled":    "use the template /things/{id} and put the values into path_params",
	"requests.declared, server":    "on server other",
	"requests.declared, body":      "has a body, which servers and proxies drop",
	"requests.declared, query":     `"api_key" carries the credential`,
	"requests.declared, long":      "but the limit is 16384",
	"requests.declared, control":   "has a control character",
	"requests.declared, override":  "overrides the method",
	"requests.declared, twice":     `duplicate header "x-version"`,
	"requests.declared, proxy":     "claims another sender of the request",
	"requests.declared, host":      "chooses where the request goes",
	"requests.declared, agent":     "is set by the host",
	"requests.declared, break":     "has a line break",
	"requests.declared, name":      "is not a header name",
	"requests.declared, many":      "has 65 headers, but the limit is 64",
	"requests.declared, cookie":    "carries a credential",
	"requests.declared, undersize": "frames the request",
	"module.describes, loop":       "describe: the connector used up its 100000000 counts of fuel",
	"module.describes, text":       "not a JSON object",
	"params.valid, loop":           "things.get: it used up its fuel",
	"params.valid, loops":          "things.create: it used up its fuel",
	"params.valid, refusal":        "things.get: it used up its fuel",
	"params.valid, slow":           "things.get: it used up its fuel",
	"params.valid, memory":         "bytes of memory in use",
	"params.valid, exit":           "it exited with code 3",
	"params.valid, text":           "not a JSON object",
	"params.valid, data":           "neither an object nor an array",
	"params.valid, kind":           `the kind "broken", which the ABI does not have`,
	"params.valid, list":           "its data is not an array",
	"params.valid, cursor":         "next_cursor is neither a string nor null",
	"params.valid, empty":          "things.list reads nothing",
	"vendor.errors, loop":          "things.get: it used up its fuel",
	"vendor.errors, ignored":       "status 400 is not an error",
	"vendor.silence, again":        "it sends requests without end",
	"pages.end, more":              "says that there is a next page, no matter what the vendor answers",
	"sync.holds":                   `things.list answers {"name":"Lamp"}, which has no key at /id`,
	"sync.holds, object":           "a sync needs an array of records",
	"sync.holds, time":             "no time at /made",
	"sync.holds, token":            "never has a text at /sync_token of its meta",
	"sync.holds, refused":          "refuses what its sync asks for",
	"numbers.kept":                 "changes the number 9007199254740993",
}

// said reports whether a check has a problem with these words. It lists the first few only.
func said(r *Report, id, words string) bool {
	return words == "" || slices.ContainsFunc(r.Checks, func(c Check) bool {
		return c.ID == id && slices.ContainsFunc(c.Problems, func(p string) bool { return strings.Contains(p, words) })
	})
}

// loadedOnce hands out the same modules in every run. To load one is cheap, but not
// with the race detector.
type loadedOnce struct {
	engine  *sandbox.Engine
	modules []*sandbox.Module
	next    int
}

func (l *loadedOnce) Check(ctx context.Context, declaration []byte) (bool, error) {
	return l.engine.Check(ctx, declaration)
}

func (l *loadedOnce) Load(ctx context.Context, module []byte) (*sandbox.Module, error) {
	if l.next == len(l.modules) {
		loaded, err := l.engine.Load(ctx, module)
		if err != nil {
			return nil, err
		}
		l.modules = append(l.modules, loaded)
	}
	l.next++
	return l.modules[l.next-1], nil
}

// outline writes what failed and returns the IDs.
func outline(w *bytes.Buffer, name string, r *Report) []string {
	var failed []string
	fmt.Fprintf(w, "== %s\n", name)
	skipped := 0
	for _, c := range r.Checks {
		switch c.Status {
		case NotChecked:
			skipped++
		case Fail:
			failed = append(failed, c.ID)
			fmt.Fprintf(w, "%s\n", c.ID)
			for _, p := range c.Problems {
				fmt.Fprintf(w, "\t%s\n", p)
			}
			if c.More > 0 {
				fmt.Fprintf(w, "\tand %d more\n", c.More)
			}
		}
	}
	if skipped > 0 {
		fmt.Fprintf(w, "%d skipped\n", skipped)
	}
	return failed
}
