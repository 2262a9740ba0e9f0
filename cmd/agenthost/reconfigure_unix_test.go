//go:build unix

package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

// heldVendor is a Pylon for every token, which holds its answers while held is not nil.
type heldVendor struct {
	pylon http.Handler
	mu    sync.Mutex
	held  chan struct{}
	asked map[string]int // by the Authorization header
}

func (v *heldVendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	v.asked[r.Header.Get("Authorization")]++
	held := v.held
	v.mu.Unlock()
	if held != nil {
		<-held
	}
	r.Header.Set("Authorization", "Bearer "+fullToken)
	v.pylon.ServeHTTP(w, r)
}

func (v *heldVendor) count(token string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.asked["Bearer "+token]
}

// hold holds the answers from now on, until the function that it returns is called.
func (v *heldVendor) hold() (release func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	held := make(chan struct{})
	v.held = held
	return func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		close(held)
		v.held = nil
	}
}

// TestEditedConfiguration edits agenthost.yaml under real servers, over standard input and over
// HTTP, with SIGHUP and without. No call and no session is lost, and a wrong file changes nothing.
func TestEditedConfiguration(t *testing.T) {
	plugins := wasmtest.Folder(t, "plugins/pylon")
	for name, test := range map[string]struct{ http, hangup bool }{
		"stdio, watched": {}, "stdio, SIGHUP": {hangup: true}, "HTTP, watched": {http: true}, "HTTP, SIGHUP": {true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			editUnder(t, plugins, test.http, test.hangup)
		})
	}
}

