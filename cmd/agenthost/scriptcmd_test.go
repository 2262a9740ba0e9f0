package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/attachments"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/rogpeppe/go-internal/testscript"
)

// The canary secrets of the scripts. No output may hold one.
const (
	fullToken = "pylon_us_CANARYw7Qe5d1Zk93birdK"
	readToken = "pylon_us_CANARYreadHq4vT8m"
)

type vendorKey struct{}

// running is the vendor of a script.
type running struct{ server *vendorsim.Server }

// vendorCommand starts a vendor, or tells it to misbehave.
//
//	vendor pylon                     a simulated Pylon; sets $VENDOR, $TOKEN and $READTOKEN
//	vendor attachments               a simulated vendor whose files are in a store; also sets $CDN
//	vendor serve FILE                answers every request with 200 and the content of a file
//	vendor answer STATUS FILE        the next request is answered so
//	vendor retryafter SECONDS        every request is answered 429 from now on
//	vendor echo STATUS               every request is answered with its credential from now on
//	vendor drop                      every connection is dropped from now on
//	vendor slow DURATION [PATH]      every answer takes that long from now on, or those below a path
//	vendor hang COUNT PATH           after some requests to a path, the next one has no answer
//	vendor well                      nothing is wrong any more
func vendorCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: vendor pylon|attachments|serve|answer|retryafter|echo|drop|slow|hang|well ...")
	}
	r := ts.Value(vendorKey{}).(*running)
	switch args[0] {
	case "pylon":
		scale := pylon.SmallScale() // the default one takes the race detector a third of a second
		scale.Accounts = pylon.DefaultScale().Accounts
		start(ts, r, pylon.New(pylon.Options{Token: fullToken, ReadToken: readToken, Seed: 1, Scale: scale}))
		return
	case "attachments":
		v := &attachments.Vendor{Token: fullToken, Files: map[string]attachments.File{
			"a1":  {Name: "alphabet.png", ContentType: "image/png", Data: []byte("abcdefghijklmnopqrstuvwxyz\n")},
			"big": {Name: "big.bin", ContentType: "application/zip", Data: make([]byte, 3_000_000)},
		}}
		store, err := vendorsim.Start(context.Background(), v.Objects(), vendorsim.Options{NoGzip: true})
		ts.Check(err)
		ts.Defer(func() { _ = store.Close() })
		v.Store = store.URL
		start(ts, r, v.API())
		ts.Setenv("CDN", store.URL)
		return
	case "serve":
		text := ts.ReadFile(args[1])
		start(ts, r, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(text))
		}))
		return
	}
	if r.server == nil {
		ts.Fatalf("no vendor is running")
	}
	switch args[0] {
	case "answer":
		status, err := strconv.Atoi(args[1])
		ts.Check(err)
		r.server.Inject(vendorsim.Fault{Effect: vendorsim.Respond(status, nil, ts.ReadFile(args[2]))})
	case "retryafter":
		seconds, err := strconv.Atoi(args[1])
		ts.Check(err)
		r.server.Inject(vendorsim.Fault{Count: -1, Effect: vendorsim.RetryAfterSeconds(429, seconds, `{"errors":["slow down"],"request_id":"req_429"}`)})
	case "echo":
		status, err := strconv.Atoi(args[1])
		ts.Check(err)
		r.server.ClearFaults()
		r.server.Inject(vendorsim.Fault{Count: -1, Effect: vendorsim.EchoAuthorization(status)})
	case "drop":
		r.server.Inject(vendorsim.Fault{Count: -1, Effect: vendorsim.DropConnection()})
	case "slow":
		latency, err := time.ParseDuration(args[1])
		ts.Check(err)
		r.server.Inject(vendorsim.Fault{Count: -1, Latency: latency, PathPrefix: strings.Join(args[2:], "")})
	case "hang":
		skip, err := strconv.Atoi(args[1])
		ts.Check(err)
		r.server.Inject(vendorsim.Fault{Skip: skip, Count: -1, Latency: time.Hour, PathPrefix: args[2]})
	case "well":
		r.server.ClearFaults()
	default:
		ts.Fatalf("vendor %s: no such thing", args[0])
	}
}

func start(ts *testscript.TestScript, r *running, handler http.Handler) {
	server, err := vendorsim.Start(context.Background(), handler, vendorsim.Options{})
	ts.Check(err)
	ts.Defer(func() { _ = server.Close() })
	r.server = server
	ts.Setenv("VENDOR", server.URL)
	ts.Setenv("TOKEN", fullToken)
	ts.Setenv("READTOKEN", readToken)
}

// requestsCommand prints the requests that reached the vendor since the last time,
// with their Authorization header and body: "GET /issues?limit=2 Bearer x {...}". With
// "! requests" there must be none.
func requestsCommand(ts *testscript.TestScript, neg bool, args []string) {
	r := ts.Value(vendorKey{}).(*running)
	if len(args) > 0 || r.server == nil {
		ts.Fatalf("usage: [!] requests, after a vendor was started")
	}
	requests := r.server.Requests()
	r.server.Reset()
	if neg && len(requests) > 0 {
		ts.Fatalf("the vendor received %d requests, the first one %s", len(requests), requests[0])
	}
	for _, q := range requests {
		fmt.Fprintf(ts.Stdout(), "%s %s %s\n", q, q.Header.Get("Authorization"), q.Body)
	}
}

// exitsCommand runs a command that must end with a certain exit code: exits 3 agenthost ...
func exitsCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE command ...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("the exit code is %d, want %d", got, want)
	}
}

// expandCommand replaces $VARIABLE in files.
func expandCommand(ts *testscript.TestScript, neg bool, args []string) {
	for _, file := range args {
		text := os.Expand(ts.ReadFile(file), ts.Getenv)
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(text), 0o600))
	}
}

// longLineCommand appends a line that is too long for a record, without an end, to files.
func longLineCommand(ts *testscript.TestScript, neg bool, args []string) {
	for _, file := range args {
		text := ts.ReadFile(file) + strings.Repeat("x", 1<<20+1)
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(text), 0o600))
	}
}
