package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/store/pgtest"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

var credentials = flag.Int("credentials", 30, "how many credentials TestRotateKey has, three in each workspace")

// TestRotateKey kills rotations of the keys at random moments, while a server is in use. What was
// killed goes on in the next one, and no call fails.
//
// threat: K5
func TestRotateKey(t *testing.T) { testRotateKey(t, "") }

func TestPostgresRotateKey(t *testing.T) {
	if os.Getenv("AGENTHOST_TEST_POSTGRES") == "" {
		t.Skip("make test-postgres runs it")
	}
	testRotateKey(t, pgtest.Start(t)+" dbname=postgres")
}

func testRotateKey(t *testing.T, postgres string) {
	random := seeded(t)
	s := startServe(t, postgres)
	defer s.stop()
	s.fill()
	stop, failed := s.use(rand.New(rand.NewPCG(random.Uint64(), 0)))
	var times []time.Duration // of rotations, by kind
	for _, more := range [][]string{nil, {"--data-keys"}} {
		begun := time.Now()
		out, err := s.rotate(more...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		times = append(times, time.Since(begun))
		t.Logf("%d credentials: rotate-key %s took %s: %s", *credentials, strings.Join(more, " "), times[len(times)-1].Round(time.Millisecond), bytes.TrimSpace(out))
	}
	if times[1] > time.Minute && !raceDetector {
		t.Errorf("new data keys took %s", times[1])
	}
	killed := 0
	for i := range max(4, *kills/5) {
		args, most := []string(nil), times[0]
		if i%2 > 0 {
			args, most = []string{"--data-keys"}, times[1]
		}
		c := s.rotate(args...)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Duration(random.Int64N(int64(most))), func() { _ = c.Process.Kill() })
		if c.Wait() != nil {
			killed++
		}
	}
	for _, more := range [][]string{nil, {"--data-keys"}} {
		if out, err := s.rotate(more...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	calls := stop()
	if n := failed.Load(); n > 0 {
		t.Errorf("%d calls failed", n)
	}
	t.Logf("%d rotations killed, %d calls meanwhile", killed, calls)
	key, err := os.ReadFile(filepath.Join(s.dir, "data", "master.key"))
	if err != nil || bytes.Count(key, []byte("\n")) != 1 {
		t.Errorf("the file of the master key has %d lines, %v", bytes.Count(key, []byte("\n")), err)
	}
	// The next server opens all of them, with what is in the folder.
	s.stop()
	s.start()
	for _, id := range s.connectors {
		if status, text := s.run(t.Context(), id); status != http.StatusOK {
			t.Fatalf("after it: %d %s", status, text)
		}
	}
}

// served is an agenthost serve over a simulated vendor.
type served struct {
	t          *testing.T
	exe, dir   string
	env, flags []string
	log        *lockedText
	cmd        *exec.Cmd
	url, token string
	connectors []string
}

func startServe(t *testing.T, postgres string) *served {
	t.Helper()
	vendor, err := vendorsim.Start(t.Context(), pylon.New(pylon.Options{Token: fullToken, Seed: 1, Scale: pylon.SmallScale()}), vendorsim.Options{LogSize: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = vendor.Close() })
	plugins := wasmtest.Folder(t, "plugins/pylon")
	s := &served{t: t, exe: command(t), dir: t.TempDir(), log: new(lockedText)}
	s.env = append(os.Environ(), "XDG_CACHE_HOME="+wasmtest.Home(t), firstPartyVariable+"="+asFirstParty(t, plugins))
	if postgres != "" {
		s.env = append(s.env, "DATABASE_URL="+postgres)
		s.flags = []string{"--db", "env:DATABASE_URL"}
	}
	config := fmt.Sprintf("plugins: %s\nserve: {connectors: {pylon: {server: %s}}}\n", plugins, vendor.URL)
	if err := os.WriteFile(filepath.Join(s.dir, "agenthost.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	s.start()
	return s
}

func (s *served) command(args ...string) *exec.Cmd {
	c := exec.CommandContext(s.t.Context(), s.exe, append(append([]string{"serve"}, args...), append(s.flags, "--data", "data")...)...)
	c.Dir, c.Env = s.dir, s.env
	return c
}

func (s *served) rotate(args ...string) *exec.Cmd {
	return s.command(append([]string{"rotate-key"}, args...)...)
}

func (s *served) start() {
	s.t.Helper()
	s.log = new(lockedText)
	s.cmd = s.command("--http", "127.0.0.1:0")
	s.cmd.Stderr = s.log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		_, after, found := strings.Cut(s.log.String(), "agenthost: serving ")
		if url, _, whole := strings.Cut(after, ","); found && whole {
			s.url = url
			break
		}
		if time.Since(begun) > time.Minute {
			s.t.Fatalf("it does not start: %s", s.log)
		}
	}
	text, err := os.ReadFile(filepath.Join(s.dir, "data", bootstrapFile))
	if err != nil {
		s.t.Fatal(err)
	}
	var token airbyteapi.Token
	if status, answer := s.ask(s.t.Context(), http.MethodPost, airbyteapi.TokenPath, string(text), &token); status != http.StatusOK {
		s.t.Fatalf("%d %s", status, answer)
	}
	s.token = token.AccessToken
}

func (s *served) stop() {
	if s.cmd == nil {
		return
	}
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		s.t.Error(err)
	}
	if err := s.cmd.Wait(); err != nil {
		s.t.Errorf("the server ends with %v: %s", err, s.log)
	}
	s.cmd = nil
}

// ask sends a request, and again where there were too many.
func (s *served) ask(ctx context.Context, method, path, body string, into any) (status int, answer []byte) {
	for {
		r, err := http.NewRequestWithContext(ctx, method, s.url+path, strings.NewReader(body))
		if err != nil {
			return 0, []byte(err.Error())
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+s.token)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			return 0, []byte(err.Error())
		}
		answer, err = io.ReadAll(resp.Body)
		if closed := resp.Body.Close(); err != nil || closed != nil {
			return 0, []byte("the answer ended")
		}
		if resp.StatusCode == http.StatusTooManyRequests {
			time.Sleep(50 * time.Millisecond)
			continue
		}
		if into != nil && resp.StatusCode < 300 {
			if err := json.Unmarshal(answer, into); err != nil {
				return 0, []byte(err.Error())
			}
		}
		return resp.StatusCode, answer
	}
}

// fill makes the connectors.
func (s *served) fill() {
	s.t.Helper()
	s.connectors = make([]string, *credentials)
	var group sync.WaitGroup
	for part := range 8 {
		group.Go(func() {
			for i := part; i < len(s.connectors); i += 8 {
				var err error
				if s.connectors[i], err = s.create(fmt.Sprint("workspace ", i/3)); err != nil {
					s.t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	if s.t.Failed() {
		s.t.FailNow()
	}
}

func (s *served) create(workspace string) (id string, err error) {
	var made airbyteapi.Record
	body := fmt.Sprintf(`{"workspace_name": %q, "connector_type": "Pylon", "credentials": {"api_token": %q}}`, workspace, fullToken)
	status, answer := s.ask(s.t.Context(), http.MethodPost, airbyteapi.ConnectorsPath, body, &made)
	if status != http.StatusOK {
		return "", fmt.Errorf("%d %s", status, answer)
	}
	return made.ID, nil
}

func (s *served) run(ctx context.Context, id string) (status int, answer []byte) {
	return s.ask(ctx, http.MethodPost, strings.ReplaceAll(airbyteapi.ExecutePath, "{connector_id}", id), `{"entity": "tags", "action": "list"}`, nil)
}

// use has clients call, rename, create and delete connectors until stop is called, which returns
// how many requests there were.
func (s *served) use(random *rand.Rand) (stop func() (calls int64), failed *atomic.Int64) {
	ctx, cancel := context.WithCancel(s.t.Context())
	var group sync.WaitGroup
	var all atomic.Int64
	failed = new(atomic.Int64)
	count := func(what string, status int, answer []byte) {
		if all.Add(1); status >= 300 || status == 0 {
			if failed.Add(1) <= 5 {
				s.t.Errorf("%s: %d %s", what, status, answer)
			}
		}
	}
	for range 4 {
		own := rand.New(rand.NewPCG(random.Uint64(), 0))
		group.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				at := own.IntN(len(s.connectors))
				id := s.connectors[at]
				if own.IntN(4) == 0 { // the server opens its credential again
					status, answer := s.ask(s.t.Context(), http.MethodPut, strings.ReplaceAll(airbyteapi.ConnectorPath, "{connector_id}", id), fmt.Sprintf(`{"name": "renamed %s"}`, id), nil)
					if status == http.StatusConflict { // with another one of these clients
						continue
					}
					count("rename", status, answer)
				}
				status, answer := s.run(s.t.Context(), id)
				count("run", status, answer)
				if own.IntN(8) > 0 {
					continue
				}
				made, err := s.create(fmt.Sprint("workspace ", own.IntN(len(s.connectors)), own.IntN(2)))
				if err != nil {
					count("create", 0, []byte(err.Error()))
					continue
				}
				status, answer = s.run(s.t.Context(), made)
				count("run a new one", status, answer)
				status, answer = s.ask(s.t.Context(), http.MethodDelete, strings.ReplaceAll(airbyteapi.ConnectorPath, "{connector_id}", made), "", nil)
				count("delete", status, answer)
			}
		})
	}
	return func() int64 {
		cancel()
		group.Wait()
		return all.Load()
	}, failed
}
