package mcp

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/agenthost/agenthost/internal/httpserve"
	"github.com/agenthost/agenthost/internal/rawjson"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// drain is how long calls may still run after the client closed its end, or the server was told to
// end.
const drain = 10 * time.Second

// ServeStdio serves one client that writes a message per line to in and reads answers from out, until
// ctx or in ends, and returns nil for both. Then it waits for the remaining answers, and cancels calls
// that still run after ten seconds.
//
// It answers a malformed message with a JSON-RPC error; the session continues.
func (s *Server) ServeStdio(ctx context.Context, in io.Reader, out io.Writer) error {
	serving, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	locked := &lockedWriter{to: out, idle: make(chan struct{}, 1)}
	defer locked.forget()
	reader, writer := io.Pipe()
	session, err := s.server.Connect(serving, &sdk.IOTransport{Reader: reader, Writer: locked, MaxLineLength: -1}, nil)
	if err != nil {
		return fmt.Errorf("mcp: %w", err)
	}
	ended := make(chan error, 2)
	go func() { ended <- s.filter(serving, in, writer, locked) }()
	stop := context.AfterFunc(ctx, func() { ended <- io.EOF })
	defer stop()
	go func() {
		err := <-ended
		if errors.Is(err, io.EOF) {
			locked.settle(serving, drain)
		}
		_ = writer.CloseWithError(err) // cancels the running calls
	}()
	err = session.Wait()
	// The filter may still wait for a line; it ends at the next one, or with in.
	_ = reader.Close()
	if failed := locked.failure(); failed != nil {
		err = failed // the library's error is only a consequence
	}
	if err == nil || errors.Is(err, io.EOF) || hungUp(err) {
		return nil
	}
	return fmt.Errorf("mcp: %w", err)
}

// hungUp reports whether a write failed because the client closed its end.
func hungUp(err error) bool {
	return errors.Is(err, io.ErrClosedPipe) || errors.Is(err, os.ErrClosed) || errors.Is(err, syscall.EPIPE)
}

// filter passes requests and notifications on, and answers malformed messages itself. It drops
// answers, because this server sends no requests. A long message waits until there is memory for it,
// and those after it wait too.
func (s *Server) filter(ctx context.Context, in io.Reader, to io.Writer, answers *lockedWriter) error {
	lines := bufio.NewReaderSize(in, 64<<10)
	for {
		line, long, err := readLine(lines, maxMessage)
		if line = bytes.TrimSpace(line); long || len(line) > 0 {
			m, refused := message{}, tooLong()
			release := func() {}
			if !long {
				m, refused = readMessage(ctx, line)
			}
			if refused == nil {
				release, refused = s.hold(ctx, m, line)
			}
			if refused == nil {
				refused = answers.expect(m, release)
			}
			switch {
			case refused != nil:
				release()
				answers.refuse(refused)
			case m.method != "":
				if _, err := to.Write(append(line, '\n')); err != nil {
					return err
				}
			}
			if m.id == "" || m.method == "" {
				release() // no answer will
			}
		}
		if err != nil {
			return err
		}
	}
}

// hold reserves memory for a message before the protocol's library reads it. release may be called
// more than once.
func (s *Server) hold(ctx context.Context, m message, line []byte) (release func(), refused *refusal) {
	if len(line) <= httpserve.ShortBody {
		return func() {}, nil
	}
	waiting, cancel := context.WithTimeout(ctx, s.room)
	defer cancel()
	release, err := s.host.HoldMessage(waiting, s.options.Caller, bodyCopies*int64(len(line)))
	if err != nil {
		return func() {}, &refusal{code: codeBusy, id: m.id, why: httpserve.ErrNoRoom.Error()}
	}
	return release, nil
}

// readLine reads a line, and drops one that is too long. It joins the parts of a long line at the
// end: a growing slice would be copied again and again, and a message of 15 MB left 60 MB of garbage.
func readLine(r *bufio.Reader, most int) (line []byte, tooLong bool, err error) {
	var parts [][]byte
	for size := 0; ; {
		part, err := r.ReadSlice('\n')
		if size += len(part); size > most {
			parts, tooLong = nil, true
		}
		ended := !errors.Is(err, bufio.ErrBufferFull)
		switch {
		case tooLong:
		case ended && parts == nil:
			line = bytes.Clone(part)
		case ended:
			line = slices.Concat(append(parts, part)...)
		default:
			parts = append(parts, bytes.Clone(part))
		}
		if ended {
			return line, tooLong, err
		}
	}
}

// lockedWriter writes whole messages of several goroutines, and knows which answers are missing.
// Closing it leaves the underlying writer open.
type lockedWriter struct {
	mu      sync.Mutex
	to      io.Writer
	failed  error            // of the first failed write
	pending map[string]asked // requests without an answer, by id
	waits   int              // how many of them settle waits for
	idle    chan struct{}    // has a value after the last answer that is waited for
}

// asked is a request without an answer.
type asked struct {
	wait    bool   // for its answer, when the client has closed its end
	release func() // of the memory that it holds
}

// forget releases the memory of requests that will have no answer.
func (w *lockedWriter) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.pending {
		a.release()
	}
}

// expect records a request, whose memory is released after its answer. A request that listens for
// changes has its answer when the client cancels it. It refuses a second running request with the same
// id, whose answer the client could not tell apart.
func (w *lockedWriter) expect(m message, release func()) *refusal {
	if m.id == "" || m.method == "" {
		return nil
	}
	key := idKey([]byte(m.id))
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, runs := w.pending[key]; runs {
		return &refusal{code: codeInvalid, why: fmt.Sprintf("a request with the id %s is still running: use a unique id for each request", m.id)}
	}
	if w.pending == nil {
		w.pending = make(map[string]asked)
	}
	wait := m.method != "subscriptions/listen"
	if w.pending[key] = (asked{wait, release}); wait {
		w.waits++
	}
	return nil
}

// idKey is the same for all escaped forms of an id.
func idKey(id []byte) string {
	if rawjson.KindOf(id) == rawjson.String {
		return `"` + rawjson.Unquote(id)
	}
	return string(id)
}

// refuse answers a malformed message. If a request with its id runs, the answer has no id: the client
// would take it for that request's.
func (w *lockedWriter) refuse(r *refusal) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, runs := w.pending[idKey([]byte(r.id))]; runs {
		r.id = ""
	}
	_, _ = w.write(append(r.text(), '\n'))
}

// write needs the lock.
func (w *lockedWriter) write(p []byte) (int, error) {
	n, err := w.to.Write(p)
	if w.failed == nil {
		w.failed = err
	}
	return n, err
}

func (w *lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, asks, _ := rawjson.Pointer(p, "/method"); !asks && len(w.pending) > 0 {
		id, _, _ := rawjson.Pointer(p, "/id")
		key := idKey(id)
		request, runs := w.pending[key]
		if runs {
			request.release()
		}
		if request.wait {
			if w.waits--; w.waits == 0 {
				select {
				case w.idle <- struct{}{}:
				default:
				}
			}
		}
		delete(w.pending, key)
	}
	return w.write(p)
}

func (w *lockedWriter) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failed
}

// settle waits for the missing answers.
func (w *lockedWriter) settle(ctx context.Context, most time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	for {
		w.mu.Lock()
		left := w.waits
		w.mu.Unlock()
		if left == 0 {
			return
		}
		select {
		case <-w.idle:
		case <-ctx.Done():
			return
		}
	}
}

func (w *lockedWriter) Close() error { return nil }
