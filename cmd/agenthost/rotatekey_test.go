package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
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
)

var credentials = flag.Int("credentials", 30, "how many credentials TestRotateKey has, three in each workspace")

// TestRotateKey rotates the keys of a server in use, and kills rotations at random moments. What was
// killed goes on in the next one, no call fails, and each connector keeps its credential.
//
// threat: K5
func TestRotateKey(t *testing.T) {
	t.Parallel()
	testRotateKey(t, "")
}

func TestPostgresRotateKey(t *testing.T) {
	t.Parallel()
	onPostgres(t, testRotateKey)
}

func testRotateKey(t *testing.T, database string) {
	random := seeded(t)
	vendor := &owners{owner: make(map[string]string), writes: make(map[string]int)}
	u := &keyUser{servedProcess: newServed(t, vendor, database), vendor: vendor, connectors: make([]string, *credentials)}
	u.start()
	u.access = u.token(u.bootstrap())
	u.fill()
	stop := u.use(random)
	var times []time.Duration // of rotations, by kind
	kinds := [][]string{nil, {"--data-keys"}}
	for _, kind := range kinds {
		begun := time.Now()
		said := u.rotate(kind)
		times = append(times, time.Since(begun))
		t.Logf("%d credentials: rotate-key %s took %s: %s", *credentials, strings.Join(kind, " "), time.Since(begun).Round(time.Millisecond), said)
	}
	if times[1] > time.Minute && !raceDetector {
		t.Errorf("new data keys took %s", times[1])
	}
	killed := 0
	for i := range max(4, *kills/5) {
		c := u.rotation(kinds[i%2])
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(time.Duration(random.Int64N(int64(times[i%2]))), func() { _ = c.Process.Kill() }) // it may have ended
		if c.Wait() != nil {
			killed++
		}
		kill.Stop()
	}
	for _, kind := range kinds {
		u.rotate(kind)
	}
	t.Logf("%d rotations killed, %d requests meanwhile", killed, stop())
	key, err := os.ReadFile(filepath.Join(u.folder, "data", "master.key"))
	if err != nil || bytes.Count(key, []byte("\n")) != 1 {
		t.Errorf("the file of the master key has %d lines, %v", bytes.Count(key, []byte("\n")), err)
	}
	// The next server opens all of them, with what is in the folder.
	u.stop()
	u.start()
	u.access = u.token(u.bootstrap())
	for i, id := range u.connectors {
		if err := u.call(id, fmt.Sprint(i)); err != nil {
			t.Fatalf("after it: %v", err)
		}
	}
}

// keyUser uses a server whose keys are rotated.
type keyUser struct {
	*servedProcess
	vendor     *owners
	access     string
	connectors []string // the owner of one's credential is its number
}

func (u *keyUser) rotation(kind []string) *exec.Cmd {
	args := append([]string{"serve", "rotate-key", "--data", "data"}, kind...)
	if u.database != "" {
		args = append(args, "--db", "env:"+databaseVariable)
	}
	c := exec.CommandContext(u.t.Context(), u.program, args...)
	c.Dir, c.Env = u.folder, u.env
	return c
}

func (u *keyUser) rotate(kind []string) (said string) {
	u.t.Helper()
	out, err := u.rotation(kind).CombinedOutput()
	if err != nil {
		u.t.Fatalf("rotate-key %q: %v: %s", kind, err, out)
	}
	return strings.TrimSpace(string(out))
}

var errConflict = errors.New("another client changed the connector")

// do sends a request, and again where there were too many.
func (u *keyUser) do(method, path string, body, into any) error {
	for {
		a, err := u.ask(method, path, u.access, body)
		switch {
		case err != nil:
			return err
		case a.status == http.StatusTooManyRequests:
			time.Sleep(20 * time.Millisecond)
		case a.status == http.StatusConflict:
			return errConflict
		default:
			return a.into(into)
		}
	}
}

// call looks whether a connector has the credential of an owner.
func (u *keyUser) call(id, owner string) error {
	var got struct{ Result struct{ Owner string } }
	err := u.do(http.MethodPost, connectorAt(airbyteapi.ExecutePath, id), map[string]any{"entity": "me", "action": "get"}, &got)
	if err == nil && got.Result.Owner != owner {
		err = fmt.Errorf("the credential is that of %q", got.Result.Owner)
	}
	return err
}

func (u *keyUser) create(workspace, owner string) (id string, err error) {
	u.vendor.own("credential-"+owner, owner)
	var made airbyteapi.Record
	err = u.do(http.MethodPost, airbyteapi.ConnectorsPath, map[string]any{
		"workspace_name": workspace, "connector_type": "Notes", "credentials": map[string]string{"token": "credential-" + owner},
	}, &made)
	return made.ID, err
}

// fill makes the connectors.
func (u *keyUser) fill() {
	u.t.Helper()
	var group sync.WaitGroup
	for part := range 8 {
		group.Go(func() {
			for i := part; i < len(u.connectors) && !u.t.Failed(); i += 8 {
				var err error
				if u.connectors[i], err = u.create(fmt.Sprint("workspace ", i/3), fmt.Sprint(i)); err != nil {
					u.t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if u.t.Failed() {
		u.t.FailNow()
	}
}

// use has clients call, rename, create and delete connectors until stop is called, which returns
// how many requests there were.
func (u *keyUser) use(random *rand.Rand) (stop func() (requests int64)) {
	var stopped atomic.Bool
	var group sync.WaitGroup
	var requests atomic.Int64
	did := func(what string, err error) {
		if requests.Add(1); err != nil && !u.t.Failed() {
			u.t.Errorf("%s: %v", what, err)
		}
	}
	for range 4 {
		own := rand.New(rand.NewPCG(random.Uint64(), 0))
		group.Go(func() {
			for !stopped.Load() {
				i := own.IntN(len(u.connectors))
				if own.IntN(4) == 0 { // so that the server opens its credential again
					err := u.do(http.MethodPut, connectorAt(airbyteapi.ConnectorPath, u.connectors[i]), map[string]any{"name": fmt.Sprint("renamed ", i)}, &airbyteapi.Record{})
					if !errors.Is(err, errConflict) {
						did("rename", err)
					}
				}
				did("call", u.call(u.connectors[i], fmt.Sprint(i)))
				if own.IntN(8) > 0 {
					continue
				}
				owner := fmt.Sprint("passer-by ", own.Uint64())
				made, err := u.create(fmt.Sprint("workspace ", own.IntN(2*len(u.connectors)/3)), owner)
				if did("create", err); err != nil {
					continue
				}
				did("call a new one", u.call(made, owner))
				did("delete", u.do(http.MethodDelete, connectorAt(airbyteapi.ConnectorPath, made), nil, &airbyteapi.DeleteAnswer{}))
			}
		})
	}
	return func() int64 {
		stopped.Store(true)
		group.Wait()
		return requests.Load()
	}
}
