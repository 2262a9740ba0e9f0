// Package vendorsim runs simulated vendor APIs on a loopback address, for the demo, the tests and the
// benchmarks.
//
// A simulated vendor (package vendorsim/pylon is one) is a plain [http.Handler] that knows nothing of
// listeners. [Start] puts it behind a [Server], which adds what every vendor needs: a bounded log of the
// requests that arrived, scripted faults, gzip, and a Close that leaves no goroutine behind.
//
// It is not a general mock server: the handlers decide what is a valid request, so that a test of a
// connector fails where the vendor itself would refuse it.
package vendorsim

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// Options configure a [Server]. The zero value is a plain HTTP server on a free port of 127.0.0.1 that logs
// the last [DefaultLogSize] requests and compresses what clients accept compressed.
type Options struct {
	// Addr is the fixed host:port to listen on, for example "127.0.0.1:9001". Its host must be a loopback
	// address. Empty means a free port of 127.0.0.1.
	Addr string
	// LogSize is how many requests the log keeps, oldest dropped first. 0 means [DefaultLogSize], a negative
	// number turns the log off (benchmarks).
	LogSize int
	// MaxLoggedBody is how many bytes of each request body the log keeps. 0 means [DefaultMaxLoggedBody].
	MaxLoggedBody int
	// NoGzip leaves every response uncompressed. Benchmarks set it, so as not to measure the compressor.
	NoGzip bool
	// TLS, when not nil, serves HTTPS with this configuration.
	TLS *tls.Config
	// ErrorLog receives net/http's own complaints, among them panics of the handler. Nil means the standard logger.
	ErrorLog *log.Logger
}

// Server is a running simulated vendor. Its methods may be called from several goroutines at once.
type Server struct {
	// URL is the server's base address without a trailing slash, for example "http://127.0.0.1:41234".
	URL string

	handler  http.Handler
	opts     Options
	http     *http.Server
	cancel   context.CancelFunc
	unwatch  func() bool
	served   chan struct{}
	log      requestLog
	faults   faultList
	inflight inflight
	close    sync.Once
	closeErr error
}

// Start listens and serves handler until [Server.Close] is called or ctx ends, whichever comes first.
//
// # Errors
//   - the address is not a loopback address: this server hands out request logs and scripted faults, and has no
//     business on a network
//   - the address cannot be listened on
func Start(ctx context.Context, handler http.Handler, opts Options) (*Server, error) {
	addr := cmp.Or(opts.Addr, "127.0.0.1:0")
	if err := requireLoopback(addr); err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("vendorsim: %w", err)
	}
	scheme := "http"
	if opts.TLS != nil {
		ln, scheme = tls.NewListener(ln, opts.TLS), "https"
	}
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s := &Server{
		URL:     scheme + "://" + ln.Addr().String(),
		handler: handler,
		opts:    opts,
		cancel:  cancel,
		served:  make(chan struct{}),
	}
	s.log.configure(opts)
	s.inflight.idle = sync.NewCond(&s.inflight.mu)
	s.http = &http.Server{
		Handler:           s,
		BaseContext:       func(net.Listener) context.Context { return base },
		ReadHeaderTimeout: 10 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          opts.ErrorLog,
	}
	go func() {
		defer close(s.served)
		// Serve always returns an error, ErrServerClosed after Close.
		_ = s.http.Serve(ln)
	}()
	// Close reads unwatch, and an ended ctx calls it from a goroutine of its own.
	started := make(chan struct{})
	s.unwatch = context.AfterFunc(ctx, func() {
		<-started
		_ = s.Close()
	})
	close(started)
	return s, nil
}

func requireLoopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("vendorsim: address %q: %w", addr, err)
	}
	if host == "localhost" {
		return nil
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("vendorsim: address %q is not a loopback address; use 127.0.0.1 or [::1]", addr)
	}
	return nil
}

// Close stops listening, ends every connection, cancels the context of every running handler and waits for
// the handlers to return. It may be called more than once.
func (s *Server) Close() error {
	s.close.Do(func() {
		s.unwatch()
		s.inflight.refuse()
		s.cancel()
		if err := s.http.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			s.closeErr = fmt.Errorf("vendorsim: close: %w", err)
		}
		<-s.served
		s.inflight.wait()
	})
	return s.closeErr
}

// ServeHTTP logs the request, applies the first fault that matches it, and else passes it to the vendor.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.inflight.enter() {
		panic(http.ErrAbortHandler)
	}
	defer s.inflight.leave()
	if err := s.log.record(r); err != nil {
		panic(http.ErrAbortHandler) // the client went away while sending its body
	}
	next := s.handler
	if !s.opts.NoGzip {
		next = compressed(next)
	}
	fault := s.faults.take(r)
	if fault == nil {
		next.ServeHTTP(w, r)
		return
	}
	if !sleep(r.Context(), fault.Latency) {
		panic(http.ErrAbortHandler)
	}
	if fault.Effect == nil {
		next.ServeHTTP(w, r)
		return
	}
	// An effect controls every byte on the wire, so it gets the vendor's answer before compression.
	fault.Effect(w, r, s.handler)
}

// Inject appends faults to the script. Each applies to the requests that arrive from now on.
func (s *Server) Inject(faults ...Fault) { s.faults.add(faults) }

// PendingFaults says how many injected faults have not yet been used up. A test that expects its whole script
// to have been played asserts 0. A fault without end (Count < 0) counts as pending until it is cleared.
func (s *Server) PendingFaults() int { return s.faults.pending() }

// ClearFaults drops the whole script.
func (s *Server) ClearFaults() { s.faults.clear() }

// Requests returns the logged requests, oldest first. The copies are the caller's.
func (s *Server) Requests() []Request { return s.log.snapshot() }

// Reset empties the request log and the fault script. The vendor's own data stays as it is.
func (s *Server) Reset() {
	s.log.reset()
	s.faults.clear()
}

// inflight counts running handlers. A sync.WaitGroup would not do: its Add may not race with Wait at zero.
type inflight struct {
	mu     sync.Mutex
	idle   *sync.Cond
	count  int
	closed bool
}

func (f *inflight) enter() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return false
	}
	f.count++
	return true
}

func (f *inflight) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count--
	f.idle.Broadcast()
}

func (f *inflight) refuse() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
}

func (f *inflight) wait() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.count > 0 {
		f.idle.Wait()
	}
}

// sleep waits for d or until ctx ends, and reports whether it waited in full.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
