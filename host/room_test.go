package host_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/pdk/abi"
)

// openSmall is a host that has few bytes in flight, with two connections to a vendor.
func openSmall(t *testing.T, bytes int64, vendor http.HandlerFunc) *host.Host {
	t.Helper()
	server, err := vendorsim.Start(t.Context(), vendor, vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	o := options(t, host.StaticConnections{"lab": labAt(server), "other": labAt(server)})
	o.HostBytes = bytes
	return opened(t, o)
}

// full checks an error about the host's bytes, and that nothing is held once it is there.
func full(t *testing.T, h *host.Host, err error, kind abi.Kind) {
	t.Helper()
	var e *abi.Error
	if !errors.As(err, &e) || e.Kind != kind || e.Field != "limits.host_bytes" || !strings.Contains(e.Hint, "raise limits.host_bytes") {
		t.Errorf("%v, want %s about limits.host_bytes", err, kind)
	}
}

func atRest(t *testing.T, h *host.Host) {
	t.Helper()
	if n := h.BytesInFlight(); n != 0 {
		t.Errorf("%d bytes are in flight with no call", n)
	}
}

var getOne = host.Call{Entity: "issues", Action: "get", Params: host.Params{"id": "x"}}

// issueOf is an issue of some size that does not grow out of all proportion when it is unpacked.
func issueOf(size int) string {
	text := make([]byte, size/2)
	random := rand.NewChaCha8([32]byte{})
	_, _ = random.Read(text) // never fails
	return fmt.Sprintf(`{"data":{"id":"x","body_html":"%x"},"request_id":"r"}`, text)
}

// A call waits until there is memory for it, until its deadline, and no longer.
func TestCallsWaitForMemory(t *testing.T) {
	t.Parallel()
	asked, answer := make(chan struct{}, 1), make(chan struct{})
	h := openSmall(t, 2<<20, func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-answer
		fmt.Fprint(w, issueOf(10))
	})
	ended := make(chan error)
	get := func() { _, err := h.Execute(t.Context(), "lab", getOne); ended <- err }
	go get()
	<-asked
	hasty := getOne
	hasty.Timeout = 20 * time.Millisecond
	_, err := h.Execute(t.Context(), "other", hasty)
	full(t, h, err, abi.KindRateLimited)
	go get() // which waits
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Execute(gone, "other", getOne); kind(err) != abi.KindCancelled {
		t.Errorf("cancelled: %v", err)
	}
	close(answer)
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	atRest(t, h)
}

func kind(err error) abi.Kind {
	var e *abi.Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

// What a call needs besides its parameters and 1 MiB it gets at once, or it ends.
func TestCallsThatGrow(t *testing.T) {
	t.Parallel()
	size := 0
	h := openSmall(t, 4<<20, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, issueOf(size)) })
	ones, _ := json.Marshal(map[string]any{"title": "t", "body_html": "b", "tags": make([]int, 200_000)})
	for _, tt := range []struct {
		name   string
		answer int
		call   host.Call
		fails  bool
	}{
		{"an answer that fits, and the output of it", 1_500_000, getOne, false},
		{"an answer that fits, and its output does not", 2_500_000, getOne, true},
		{"an answer that does not fit", 5_000_000, getOne, true},
		{"parameters that never fit", 10, host.Call{Entity: "issues", Action: "create", Params: host.Params{"title": strings.Repeat("x", 4<<20)}}, true},
		{"parameters of many values", 10, host.Call{Entity: "issues", Action: "create", Params: json.RawMessage(ones)}, true},
	} {
		size = tt.answer
		_, err := h.Execute(t.Context(), "lab", tt.call)
		if !tt.fails && err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if tt.fails {
			t.Log(tt.name, err)
			full(t, h, err, abi.KindLimitExceeded)
		}
		atRest(t, h)
	}
}

// However calls end, nothing is held in the end.
func TestCallsReleaseMemory(t *testing.T) {
	t.Parallel()
	h := openSmall(t, 4<<20, func(w http.ResponseWriter, r *http.Request) {
		switch n := rand.IntN(20); n {
		case 0:
			w.WriteHeader(http.StatusInternalServerError)
		case 1:
			fmt.Fprint(w, issueOf(3<<20))
		case 2:
			fmt.Fprint(w, "no JSON")
		default:
			fmt.Fprint(w, issueOf(n<<10))
		}
	})
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 11))
			for range 250 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+random.IntN(4000))*time.Microsecond)
				call := getOne
				switch random.IntN(8) {
				case 0:
					call.OnRequest = func() { panic("a caller's fault") }
				case 1:
					call.OnRequest = cancel
				case 2:
					call.Params = host.Params{"id": 5}
				case 3:
					call.Params = host.Params{"id": strings.Repeat("x", random.IntN(1<<20))}
				}
				_, _ = h.Execute(ctx, []string{"lab", "other"}[i%2], call)
				cancel()
			}
		})
	}
	group.Wait()
	atRest(t, h)
}

// Messages may take half of what there is, so that what they ask for finds room.
func TestMessagesLeaveRoomForCalls(t *testing.T) {
	t.Parallel()
	h := openSmall(t, 4<<20, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, issueOf(10)) })
	release, err := h.HoldMessage(t.Context(), "ada", 2<<20)
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err = h.HoldMessage(short, "bob", 1)
	full(t, h, err, abi.KindRateLimited)
	gone, leave := context.WithCancel(t.Context())
	leave()
	_, err = h.HoldMessage(gone, "bob", 1)
	if e, ok := errors.AsType[*host.Error](err); !ok || e.Kind != abi.KindCancelled {
		t.Errorf("a cancelled message: %v", err)
	}
	_, err = h.HoldMessage(t.Context(), "bob", 3<<20)
	full(t, h, err, abi.KindLimitExceeded)
	if _, err := h.Execute(t.Context(), "lab", getOne); err != nil {
		t.Error(err)
	}
	release()
	release()
	atRest(t, h)
}
