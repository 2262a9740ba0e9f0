package mcp

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/agenthost/agenthost/internal/rawjson"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// drain is how long calls may run on when their client has closed its end.
const drain = 10 * time.Second

// ServeStdio serves one client that writes a message per line to in and reads answers from
// out, until ctx ends, or in has ended and what it asked for is answered. Calls that still
// run ten seconds later are cancelled.
//
// A message that is refused for its form (not JSON, too deep, a name twice, longer than
// [MaxMessage]) is answered with a JSON-RPC error; the session goes on.
func (s *Server) ServeStdio(ctx context.Context, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	locked := &lockedWriter{to: out, idle: make(chan struct{}, 1)}
	reader, writer := io.Pipe()
	go func() {
		err := filter(in, writer, locked)
		if errors.Is(err, io.EOF) {
			locked.settle(ctx, drain)
		}
		_ = writer.CloseWithError(err)
	}()
	err := s.server.Run(ctx, &sdk.IOTransport{Reader: reader, Writer: locked, MaxLineLength: -1})
	// The filter may still wait for a line; it ends at the next one, or with in.
	_ = reader.Close()
	if failed := locked.failure(); failed != nil {
		err = failed // what the protocol's library reports is what it did about this
	}
	switch {
	case err == nil, errors.Is(err, io.EOF), ctx.Err() != nil, hungUp(err):
		return nil
	}
	return fmt.Errorf("mcp: %w", err)
}

// hungUp is whether a write failed because nobody reads any more.
func hungUp(err error) bool {
	return errors.Is(err, io.ErrClosedPipe) || errors.Is(err, os.ErrClosed) || errors.Is(err, syscall.EPIPE)
}

// filter passes lines on that are messages, and answers the others itself.
func filter(in io.Reader, to io.Writer, answers *lockedWriter) error {
	lines := bufio.NewReaderSize(in, 64<<10)
	for {
		line, tooLong, err := readLine(lines, MaxMessage)
		if tooLong {
			refuse(answers, "null", fmt.Sprintf("the message is longer than %d bytes", MaxMessage))
		} else if line = bytes.TrimSpace(line); len(line) > 0 {
			if why := strict(line); why != "" {
				refuse(answers, idOf(line), why)
			} else {
				answers.expect(line)
				if _, err := to.Write(append(line, '\n')); err != nil {
					return err
				}
			}
		}
		if err != nil {
			return err
		}
	}
}

// readLine reads up to the end of a line. Of one that is too long nothing is kept.
func readLine(r *bufio.Reader, most int) (line []byte, tooLong bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if !tooLong {
			line = append(line, part...)
			if len(line) > most {
				line, tooLong = nil, true
			}
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, tooLong, err
		}
	}
}

// Codes of JSON-RPC errors.
const (
	codeParse   = -32700
	codeInvalid = -32600
)

// refuse writes a JSON-RPC error.
func refuse(to io.Writer, id, why string) { _, _ = to.Write(append(refusal(id, why), '\n')) }

func refusal(id, why string) []byte {
	code := codeInvalid
	if id == "null" {
		code = codeParse
	}
	text, _ := json.Marshal(why) // a string always marshals
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"error":{"code":%d,"message":%s}}`, id, code, text)
}

// lockedWriter writes whole messages, whoever they come from, and knows how many answers
// are still to come. Closing it leaves the underlying writer open.
type lockedWriter struct {
	mu      sync.Mutex
	to      io.Writer
	failed  error               // of the first write that did not go through
	pending map[string]struct{} // ids of requests without an answer
	idle    chan struct{}       // has a value after the last answer
}

// expect notes that a message asks for an answer. One that listens for changes never gets
// any, and waiting for a batch is left to the protocol's library.
func (w *lockedWriter) expect(message []byte) {
	id := idOf(message)
	method, found, _ := rawjson.Pointer(message, "/method")
	if id == "null" || !found || rawjson.Unquote(method) == "subscriptions/listen" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pending == nil {
		w.pending = make(map[string]struct{})
	}
	w.pending[id] = struct{}{}
}

func (w *lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, err := w.to.Write(p)
	if w.failed == nil {
		w.failed = err
	}
	if _, asks, _ := rawjson.Pointer(p, "/method"); !asks && len(w.pending) > 0 {
		delete(w.pending, idOf(p))
		if len(w.pending) == 0 {
			select {
			case w.idle <- struct{}{}:
			default:
			}
		}
	}
	return n, err
}

func (w *lockedWriter) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failed
}

// settle waits for the answers that are still to come.
func (w *lockedWriter) settle(ctx context.Context, most time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	for {
		w.mu.Lock()
		left := len(w.pending)
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
