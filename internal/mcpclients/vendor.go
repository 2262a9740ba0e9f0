package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
)

// vendor is a simulated Pylon. It is slow with contacts, and never answers about accounts.
type vendor struct {
	*vendorsim.Server
	token string
	// control tells scripts what happened to the request about accounts.
	control        *vendorsim.Server
	arrived, ended chan struct{}
}

// pause is what each page of contacts takes: ten pages take longer than the 5 seconds that
// some clients give a call by default.
const pause = 600 * time.Millisecond

func startVendor(ctx context.Context) (*vendor, error) {
	v := &vendor{token: pylon.TokenPrefixUS + random(), arrived: make(chan struct{}), ended: make(chan struct{})}
	options := vendorsim.Options{ErrorLog: log.New(io.Discard, "", 0)}
	var err error
	if v.Server, err = vendorsim.Start(ctx, pylon.New(pylon.Options{Token: v.token, Seed: 1, Scale: pylon.SmallScale()}), options); err != nil {
		return nil, err
	}
	v.Inject(
		vendorsim.Fault{PathPrefix: "/contacts", Count: -1, Latency: pause},
		vendorsim.Fault{PathPrefix: "/accounts", Effect: v.hang},
	)
	mux := http.NewServeMux()
	mux.HandleFunc("/arrived", func(w http.ResponseWriter, r *http.Request) { answer(w, r, v.arrived, 20*time.Second) })
	mux.HandleFunc("/ended", func(w http.ResponseWriter, r *http.Request) {
		seconds, _ := strconv.Atoi(r.FormValue("seconds"))
		answer(w, r, v.ended, time.Duration(seconds)*time.Second)
	})
	if v.control, err = vendorsim.Start(ctx, mux, options); err != nil {
		_ = v.Server.Close()
		return nil, err
	}
	return v, nil
}

func (v *vendor) close() {
	_ = v.Server.Close()
	_ = v.control.Close()
}

// hang answers nothing, and notices when the request is aborted.
func (v *vendor) hang(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
	close(v.arrived)
	<-r.Context().Done()
	close(v.ended)
}

func answer(w http.ResponseWriter, r *http.Request, event <-chan struct{}, limit time.Duration) {
	text := "no"
	select {
	case <-event:
		text = "yes"
	case <-time.After(limit):
	case <-r.Context().Done():
	}
	_, _ = io.WriteString(w, text)
}

type issue struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

func (v *vendor) issues(ctx context.Context, id string) ([]issue, error) {
	path := "/issues?" + url.Values{"limit": {"5"}, "start_time": {ago(25)}, "end_time": {ago(0)}}.Encode()
	if id != "" {
		path = "/issues/" + id
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, v.URL+path, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+v.token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	var page struct {
		Data json.RawMessage `json:"data"`
	}
	if err := json.NewDecoder(response.Body).Decode(&page); err != nil {
		return nil, err
	}
	found := make([]issue, 1)
	if id != "" {
		return found, json.Unmarshal(page.Data, &found[0])
	}
	if err := json.Unmarshal(page.Data, &found); err != nil || len(found) == 0 {
		return nil, fmt.Errorf("GET %s: status %d, %d issues, %w", path, response.StatusCode, len(found), err)
	}
	return found, nil
}

func ago(days int) string { return time.Now().UTC().AddDate(0, 0, -days).Format(time.RFC3339) }

func (v *vendor) requests(prefix string) (n int) {
	for _, r := range v.Requests() {
		if strings.HasPrefix(r.Path, prefix) {
			n++
		}
	}
	return n
}

func random() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
