package main

// Linux only, because what a process holds is read from /proc.

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

// The sizes of TestCrowd.
var (
	crowdGood  = flag.Int("good", 40, "good clients of TestCrowd")
	crowdBad   = flag.Int("bad", 150, "slow, silent and garbage ones of TestCrowd")
	crowdFiles = flag.Int("files", 96, "files that the server of TestCrowd may open")
)

const crowdToken = "CANARYcrowd-0123456789abcdef"

// TestCrowd serves good clients while more others than the server may open files connect
// again and again, to send nothing, or slowly, or garbage. Every good request is answered,
// and what the server holds is bounded.
//
// threat: R9
func TestCrowd(t *testing.T) {
	random := seeded(t)
	s := startServer(t, *crowdFiles)
	// Before the crowd: modules are compiled, and instances exist.
	if _, err := good(t.Context(), s.address, 0); err != nil {
		t.Fatal(err)
	}
	before := s.peak()

	crowd, disperse := context.WithCancel(t.Context())
	var bad, clients sync.WaitGroup
	var connections atomic.Int64
	for range *crowdBad {
		own := rand.New(rand.NewPCG(random.Uint64(), 0))
		bad.Go(func() {
			for crowd.Err() == nil {
				connections.Add(1)
				misbehave(crowd, s.address, own)
			}
		})
	}
	for int(connections.Load()) < *crowdBad {
		time.Sleep(time.Millisecond) // the crowd is there first
	}
	var mu sync.Mutex
	var took []time.Duration
	var failed []error
	for i := range *crowdGood {
		wait := time.Duration(random.IntN(1000)) * time.Millisecond
		clients.Go(func() {
			time.Sleep(wait)
			times, err := good(t.Context(), s.address, 3*i+1)
			mu.Lock()
			defer mu.Unlock()
			if took = append(took, times...); err != nil {
				failed = append(failed, fmt.Errorf("client %d, request %d: %w", i, len(times), err))
			}
		})
	}
	clients.Wait()
	files := s.files()
	disperse()
	bad.Wait()

	slices.Sort(took)
	if len(took) > 0 {
		t.Logf("%d good clients: %d requests, the middle one took %v, the slowest %v", *crowdGood, len(took), took[len(took)/2].Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond))
	}
	t.Logf("%d others connected %d times; the server had %d files open of %d, and at its peak %d MB of memory, %d MB more than before", *crowdBad, connections.Load(), files, *crowdFiles, s.peak()>>20, (s.peak()-before)>>20)
	if len(failed) > 0 {
		t.Errorf("%d good clients were not served, the first for this: %v", len(failed), errors.Join(failed[:min(3, len(failed))]...))
	}
	// Some 50 KB for a connection, and what calls that run at once take.
	if most := int64(64<<20 + *crowdFiles*256<<10); !raceDetector && s.peak()-before > most {
		t.Errorf("the memory grew by %d MB, more than %d MB", (s.peak()-before)>>20, most>>20)
	}
	s.stop()
	if log := s.log.String(); strings.Contains(log, "[ERROR]") || strings.Contains(log, crowdToken) || strings.Contains(log, "panic") {
		t.Errorf("logged: %.2000s", log)
	}
}

// crowdServer is an agenthost mcp --http that may open few files.
type crowdServer struct {
	t       *testing.T
	cmd     *exec.Cmd
	address string
	log     *lockedText
}

