package vendorsim

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// echoVendor answers {"path":...,"pad":...} with about 4 KB, or 201 to POST.
var echoVendor = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	out, _ := json.Marshal(map[string]string{"path": r.URL.Path, "got": string(body), "pad": strings.Repeat("x", 4000)})
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodPost {
		w.WriteHeader(http.StatusCreated)
	}
	_, _ = w.Write(out)
})

func start(t *testing.T, h http.Handler, o Options) (*Server, *http.Client) {
	t.Helper()
	s, err := Start(t.Context(), h, o)
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{}
	t.Cleanup(func() {
		tr.CloseIdleConnections()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func get(t *testing.T, c *http.Client, url string) (*http.Response, []byte, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer canary")
	resp, err := c.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return resp, body, err
}

func TestRequestLog(t *testing.T) {
	s, c := start(t, echoVendor, Options{LogSize: 3, MaxLoggedBody: 4})
	for _, p := range []string{"/a", "/b", "/c%2Fd?x=1&x=2"} {
		if _, _, err := get(t, c, s.URL+p); err != nil {
			t.Fatal(err)
		}
	}
	resp, err := c.Post(s.URL+"/e", "application/json", strings.NewReader("123456"))
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if !bytes.Contains(body, []byte(`"got":"123456"`)) {
		t.Error("the handler did not get the whole body")
	}
	got := s.Requests()
	if len(got) != 3 {
		t.Fatalf("%d requests in the log, want the last 3", len(got))
	}
	if got[0].Path != "/b" || got[1].Path != "/c%2Fd" || got[1].Query["x"][1] != "2" || got[2].Method != "POST" {
		t.Errorf("log: %v", got)
	}
	if string(got[2].Body) != "1234" || !got[2].BodyTruncated || got[1].Body != nil {
		t.Errorf("bodies: %q (truncated %v), %q", got[2].Body, got[2].BodyTruncated, got[1].Body)
	}
	if got[0].Header.Get("Authorization") != "Bearer canary" {
		t.Error("the log lacks the credential that arrived")
	}
	if strings.Contains(got[0].String(), "canary") {
		t.Error("String shows the credential")
	}
	s.Reset()
	if n := len(s.Requests()); n != 0 {
		t.Errorf("%d requests after Reset", n)
	}
}

func TestOnlyLoopback(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":0", "192.0.2.1:0", "[::]:0", "example.com:0", "nonsense"} {
		if s, err := Start(t.Context(), echoVendor, Options{Addr: addr}); err == nil {
			_ = s.Close()
			t.Errorf("%s: accepted", addr)
		}
	}
}

func TestFixedAddress(t *testing.T) {
	first, _ := start(t, echoVendor, Options{})
	addr := strings.TrimPrefix(first.URL, "http://")
	if _, err := Start(t.Context(), echoVendor, Options{Addr: addr}); err == nil {
		t.Error("two servers on one address")
	}
	_ = first.Close()
	second, c := start(t, echoVendor, Options{Addr: addr})
	if second.URL != first.URL {
		t.Errorf("URL %s, want %s", second.URL, first.URL)
	}
	if _, _, err := get(t, c, second.URL+"/x"); err != nil {
		t.Error(err)
	}
}

func TestGzip(t *testing.T) {
	for _, tc := range []struct {
		name, accept string
		options      Options
		zipped       bool
	}{
		{"accepted", "gzip", Options{}, true},
		{"in a list", "br, gzip;q=0.5", Options{}, true},
		{"any", "*", Options{}, true},
		{"refused", "gzip;q=0", Options{}, false},
		{"not mentioned", "identity", Options{}, false},
		{"off", "gzip", Options{NoGzip: true}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, c := start(t, echoVendor, tc.options)
			req, _ := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/x", nil)
			req.Header.Set("Accept-Encoding", tc.accept)
			resp, err := c.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			var rd io.Reader = resp.Body
			if got := resp.Header.Get("Content-Encoding") == "gzip"; got != tc.zipped {
				t.Fatalf("compressed: %v, want %v", got, tc.zipped)
			} else if got {
				if rd, err = gzip.NewReader(resp.Body); err != nil {
					t.Fatal(err)
				}
			}
			var doc map[string]string
			if err := json.NewDecoder(rd).Decode(&doc); err != nil || doc["path"] != "/x" {
				t.Errorf("body: %v, %v", doc["path"], err)
			}
		})
	}
}

func TestEffects(t *testing.T) {
	soon := time.Now().Add(90 * time.Second)
	for _, tc := range []struct {
		name   string
		effect Effect
		check  func(t *testing.T, resp *http.Response, body []byte, err error)
	}{
		{"status", Respond(500, http.Header{"x-a": {"b"}}, `{"errors":["boom"]}`), func(t *testing.T, resp *http.Response, body []byte, err error) {
			if err != nil || resp.StatusCode != 500 || resp.Header.Get("X-A") != "b" || string(body) != `{"errors":["boom"]}` {
				t.Error(resp, string(body), err)
			}
		}},
		{"retry after seconds", RetryAfterSeconds(429, 7, "{}"), func(t *testing.T, resp *http.Response, _ []byte, err error) {
			if err != nil || resp.StatusCode != 429 || resp.Header.Get("Retry-After") != "7" {
				t.Error(resp, err)
			}
		}},
		{"retry after date", RetryAfterDate(503, soon, "{}"), func(t *testing.T, resp *http.Response, _ []byte, err error) {
			at, perr := http.ParseTime(resp.Header.Get("Retry-After"))
			if err != nil || perr != nil || at.Unix() != soon.Unix() {
				t.Error(at, err, perr)
			}
		}},
		{"redirect", RedirectTo(302, "http://other.example/steal"), func(t *testing.T, resp *http.Response, _ []byte, err error) {
			if err != nil || resp.StatusCode != 302 || resp.Header.Get("Location") != "http://other.example/steal" {
				t.Error(resp, err)
			}
		}},
		{"drop", DropConnection(), func(t *testing.T, _ *http.Response, _ []byte, err error) {
			if err == nil {
				t.Error("no error")
			}
		}},
		{"drop after handling", DropAfterHandling(), func(t *testing.T, _ *http.Response, _ []byte, err error) {
			if err == nil {
				t.Error("no error")
			}
		}},
		{"truncated", TruncateBody(100), func(t *testing.T, resp *http.Response, body []byte, err error) {
			if !errors.Is(err, io.ErrUnexpectedEOF) || len(body) != 100 || resp.ContentLength < 4000 {
				t.Errorf("%d bytes of %d, %v", len(body), resp.ContentLength, err)
			}
		}},
		{"slow", SlowBody(500, time.Millisecond), func(t *testing.T, resp *http.Response, body []byte, err error) {
			if err != nil || !json.Valid(body) || int64(len(body)) != resp.ContentLength {
				t.Error(len(body), err)
			}
		}},
		{"malformed", MalformedJSON(), func(t *testing.T, _ *http.Response, body []byte, err error) {
			if err != nil || json.Valid(body) {
				t.Error(string(body), err)
			}
		}},
		{"html", HTMLPage(), func(t *testing.T, resp *http.Response, _ []byte, err error) {
			if err != nil || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
				t.Error(resp, err)
			}
		}},
		{"huge", HugeBody(3 << 20), func(t *testing.T, _ *http.Response, body []byte, err error) {
			if err != nil || len(body) < 3<<20 || !json.Valid(body) {
				t.Error(len(body), err)
			}
		}},
		{"bomb", GzipBomb(8 << 20), func(t *testing.T, resp *http.Response, body []byte, err error) {
			if err != nil || !resp.Uncompressed || len(body) < 8<<20 || !json.Valid(body) {
				t.Error(len(body), err)
			}
		}},
		{"echo", EchoAuthorization(401), func(t *testing.T, resp *http.Response, body []byte, err error) {
			if err != nil || bytes.Count(body, []byte("Bearer canary")) != 3 || resp.Header.Get("X-Echo-Authorization") != "Bearer canary" {
				t.Error(string(body), err)
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, c := start(t, echoVendor, Options{})
			s.Inject(Fault{Effect: tc.effect})
			// net/http repeats a GET on a reused connection that breaks; this is the first on a new one.
			resp, body, err := get(t, c, s.URL+"/x")
			tc.check(t, resp, body, err)
			if n := s.PendingFaults(); n != 0 {
				t.Errorf("%d faults left", n)
			}
			if _, body, err = get(t, c, s.URL+"/after"); err != nil || !bytes.Contains(body, []byte("/after")) {
				t.Errorf("the request after the fault: %v", err)
			}
		})
	}
}

func TestDropAfterHandlingReachesTheVendor(t *testing.T) {
	var mu sync.Mutex
	handled := 0
	s, c := start(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		handled++
	}), Options{})
	s.Inject(Fault{Effect: DropAfterHandling()}, Fault{Effect: DropConnection()})
	for range 2 {
		resp, err := c.Post(s.URL, "application/json", strings.NewReader("{}"))
		if err == nil {
			_ = resp.Body.Close()
			t.Fatal("no error")
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if handled != 1 {
		t.Errorf("the vendor saw %d requests, want 1", handled)
	}
}

func TestFaultScript(t *testing.T) {
	s, c := start(t, echoVendor, Options{})
	s.Inject(
		Fault{Method: "GET", PathPrefix: "/a", Skip: 1, Count: 2, Effect: Respond(500, nil, "")},
		Fault{PathPrefix: "/a", Count: -1, Effect: Respond(503, nil, "")},
	)
	want := []int{503, 500, 500, 503, 503}
	for i, status := range want {
		if resp, _, err := get(t, c, s.URL+"/a/x"); err != nil || resp.StatusCode != status {
			t.Errorf("request %d: %v, %v, want %d", i, resp, err, status)
		}
	}
	if resp, _, err := get(t, c, s.URL+"/b"); err != nil || resp.StatusCode != 200 {
		t.Error("a path that no fault names was hit", err)
	}
	if n := s.PendingFaults(); n != 1 {
		t.Errorf("%d faults pending, want the endless one", n)
	}
	s.ClearFaults()
	if resp, _, err := get(t, c, s.URL+"/a/x"); err != nil || resp.StatusCode != 200 {
		t.Error(resp, err)
	}
}

// Close must end handlers that wait, trickle or stream without end, and leave no goroutine behind.
func TestCloseLeavesNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(t.Context())
	s, err := Start(ctx, echoVendor, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.Inject(
		Fault{PathPrefix: "/latency", Latency: time.Hour},
		Fault{PathPrefix: "/slow", Effect: SlowBody(1, time.Hour)},
		Fault{PathPrefix: "/endless", Effect: HugeBody(1 << 50)},
	)
	tr := &http.Transport{}
	var clients sync.WaitGroup
	for _, p := range []string{"/latency", "/slow", "/endless", "/plain"} {
		clients.Go(func() {
			resp, err := (&http.Client{Transport: tr}).Get(s.URL + p)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		})
	}
	for len(s.Requests()) < 4 {
		runtime.Gosched()
	}
	cancel() // must do the same as Close
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	clients.Wait()
	tr.CloseIdleConnections()
	for range 3000 { // much longer than it takes, also on a busy machine
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	buf := make([]byte, 1<<16)
	t.Errorf("%d goroutines before, %d after\n%s", before, runtime.NumGoroutine(), buf[:runtime.Stack(buf, true)])
}

// TestContextEndsWhileStarting is for the race detector: a server whose context ends
// at any moment, the one of its start included, closes itself without a data race.
func TestContextEndsWhileStarting(t *testing.T) {
	for i := range 50 {
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			time.Sleep(time.Duration(i) * 100 * time.Microsecond)
			cancel()
		}()
		s, err := Start(ctx, echoVendor, Options{})
		if err != nil {
			continue // it ended before there was a listener
		}
		<-s.served
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	s, c := start(t, echoVendor, Options{LogSize: 8})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				s.Inject(Fault{PathPrefix: "/x", Effect: Respond(500, nil, "")})
				resp, err := c.Get(s.URL + "/x")
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				s.Requests()
			}
		})
	}
	wg.Wait()
	if n := s.PendingFaults(); n != 0 {
		t.Errorf("%d faults left", n)
	}
}
