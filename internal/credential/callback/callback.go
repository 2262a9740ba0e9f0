// Package callback listens on this machine for the answer to a login (RFC 8252, section
// 7.3): one address, one path, one answer.
//
// Any web page in the person's browser can reach the listener, also by a name that resolves to
// 127.0.0.1. So the Host header must be the listener's own address, and an answer must have
// the login's state.
package callback

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Path is the only path that the listener answers.
const Path = "/callback"

// Answer is the authorization server's answer: a code or an error.
type Answer struct {
	Code   secret.Value
	Error  string
	Issuer string // iss, empty if it was not sent
}

// Listener waits for one answer. It may be used by several goroutines.
type Listener struct {
	address string
	state   string
	issuer  string
	server  *http.Server
	answers chan Answer
	served  chan error
	once    sync.Once
}

// Listen opens a port of 127.0.0.1; 0 takes a free one. An answer must have the state, and the
// issuer as its iss, unless that is empty (RFC 9207).
//
// # Errors
//
// An *[abi.Error] of kind invalid_params if the port cannot be opened.
func Listen(ctx context.Context, port int, state, issuer string) (*Listener, error) {
	var config net.ListenConfig
	socket, err := config.Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, (&abi.Error{Kind: abi.KindInvalidParams, Field: "port", Message: fmt.Sprintf("cannot listen on port %d of this machine", port), Hint: "choose another port, or 0 for a free one"}).WithCause(err)
	}
	l := &Listener{address: socket.Addr().String(), state: state, issuer: issuer, answers: make(chan Answer, 1), served: make(chan error, 1)}
	l.server = &http.Server{
		Handler: l, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	go func() { l.served <- l.server.Serve(socket) }()
	return l, nil
}

// URL is the redirect_uri.
func (l *Listener) URL() string { return "http://" + l.address + Path }

var _ http.Handler = (*Listener)(nil)

// Wait returns the answer.
//
// # Errors
//
// An *[abi.Error] of kind timeout or cancelled if ctx ends first.
func (l *Listener) Wait(ctx context.Context) (Answer, error) {
	select {
	case a := <-l.answers:
		return a, nil
	case <-ctx.Done():
		e := fault.EndedWith(ctx, "the login timed out")
		if e.Kind == abi.KindCancelled {
			e.Message = "the login was cancelled"
		}
		e.Hint, e.Retryable = "start again, and open the address in a browser on this machine", false
		return Answer{}, e
	}
}

// Close closes the port, after a page that is being written.
func (l *Listener) Close(ctx context.Context) error {
	err := l.server.Shutdown(ctx)
	if served := <-l.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// ServeHTTP takes one answer. A refused request has no effect: a page that guesses the address
// must not be able to end the login.
func (l *Listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")
	a, wrong := Read(r.URL.Query(), l.state, l.issuer)
	switch {
	case r.Host != l.address:
		refuse(w, http.StatusMisdirectedRequest, "This address is for a login of agenthost.")
	case r.Method != http.MethodGet:
		refuse(w, http.StatusMethodNotAllowed, "This address is for a login of agenthost.")
	case r.URL.Path != Path:
		refuse(w, http.StatusNotFound, "This address is for a login of agenthost.")
	case wrong != "":
		refuse(w, http.StatusBadRequest, wrong)
	default:
		l.take(w, a)
	}
}

// Read reads the query of an answer, or says why it is none. It must have the state, and the issuer
// as its iss, unless that is empty (RFC 9207). No parameter counts that stands twice.
func Read(query url.Values, state, issuer string) (a Answer, wrong string) {
	one := func(name string) string {
		if values := query[name]; len(values) == 1 {
			return values[0]
		}
		return ""
	}
	a = Answer{Code: secret.New([]byte(one("code"))), Error: one("error"), Issuer: one("iss")}
	switch {
	case state == "" || subtle.ConstantTimeCompare([]byte(one("state")), []byte(state)) != 1:
		return a, "This response belongs to another login."
	case issuer != "" && a.Issuer != issuer:
		return a, "This response comes from the wrong server."
	case a.Code.IsZero() == (a.Error == ""):
		return a, "This response must have either a code or an error."
	}
	return a, ""
}

// take accepts an answer once.
func (l *Listener) take(w http.ResponseWriter, a Answer) {
	taken := false
	l.once.Do(func() {
		taken = true
		l.answers <- a
	})
	switch {
	case !taken:
		refuse(w, http.StatusGone, "This login already has a response.")
	case a.Error != "":
		refuse(w, http.StatusOK, "The login was refused. You can close this window.")
	default:
		refuse(w, http.StatusOK, "agenthost received the response and shows the result. You can close this window.")
	}
}

func refuse(w http.ResponseWriter, status int, text string) {
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, text) // to a browser that may be gone
}
