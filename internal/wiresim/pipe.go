package wiresim

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// room is what a direction of a connection holds, in bytes, as the buffers of a network do.
const room = 1 << 20

// end is one end of a connection in memory.
type end struct {
	in, out *stream
}

// newPipe returns the two ends of a connection.
func newPipe() (client, server *end) {
	a, b := newStream(), newStream()
	return &end{in: a, out: b}, &end{in: b, out: a}
}

func (e *end) Read(p []byte) (int, error)        { return e.in.read(p) }
func (e *end) Write(p []byte) (int, error)       { return e.out.write(p) }
func (e *end) Close() error                      { return e.abort(io.EOF, io.ErrClosedPipe) }
func (e *end) LocalAddr() net.Addr               { return &net.TCPAddr{} }
func (e *end) RemoteAddr() net.Addr              { return &net.TCPAddr{} }
func (e *end) SetReadDeadline(t time.Time) error { e.in.deadline(t); return nil }
func (e *end) SetWriteDeadline(time.Time) error  { return nil } // nothing waits to write
func (e *end) SetDeadline(t time.Time) error     { return e.SetReadDeadline(t) }

// abort ends the connection: the other side reads what was written and then one error, and
// gets another one where it writes.
func (e *end) abort(reads, writes error) error {
	e.out.end(reads, net.ErrClosed)
	e.in.end(net.ErrClosed, writes)
	return nil
}

// stream is one direction of a connection.
type stream struct {
	mu        sync.Mutex
	changed   *sync.Cond
	waiting   []byte
	readErr   error // once waiting is empty
	writeErr  error
	expired   bool
	expiry    *time.Timer
	deadlines int // set so far, for timers that come late
}

func newStream() *stream {
	s := &stream{}
	s.changed = sync.NewCond(&s.mu)
	return s
}

func (s *stream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case errors.Is(s.readErr, net.ErrClosed):
			return 0, net.ErrClosed
		case s.expired:
			return 0, os.ErrDeadlineExceeded
		case len(s.waiting) > 0:
			n := copy(p, s.waiting)
			s.waiting = s.waiting[n:]
			s.changed.Broadcast()
			return n, nil
		case s.readErr != nil:
			return 0, s.readErr
		}
		s.changed.Wait()
	}
}

func (s *stream) write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.writeErr == nil && len(s.waiting) >= room {
		s.changed.Wait()
	}
	if s.writeErr != nil {
		return 0, s.writeErr
	}
	s.waiting = append(s.waiting, p...)
	s.changed.Broadcast()
	return len(p), nil
}

func (s *stream) end(read, write error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.readErr == nil || errors.Is(read, net.ErrClosed) {
		s.readErr = read
	}
	if s.writeErr == nil {
		s.writeErr = write
	}
	s.changed.Broadcast()
}

func (s *stream) deadline(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.expiry != nil {
		s.expiry.Stop()
	}
	s.deadlines++
	now, set := time.Until(t), s.deadlines
	s.expired = !t.IsZero() && now <= 0
	if !t.IsZero() && now > 0 {
		s.expiry = time.AfterFunc(now, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.deadlines == set {
				s.expired = true
				s.changed.Broadcast()
			}
		})
	}
	s.changed.Broadcast()
}
