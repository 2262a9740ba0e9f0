package host_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/recording"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

const (
	register = "id,name\n1,\"a, \"\"b\"\"\"\n2,ü\n"
	picture  = "\x89PNG\r\n\x1a\n\x00\xff"
)

// platform is the vendor of the connector in host/conformance/testdata/right. It refuses what
// PagerDuty refuses: lists without its media type.
type platform struct {
	mu    sync.Mutex
	polls int    // of the export
	ready string // what the vendor calls an export that is
	left  int    // calls, before it asks to wait
}

func (p *platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	accept, query := r.Header.Get("Accept"), r.URL.Query()
	if r.Header.Get("Authorization") != "Token token="+token {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if p.left--; p.left == 0 {
		w.Header().Set("X-Calls-Left", "0")
		w.Header().Set("X-Calls-Renewed-Ms", "2500")
	}
	answers := func(want, mediaType, body string) {
		if accept != want {
			w.WriteHeader(http.StatusNotAcceptable)
			return
		}
		w.Header().Set("Content-Type", mediaType)
		_, _ = w.Write([]byte(body))
	}
	const own = "application/vnd.right+json;version=2"
	switch r.Method + " " + r.URL.Path {
	case "GET /users":
		offset, _ := strconv.Atoi(query.Get("offset"))
		answers(own, own, fmt.Sprintf(`{"users":[{"id":"u%d"},{"id":"u%d"}],"offset":%d,"more":%v}`, offset, offset+1, offset, offset < 2))
	case "GET /incidents":
		page, _ := strconv.Atoi(query.Get("page"))
		if page < 2 {
			w.Header().Add("Link", `<https://api.right.example/incidents?page=1>; rel="first"`)
			w.Header().Add("Link", fmt.Sprintf(`<https://elsewhere.example/i?per_page=1&page=%d>; rel="next"`, page+1))
		}
		answers(own, own, fmt.Sprintf(`[{"id":"i%d"}]`, page))
	case "GET /reports/2026-01.csv", "GET /exports/e1/file":
		answers("text/csv", "text/csv; charset=utf-8", register)
	case "GET /notes/n1/raw":
		answers("text/plain, text/markdown", "text/markdown", "# Ü\n")
	case "GET /users/u1/picture":
		answers("image/*", "image/png", picture)
	case "POST /exports":
		p.polls = 0
		_, _ = w.Write([]byte(`{"id":"e1"}`))
	case "GET /exports/e1":
		state := "running"
		if p.polls++; p.polls > 3 {
			state = p.ready
		} else if p.polls == 2 {
			w.Header().Set("Retry-After", "7")
		}
		fmt.Fprintf(w, `{"state":%q}`, state)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// openPlatform runs a host on a clock that sleeping moves, and tells how long it slept.
func openPlatform(t *testing.T, p *platform) (h *host.Host, server *vendorsim.Server, slept func() []time.Duration) {
	t.Helper()
	server, err := vendorsim.Start(t.Context(), p, vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	var mu sync.Mutex
	var all []time.Duration
	now := time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)
	h, err = host.Open(t.Context(), host.Options{
		Plugins:     wasmtest.Folder(t, "host/conformance/testdata/right"),
		Cache:       wasmtest.Cache(t),
		Connections: host.StaticConnections{"lab": {Connector: "right", Server: server.URL, Credentials: map[string]string{"api_token": "env:KEY"}}},
		LookupEnv:   func(name string) (string, bool) { return token, name == "KEY" },
		Seams: host.Seams{
			Rand: func() float64 { return 0 },
			Now:  func() time.Time { mu.Lock(); defer mu.Unlock(); return now },
			Sleep: func(ctx context.Context, d time.Duration) error {
				mu.Lock()
				defer mu.Unlock()
				all, now = append(all, d), now.Add(d)
				return ctx.Err()
			},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return h, server, func() []time.Duration { mu.Lock(); defer mu.Unlock(); return slices.Clone(all) }
}

// Answers that are not JSON reach the caller as text or as bytes, with their media type, and
// each request accepts what its vendor wants it to.
func TestAnswersThatAreNotJSON(t *testing.T) {
	t.Parallel()
	h, _, _ := openPlatform(t, new(platform))
	for _, tt := range []struct {
		entity, action string
		params         host.Params
		want           map[string]string
	}{
		{"reports", "download", host.Params{"month": "2026-01"}, map[string]string{"content_type": "text/csv; charset=utf-8", "text": register}},
		{"notes", "get", host.Params{"id": "n1"}, map[string]string{"content_type": "text/markdown", "text": "# Ü\n"}},
		{"pictures", "download", host.Params{"user_id": "u1"}, map[string]string{"content_type": "image/png", "base64": base64.StdEncoding.EncodeToString([]byte(picture))}},
	} {
		result, err := h.Execute(t.Context(), "lab", host.Call{Entity: tt.entity, Action: tt.action, Params: tt.params})
		if err != nil {
			t.Errorf("%s: %v", tt.entity, err)
			continue
		}
		var got map[string]string
		if err := json.Unmarshal(result.Data, &got); err != nil || fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%s: %s, %v", tt.entity, result.Data, err)
		}
	}
}

// A file goes to the caller's writer in place of the guest, past the limits of answers and of
// results; the module's own words about it do not count.
func TestOutput(t *testing.T) {
	t.Parallel()
	p := &platform{ready: "finished"}
	h, _, _ := openPlatform(t, p)
	for _, tt := range []struct {
		entity, action       string
		params               host.Params
		mediaType, want      string
		requests             int
		field, message, hint string
	}{
		{"pictures", "download", host.Params{"user_id": "u1"}, "image/png", picture, 1, "", "", ""},
		{"reports", "download", host.Params{"month": "2026-01"}, "text/csv; charset=utf-8", register, 1, "", "", ""},
		{"exports", "download", nil, "text/csv; charset=utf-8", register, 6, "", "", ""}, // awaited in JSON
		{"pictures", "download", host.Params{"user_id": "nobody"}, "", "", 0, "", "not_found", ""},
		{"users", "list", nil, "", "", 0, "output", "users.list answers records, not a file", "without an output"},
	} {
		var out bytes.Buffer
		result, err := h.Execute(t.Context(), "lab", host.Call{Entity: tt.entity, Action: tt.action, Params: tt.params, Output: &out})
		if out.String() != tt.want {
			t.Errorf("%s.%s: the writer got %q", tt.entity, tt.action, &out)
		}
		if tt.message != "" {
			if e, ok := errors.AsType[*host.Error](err); !ok || e.Field != tt.field || !strings.Contains(err.Error(), tt.message) || !strings.Contains(e.Hint, tt.hint) {
				t.Errorf("%s.%s: %v", tt.entity, tt.action, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256([]byte(tt.want))
		if want := fmt.Sprintf(`{"content_type":%q,"bytes":%d,"sha256":"%x"}`, tt.mediaType, len(tt.want), sum); string(result.Data) != want {
			t.Errorf("%s.%s: %s, want %s", tt.entity, tt.action, result.Data, want)
		}
		if result.Stats.Requests != tt.requests || result.Stats.BytesReceived < int64(len(tt.want)) {
			t.Errorf("%s.%s: %+v", tt.entity, tt.action, result.Stats)
		}
	}
	_, _, err := h.Record(t.Context(), "lab", host.Call{Entity: "pictures", Action: "download", Params: host.Params{"user_id": "u1"}, Output: io.Discard})
	if e, ok := errors.AsType[*host.Error](err); !ok || e.Field != "output" || e.RequestSent {
		t.Errorf("a recorded call: %v", err)
	}
}

// Pages by offset and by Link are followed to their end.
func TestPagesByOffsetAndLink(t *testing.T) {
	t.Parallel()
	h, _, _ := openPlatform(t, new(platform))
	for _, tt := range []struct{ entity, want string }{
		{"users", `{"id":"u0"}{"id":"u1"}{"id":"u2"}{"id":"u3"}`},
		{"incidents", `{"id":"i0"}{"id":"i1"}{"id":"i2"}`},
	} {
		var got strings.Builder
		for page, err := range h.Pages(t.Context(), "lab", host.Call{Entity: tt.entity, Action: "list"}) {
			if err != nil {
				t.Fatal(err)
			}
			for record := range page.Records() {
				got.Write(record)
			}
		}
		if got.String() != tt.want {
			t.Errorf("%s: %s", tt.entity, &got)
		}
	}
}

// An export is started, awaited and downloaded in one call, by the host's sleep and by the
// language's own. Recording it waits, replaying it does not.
func TestExportIsAwaited(t *testing.T) {
	t.Parallel()
	p := new(platform)
	h, server, slept := openPlatform(t, p)
	want := []time.Duration{time.Second, 7 * time.Second, time.Second}
	for i, action := range []string{"wait", "download"} {
		p.mu.Lock()
		p.ready = []string{"lies_in_the_yard", "finished"}[i]
		p.mu.Unlock()
		result, err := h.Execute(t.Context(), "lab", host.Call{Entity: "exports", Action: action})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(result.Data), `"text":"id,name\n`) || !strings.Contains(string(result.Meta), `"polls":3`) {
			t.Errorf("%s: %s, %s", action, result.Data, result.Meta)
		}
		if got := slept()[3*i:]; !slices.Equal(got, want) {
			t.Errorf("%s: it slept %v, want %v", action, got, want)
		}
		if result.Stats.Vendor < 9*time.Second || result.Stats.Guest > time.Second || result.Stats.Fuel > 10_000_000 {
			t.Errorf("%s: it cost %+v", action, result.Stats)
		}
	}
	_, rec, err := h.Record(t.Context(), "lab", host.Call{Entity: "exports", Action: "download"})
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := rec.Write(&file); err != nil {
		t.Fatal(err)
	}
	waits, sent := len(slept()), len(server.Requests())
	read, err := recording.Read(&file)
	if err != nil {
		t.Fatal(err)
	}
	if read.Exchanges[3].SleptMS != 7000 || waits != 9 {
		t.Errorf("the recording has %d ms, and %d waits", read.Exchanges[3].SleptMS, waits)
	}
	differences, err := h.Replay(t.Context(), read)
	if err != nil || len(differences) > 0 {
		t.Errorf("replayed otherwise: %v, %v", differences, err)
	}
	if len(slept()) != waits || len(server.Requests()) != sent {
		t.Error("the replay waited, or sent something")
	}
	read.Exchanges[2].SleptMS = 5
	if differences, err = h.Replay(t.Context(), read); err != nil || len(differences) != 1 || differences[0].Where != "exchanges[2].slept_ms" {
		t.Errorf("replayed otherwise: %v, %v", differences, err)
	}
}

// The host heeds the rate headers that the manifest declares.
func TestDeclaredRateHeaders(t *testing.T) {
	t.Parallel()
	h, _, slept := openPlatform(t, &platform{left: 1})
	for range 2 {
		if _, err := h.Execute(t.Context(), "lab", host.Call{Entity: "users", Action: "list"}); err != nil {
			t.Fatal(err)
		}
	}
	if got := slept(); len(got) != 1 || got[0] != 2500*time.Millisecond {
		t.Errorf("it waited %v, want 2.5s", got)
	}
}

// A guest whose call ends while it sleeps is told of a timeout, and the next call is served.
func TestSleepEndsWithTheDeadline(t *testing.T) {
	t.Parallel()
	server, err := vendorsim.Start(t.Context(), new(platform), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	deadline := newDeadline(t.Context())
	h, err := host.Open(t.Context(), host.Options{
		Plugins: wasmtest.Folder(t, "host/conformance/testdata/right"), Cache: wasmtest.Cache(t),
		Connections: host.StaticConnections{"lab": {Connector: "right", Server: server.URL, Credentials: map[string]string{"api_token": "env:KEY"}}},
		LookupEnv:   func(name string) (string, bool) { return token, name == "KEY" },
		Seams: host.Seams{Sleep: func(ctx context.Context, _ time.Duration) error {
			deadline.pass()
			<-ctx.Done()
			return context.Cause(ctx)
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close(context.Background())
	_, err = h.Execute(deadline, "lab", host.Call{Entity: "exports", Action: "download"})
	if err == nil || !strings.HasPrefix(err.Error(), "timeout") {
		t.Errorf("it ended with %v", err)
	}
	if _, err := h.Execute(t.Context(), "lab", host.Call{Entity: "users", Action: "list"}); err != nil {
		t.Errorf("the next call: %v", err)
	}
}

// deadline is a context whose deadline passes when the test says so.
type deadline struct {
	context.Context
	passed chan struct{}
	pass   func()
}

func newDeadline(ctx context.Context) *deadline {
	d := &deadline{Context: ctx, passed: make(chan struct{})}
	d.pass = sync.OnceFunc(func() { close(d.passed) })
	return d
}

func (d *deadline) Done() <-chan struct{} { return d.passed }

func (d *deadline) Err() error {
	select {
	case <-d.passed:
		return context.DeadlineExceeded
	default:
		return nil
	}
}