func startServer(t *testing.T, files int) *crowdServer {
	t.Helper()
	plugins := wasmtest.Folder(t, "plugins/pylon")
	vendor, err := vendorsim.Start(t.Context(), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"data":[{"id":"acc_1","name":"Aperture Labs"}],"pagination":{"cursor":"","has_next_page":false},"request_id":"r"}`)
	}), vendorsim.Options{LogSize: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = vendor.Close() })
	s := &crowdServer{t: t, log: &lockedText{}}
	s.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), "sh", "-c", `ulimit -n "$0" && exec "$@"`, strconv.Itoa(files),
		command(t), "mcp", "--http", "127.0.0.1:0", "--token", "env:CROWD_TOKEN", "--form", "operations", "--plugins", plugins)
	s.cmd.Dir = t.TempDir()
	s.cmd.Stderr = s.log
	s.cmd.Env = append(os.Environ(), "CROWD_TOKEN="+crowdToken, "AGENTHOST_PYLON_API_TOKEN="+fullToken, "AGENTHOST_PYLON_SERVER="+vendor.URL,
		"XDG_CACHE_HOME="+wasmtest.Home(t), firstPartyVariable+"="+asFirstParty(t, plugins))
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.cmd.ProcessState == nil {
			_ = s.cmd.Process.Kill()
			_ = s.cmd.Wait()
		}
	})
	for until := time.Now().Add(time.Minute); s.address == ""; time.Sleep(10 * time.Millisecond) {
		if _, rest, found := strings.Cut(s.log.String(), "MCP at http://"); found {
			s.address, _, _ = strings.Cut(rest, ",")
		} else if time.Now().After(until) {
			t.Fatalf("no server: %s", s.log)
		}
	}
	return s
}

// stop ends the server in good order.
func (s *crowdServer) stop() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Wait(); err != nil {
		s.t.Errorf("the server ended with %v: %s", err, s.log)
	}
}

// peak is the most memory that the server has had, in bytes.
func (s *crowdServer) peak() int64 {
	s.t.Helper()
	return memoryOf(s.t, s.cmd.Process.Pid, "VmHWM")
}

func (s *crowdServer) files() int {
	s.t.Helper()
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.cmd.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	return len(open)
}

// good is a client that asks three times and expects its own answers. It says how long each
// took.
func good(ctx context.Context, address string, id int) (took []time.Duration, err error) {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: time.Minute}
	for i, ask := range []string{`"method":"ping"`, `"method":"tools/list"`, `"method":"tools/call","params":{"name":"pylon_accounts_list","arguments":{"limit":1}}`} {
		start := time.Now()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address, strings.NewReader(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,%s}`, id+i, ask)))
		if err != nil {
			return took, err
		}
		req.Header.Set("Authorization", "Bearer "+crowdToken)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Accept", "application/json, text/event-stream")
		resp, err := client.Do(req)
		if err != nil {
			return took, err
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			return took, err
		}
		_, data, _ := strings.Cut(string(text), "data: ")
		var answer struct {
			ID     int
			Result struct{ IsError bool }
			Error  any
		}
		if err := json.Unmarshal([]byte(data), &answer); err != nil || resp.StatusCode != 200 || answer.ID != id+i || answer.Error != nil || answer.Result.IsError {
			return took, fmt.Errorf("%d %.300s: %w", resp.StatusCode, text, cmp.Or(err, errors.New("not the answer to this")))
		}
		took = append(took, time.Since(start))
	}
	return took, nil
}

// misbehave opens one connection and does what no client should, until the server closes it.
func misbehave(ctx context.Context, address string, random *rand.Rand) {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", address)
	if err != nil {
		return
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	head := "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
	slowly := func(text string) {
		for i := range len(text) {
			if _, err := io.WriteString(conn, text[i:i+1]); err != nil {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	endless := func(part string) {
		for {
			if _, err := io.WriteString(conn, part); err != nil {
				return
			}
		}
	}
	switch random.IntN(10) {
	case 0: // silent
	case 1:
		_, _ = io.WriteString(conn, head+"Content-Length: 1000000\r\n\r\n")
	case 2:
		slowly(head + strings.Repeat("X-Slow: 1\r\n", 1000))
	case 3:
		_, _ = io.WriteString(conn, head+"Content-Length: 1000\r\n\r\n")
		slowly(strings.Repeat(" ", 1000))
	case 4:
		garbage := make([]byte, 1+random.IntN(4000))
		for i := range garbage {
			garbage[i] = byte(random.IntN(256))
		}
		_, _ = conn.Write(garbage)
	case 5:
		_, _ = io.WriteString(conn, head[:random.IntN(len(head))])
		return
	case 6: // asks, and takes no answer
		endless("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
		return
	case 7:
		_, _ = io.WriteString(conn, head+"Authorization: Bearer wrong\r\nContent-Length: 46\r\n\r\n"+`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
	case 8:
		endless(head + "X-Long: " + strings.Repeat("x", 1<<20))
	case 9:
		_, _ = io.WriteString(conn, head+"Transfer-Encoding: chunked\r\n\r\n")
		endless("400\r\n" + strings.Repeat("x", 1024) + "\r\n")
	}
	for answers := bufio.NewReader(conn); ; {
		if _, err := answers.Discard(1); err != nil {
			return
		}
	}
}
