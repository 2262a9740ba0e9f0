package devloop

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/agenthost/agenthost/internal/modulefile"
	"github.com/agenthost/agenthost/internal/recording"
	"github.com/agenthost/agenthost/pdk/abi"
)

// StandIn answers as a vendor did in recorded calls. It takes every credential.
type StandIn struct {
	mu      sync.Mutex
	answers []answer
	next    map[string]int // of answers that fit equally, by request
}

// answer is what a vendor answered to a request.
type answer struct {
	request abi.Request
	path    string // with the values of its parameters
	body    []byte
	*recording.Response
}

// maxRecordings and maxBytes bound what a stand-in knows.
const (
	maxRecordings = 1000
	maxBytes      = 64 << 20
	maxRequest    = 16 << 20
)

// Load takes the recordings of a folder, in place of those from before. It says how many calls they are. A
// folder that is not there has none.
func (s *StandIn) Load(ctx context.Context, folder string) (calls int, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil && !os.IsNotExist(err) {
		return 0, err
	}
	var answers []answer
	size := 0
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != ".json" || calls == maxRecordings {
			continue
		}
		data, err := modulefile.Read(ctx, filepath.Join(folder, entry.Name()))
		if err != nil {
			return calls, fmt.Errorf("%s: %w", entry.Name(), err)
		}
		if size += len(data); size > maxBytes {
			return calls, fmt.Errorf("the recordings in %s have more than %d bytes", folder, maxBytes)
		}
		tape, err := recording.Read(bytes.NewReader(data))
		if err != nil {
			return calls, fmt.Errorf("%s: %w", entry.Name(), err)
		}
		calls++
		for _, e := range tape.Exchanges {
			if e.Response != nil {
				answers = append(answers, answer{e.Request, filled(e.Request), e.Body, e.Response})
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers, s.next = answers, make(map[string]int)
	return calls, nil
}

// filled is the path of a request, as it is sent.
func filled(r abi.Request) string {
	path := r.Path
	for name, value := range r.PathParams {
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(value))
	}
	return path
}

// fits says how well an answer fits a request: 0 not at all, 4 best.
func (a *answer) fits(r *http.Request, body []byte) int {
	if a.request.Method != r.Method || !templateFits(a.request.Path, r.URL.EscapedPath()) {
		return 0
	}
	if a.path != r.URL.EscapedPath() {
		return 1
	}
	query := r.URL.Query()
	for _, pair := range a.request.Query {
		if query.Get(pair[0]) != pair[1] {
			return 2
		}
	}
	if !bytes.Equal(a.body, body) {
		return 3
	}
	return 4
}

// templateFits reports whether a path may be of a template.
func templateFits(template, path string) bool {
	want, have := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(have) {
		return false
	}
	for i := range want {
		if want[i] != have[i] && !strings.Contains(want[i], "{") {
			return false
		}
	}
	return true
}

// find returns the answer that fits best. Those that fit equally take turns.
func (s *StandIn) find(r *http.Request, body []byte) *answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	best, fitting := 0, []*answer(nil)
	for i := range s.answers {
		switch fit := s.answers[i].fits(r, body); {
		case fit == 0 || fit < best:
		case fit > best:
			best, fitting = fit, []*answer{&s.answers[i]}
		default:
			fitting = append(fitting, &s.answers[i])
		}
	}
	if len(fitting) == 0 {
		return nil
	}
	key := r.Method + " " + r.URL.RequestURI()
	found := fitting[s.next[key]%len(fitting)]
	if len(s.next) < maxRecordings {
		s.next[key]++
	}
	return found
}

// ownHeaders are those that the server itself writes.
var ownHeaders = map[string]bool{"Content-Length": true, "Content-Encoding": true, "Transfer-Encoding": true, "Connection": true, "Date": true}

// ServeHTTP implements http.Handler.
func (s *StandIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		http.Error(w, `{"error":{"code":"too_large","message":"the body is too large"}}`, http.StatusRequestEntityTooLarge)
		return
	}
	found := s.find(r, body)
	if found == nil {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = fmt.Fprintf(w, `{"error":{"code":"no_recording","message":"no recording has an answer to this request"}}`)
		return
	}
	for name, values := range found.Header {
		if name = http.CanonicalHeaderKey(name); !ownHeaders[name] {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(found.Status)
	_, _ = w.Write(found.Body)
}
