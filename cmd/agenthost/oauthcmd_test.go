package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/oauthsim"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/rogpeppe/go-internal/testscript"
)

type oauthKey struct{}

// oauthCommand starts a vendor with OAuth 2.0 and sets $VENDOR, or makes it misbehave. All
// its tokens hold CANARY.
//
//	oauth start     with the client "crm" and the secret $CRM_SECRET
//	oauth expire    its access token is not known any more
//	oauth deaf      revocations are answered and not done
//	oauth grants    prints the grants that were used
func oauthCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: oauth start|expire|deaf|grants")
	}
	server := ts.Value(oauthKey{}).(*oauthsim.Server)
	switch args[0] {
	case "start":
		started, err := vendorsim.Start(context.Background(), server, vendorsim.Options{})
		ts.Check(err)
		ts.Defer(func() { _ = started.Close() })
		ts.Setenv("VENDOR", started.URL)
		ts.Setenv("CRM_SECRET", server.ClientSecret)
	case "expire":
		server.Expire()
	case "deaf":
		server.Deafen()
	case "grants":
		_, err := io.WriteString(ts.Stdout(), strings.Join(server.Grants(), " ")+"\n")
		ts.Check(err)
	default:
		ts.Fatalf("oauth %s: no such thing", args[0])
	}
}

// browseCommand opens the address in a file, as soon as it is there, and follows it.
func browseCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: browse FILE")
	}
	var address string
	for range 3000 {
		b, err := os.ReadFile(ts.MkAbs(args[0]))
		if address = strings.TrimSpace(string(b)); err == nil && strings.HasSuffix(string(b), "\n") {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	resp, err := http.Get(address)
	ts.Check(err)
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	ts.Check(err)
	_, err = ts.Stdout().Write(page)
	ts.Check(err)
}