func editUnder(t *testing.T, plugins string, overHTTP, hangup bool) {
	t.Helper()
	vendor := &heldVendor{pylon: pylon.New(pylon.Options{Token: fullToken, Scale: pylon.SmallScale()}), asked: make(map[string]int)}
	at, err := vendorsim.Start(t.Context(), vendor, vendorsim.Options{LogSize: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer at.Close()
	dir := t.TempDir()
	path := filepath.Join(dir, "agenthost.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte("plugins: "+plugins+"\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	connection := func(name, variable, effects string) string {
		return fmt.Sprintf("  %s: {connector: pylon, server: %s, credentials: {api_token: env:%s}, limits: {concurrency: 32}, allow: {effects: [%s]}}\n", name, at.URL, variable, effects)
	}
	write("connections:\n" + connection("lab", "OLD", "read"))

	args := []string{"mcp", "--form", "operations", "--log-level", "warn"}
	if overHTTP {
		args = append(args, "--http", "127.0.0.1:0", "--token", "env:AGENT", "--sessions")
	}
	server := exec.CommandContext(t.Context(), command(t), args...)
	server.Dir = dir
	server.Env = append(os.Environ(), "OLD=old-token-0123456789", "NEW=new-token-0123456789", "AGENT=agent-token-0123456789abcdef",
		"XDG_CACHE_HOME="+wasmtest.Home(t), firstPartyVariable+"="+asFirstParty(t, plugins))
	log := &lockedText{}
	server.Stderr = log

	changed := make(chan struct{}, 100)
	client := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, &sdk.ClientOptions{
		ToolListChangedHandler: func(context.Context, *sdk.ToolListChangedRequest) { changed <- struct{}{} },
	})
	var session *sdk.ClientSession
	if overHTTP {
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() {
			_ = server.Process.Signal(os.Interrupt)
			if err := server.Wait(); err != nil {
				t.Errorf("the server ended with %v", err)
			}
		}()
		var url string
		eventually(t, log, "the server listens", func() bool {
			_, rest, found := strings.Cut(log.String(), "MCP at ")
			url, _, _ = strings.Cut(rest, ",")
			return found && strings.Contains(rest, ",")
		})
		session, err = client.Connect(t.Context(), &sdk.StreamableClientTransport{Endpoint: url, HTTPClient: &http.Client{Transport: bearerOf("agent-token-0123456789abcdef")}}, nil)
	} else {
		session, err = client.Connect(t.Context(), &sdk.CommandTransport{Command: server}, nil)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	defer func() {
		if err := session.Close(); err != nil {
			t.Errorf("the session ended with %v", err)
		}
	}()
	edit := func(text string) {
		t.Helper()
		write(text)
		if hangup {
			if err := server.Process.Signal(syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
		}
	}
	tools := func() []string {
		t.Helper()
		list, err := session.ListTools(t.Context(), nil)
		if err != nil {
			t.Fatalf("%v\n%s", err, log)
		}
		var names []string
		for _, tool := range list.Tools {
			names = append(names, tool.Name)
		}
		return names
	}
	call := func(name string) error {
		result, err := session.CallTool(t.Context(), &sdk.CallToolParams{Name: name, Arguments: map[string]any{}})
		if err == nil && result.IsError {
			err = fmt.Errorf("%+v", result.Content[0])
		}
		return err
	}
	if got := tools(); !slices.Contains(got, "lab_me_get") || slices.Contains(got, "lab_accounts_create") {
		t.Fatalf("the tools are %q", got)
	}

	// Calls run while the connection changes.
	const calls = 20
	release := vendor.hold()
	var running sync.WaitGroup
	for range calls {
		running.Go(func() {
			if err := call("lab_me_get"); err != nil {
				t.Errorf("a call during the change ended with %v", err)
			}
		})
	}
	eventually(t, log, "the calls are at the vendor", func() bool { return vendor.count("old-token-0123456789") == calls })
	edit("connections:\n" + connection("lab", "NEW", "read, write") + connection("more", "NEW", "read"))
	select {
	case <-changed:
	case <-time.After(time.Minute):
		t.Fatalf("the client was not told that the tools changed\n%s", log)
	}
	eventually(t, log, "the new tools are there", func() bool {
		now := tools()
		return slices.Contains(now, "lab_accounts_create") && slices.Contains(now, "more_me_get")
	})

	// A wrong file changes nothing, and is reported once, and again to who asks with SIGHUP.
	reports := 1
	before := tools()
	edit("connections:\n" + connection("lab", "NEW", "read, writ"))
	eventually(t, log, "the wrong file is reported", func() bool { return strings.Contains(log.String(), "there is no effect") })
	if hangup {
		reports = 2
		_ = server.Process.Signal(syscall.SIGHUP)
		eventually(t, log, "the wrong file is reported again", func() bool { return strings.Count(log.String(), "there is no effect") == reports })
	}
	if got := tools(); !slices.Equal(got, before) {
		t.Errorf("a wrong file changed the tools to %q", got)
	}
	release()
	running.Wait()
	if err := call("lab_me_get"); err != nil || vendor.count("new-token-0123456789") != 1 {
		t.Errorf("the next call ended with %v, the vendor saw the new credential %d times", err, vendor.count("new-token-0123456789"))
	}

	// A removed connection, and a key that takes a restart.
	edit("mcp: {budget: 3000}\nconnections:\n" + connection("more", "NEW", "read"))
	eventually(t, log, "the tools of the removed connection are gone", func() bool { return !slices.Contains(tools(), "lab_me_get") })
	if err := call("lab_me_get"); err == nil {
		t.Error("a tool of a removed connection answered")
	}
	if err := call("more_me_get"); err != nil {
		t.Errorf("the other connection: %v", err)
	}
	text := log.String()
	if strings.Count(text, "there is no effect") != reports || strings.Count(text, "keys=mcp") != 1 {
		t.Errorf("standard error is\n%s", text)
	}
	if !strings.Contains(text, "agenthost: mcp offers connection more from agenthost.yaml") {
		t.Errorf("the new connection is not announced:\n%s", text)
	}
}

// bearerOf sends a bearer token with each request.
type bearerOf string

func (b bearerOf) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}

func eventually(t *testing.T, log *lockedText, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not yet: %s\n%s", what, log)
		}
	}
}
