package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	database "github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/internal/store/pgtest"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

// servedProcess is an agenthost serve as a process of its own, over a vendor of one connector.
type servedProcess struct {
	t        *testing.T
	folder   string
	database string // of PostgreSQL; empty is SQLite
	program  string
	flags    []string
	env      []string
	client   *http.Client

	cmd *exec.Cmd
	log *lockedText
	url string
}

// databaseVariable has the address of the database for the process.
const databaseVariable = "SERVED_DATABASE"

// newServed is a server of the connector notes.
func newServed(t *testing.T, vendor http.Handler, database string) *servedProcess {
	t.Helper()
	return newServedConnector(t, "notes", "", vendor, database)
}

// newServedConnector is a server of one connector of the tests, with more settings of it.
func newServedConnector(t *testing.T, connector, settings string, vendor http.Handler, database string) *servedProcess {
	t.Helper()
	return newServedPlugin(t, "cmd/agenthost/testdata/"+connector, settings, vendor, database)
}

// newServedPlugin is a server of the connector in a folder of the repository.
func newServedPlugin(t *testing.T, folder, settings string, vendor http.Handler, database string) *servedProcess {
	t.Helper()
	v, err := vendorsim.Start(t.Context(), vendor, vendorsim.Options{LogSize: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	plugins := wasmtest.Folder(t, folder)
	compiled(t, plugins)
	s := &servedProcess{t: t, folder: t.TempDir(), database: database, program: command(t)}
	s.env = append(os.Environ(), "XDG_CACHE_HOME="+wasmtest.Home(t), firstPartyVariable+"="+asFirstParty(t, plugins), databaseVariable+"="+database)
	s.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: time.Minute}
	t.Cleanup(s.client.CloseIdleConnections)
	config := fmt.Sprintf("plugins: %s\nserve:\n  connectors:\n    %s: {server: %s%s}\n", plugins, filepath.Base(folder), v.URL, settings)
	if err := os.WriteFile(filepath.Join(s.folder, "agenthost.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	return s
}

// launch starts the process, and does not wait until it serves.
func (s *servedProcess) launch() {
	s.t.Helper()
	args := []string{"serve", "--http", "127.0.0.1:0", "--data", "data"}
	if s.database != "" {
		args = append(args, "--db", "env:"+databaseVariable)
	}
	args = append(args, s.flags...)
	s.cmd, s.log = exec.CommandContext(context.WithoutCancel(s.t.Context()), s.program, args...), &lockedText{}
	s.cmd.Dir, s.cmd.Env, s.cmd.Stderr = s.folder, s.env, s.log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
}

// start starts the process, and waits until it serves.
func (s *servedProcess) start() {
	s.t.Helper()
	s.launch()
	for until := time.Now().Add(time.Minute); ; time.Sleep(2 * time.Millisecond) {
		if _, rest, found := strings.Cut(s.log.String(), "agenthost: serving "); found {
			s.url, _, _ = strings.Cut(rest, ",")
			return
		}
		if time.Now().After(until) {
			s.t.Fatalf("no server: %s", s.log)
		}
	}
}

// kill ends the process at once.
func (s *servedProcess) kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill() // it may have ended
	_ = s.cmd.Wait()
	s.cmd = nil
}

// stop ends the process in good order.
func (s *servedProcess) stop() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Wait(); err != nil {
		s.t.Errorf("the server ended with %v: %s", err, s.log)
	}
	s.cmd = nil
}

// open opens the database while no server has it.
func (s *servedProcess) open() *database.Store {
	s.t.Helper()
	folder := filepath.Join(s.folder, "data")
	o := database.Options{Masters: database.ReadMasters(folder, nil)}
	var err error
	var db *database.Store
	if s.database != "" {
		db, err = database.OpenPostgres(s.t.Context(), secret.New([]byte(s.database)), o)
	} else {
		db, err = database.OpenSQLite(s.t.Context(), folder, o)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return db
}

// application is who a client of the server is.
type application struct {
	Organization string `json:"organization_id"`
	ID           string `json:"client_id"`
	Secret       string `json:"client_secret"`
}

// bootstrap is the first application.
func (s *servedProcess) bootstrap() (a application) {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.folder, "data", bootstrapFile))
	if err == nil {
		err = json.Unmarshal(text, &a)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// answer is what the server answered.
type answer struct {
	status int
	body   string
	header http.Header
}

// into reads a good answer.
func (a *answer) into(v any) error {
	if a.status >= 300 {
		return fmt.Errorf("%d %s", a.status, a.body)
	}
	return json.Unmarshal([]byte(a.body), v)
}

// ask sends a request. The error is of the connection.
func (s *servedProcess) ask(method, path, token string, body any, headers ...string) (*answer, error) {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := s.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	read, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	return &answer{resp.StatusCode, string(read), resp.Header}, nil
}

// token gets an access token.
func (s *servedProcess) token(a application) string {
	s.t.Helper()
	var got airbyteapi.Token
	answer, err := s.ask(http.MethodPost, airbyteapi.TokenPath, "", airbyteapi.TokenRequest{ClientID: a.ID, ClientSecret: a.Secret})
	if err == nil {
		err = answer.into(&got)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return got.AccessToken
}

// connectorAt is the path of a connector, or of what can be done with it.
func connectorAt(pattern, id string) string { return strings.ReplaceAll(pattern, "{connector_id}", id) }

// owners is the vendor of the connector notes: it says whose credential a request has, and counts
// writes by the name of the note.
type owners struct {
	mu     sync.Mutex
	owner  map[string]string // by credential
	writes map[string]int    // by name
	delay  func() time.Duration
	// crossed counts writes whose name says "by m1x", with the credential of another than m1x.
	crossed atomic.Int64
}

func (o *owners) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var note struct{ Name string }
	if r.Method == http.MethodPost {
		if err := json.NewDecoder(r.Body).Decode(&note); err != nil {
			http.Error(w, "{}", http.StatusBadRequest)
			return
		}
	}
	o.mu.Lock()
	owner, known := o.owner[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	if known && note.Name != "" {
		o.writes[note.Name]++
	}
	if author, by := strings.CutPrefix(note.Name, "by "); by && !strings.HasPrefix(owner, author+"-") {
		o.crossed.Add(1)
	}
	var delay time.Duration
	if o.delay != nil {
		delay = o.delay()
	}
	o.mu.Unlock()
	time.Sleep(delay)
	w.Header().Set("Content-Type", "application/json")
	if !known {
		w.WriteHeader(http.StatusUnauthorized)
	}
	_, _ = fmt.Fprintf(w, `{"data":{"owner":%q,"note":%q}}`, owner, note.Name)
}

// own makes a credential known.
func (o *owners) own(credential, owner string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.owner[credential] = owner
}

// count is how many writes of a name have come.
func (o *owners) count(name string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.writes[name]
}

// who runs me.get: its answer says whose credential a connector has.
func (s *servedProcess) who(token, id string) (owner string, err error) {
	var got struct{ Result struct{ Owner string } }
	a, err := s.ask(http.MethodPost, connectorAt(airbyteapi.ExecutePath, id), token, airbyteapi.ExecuteRequest{Entity: "me", Action: "get", Params: json.RawMessage("{}")})
	if err == nil {
		err = a.into(&got)
	}
	if err == nil && got.Result.Owner == "" {
		err = errors.New(a.body)
	}
	return got.Result.Owner, err
}

// TestPostgresRestarts restarts the database of a server, which says so and goes on.
func TestPostgresRestarts(t *testing.T) {
	needPostgres(t)
	t.Parallel()
	postgres := pgtest.StartServer(t)
	s := newServed(t, &owners{}, postgres.Connection()+" dbname=postgres")
	s.start()
	s.says("ok")
	if err := postgres.Halt(); err != nil {
		t.Fatal(err)
	}
	s.says("degraded")
	if err := postgres.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.says("ok")
	s.token(s.bootstrap())
	s.stop()
}

// onPostgres runs a test on a PostgreSQL of its own.
func onPostgres(t *testing.T, test func(t *testing.T, database string)) {
	t.Helper()
	needPostgres(t)
	test(t, pgtest.Start(t)+" dbname=postgres")
}

// needPostgres skips a test where there is no PostgreSQL.
func needPostgres(t *testing.T) {
	t.Helper()
	if os.Getenv("AGENTHOST_TEST_POSTGRES") == "" {
		t.Skip("make test-postgres runs it")
	}
}
