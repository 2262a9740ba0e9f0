package egress

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// wireConn is a network connection, below TLS if there is TLS. One goroutine at a time reads
// it and sets its fields.
type wireConn struct {
	net.Conn
	// now reads and writes without waiting; nil if the system or the connection cannot.
	now *now
	// atOnce makes reads and writes fail instead of waiting. It needs now.
	atOnce bool
	// idle is how long a read may wait; 0 sets no bound.
	idle time.Duration
	// deadline says that a read deadline is set.
	deadline bool
	// written counts the bytes that were sent.
	written int64
	// open counts the connections that are open, this one included; nil once it is closed.
	open atomic.Pointer[atomic.Int64]
}

// wire returns what reads and writes a connection, and counts the connection until it is closed.
func (k *IdleConnections) wire(conn net.Conn) *wireConn {
	w := &wireConn{Conn: conn, now: newNow(conn)}
	k.open.Add(1)
	w.open.Store(&k.open)
	return w
}

// Close implements net.Conn.
func (w *wireConn) Close() error {
	if open := w.open.Swap(nil); open != nil {
		open.Add(-1)
	}
	return w.Conn.Close()
}

// errWouldWait is temporary, so that crypto/tls reads on afterwards.
var errWouldWait net.Error = wouldWait{}

type wouldWait struct{}

func (wouldWait) Error() string   { return "nothing has come" }
func (wouldWait) Timeout() bool   { return true }
func (wouldWait) Temporary() bool { return true }

func (w *wireConn) Read(p []byte) (int, error) {
	if w.atOnce {
		return w.now.Read(p)
	}
	if w.idle > 0 {
		if err := w.SetReadDeadline(time.Now().Add(w.idle)); err != nil {
			return 0, err
		}
		w.deadline = true
	}
	n, err := w.Conn.Read(p)
	if w.deadline && errors.Is(err, os.ErrDeadlineExceeded) {
		err = errIdle
	}
	return n, err
}

func (w *wireConn) Write(p []byte) (n int, err error) {
	if w.atOnce {
		n, err = w.now.Write(p)
	} else {
		n, err = w.Conn.Write(p)
	}
	w.written += int64(n)
	return n, err
}

// endGuard removes the bound on reads.
func (w *wireConn) endGuard() error {
	w.idle = 0
	if !w.deadline {
		return nil
	}
	w.deadline = false
	return w.SetReadDeadline(time.Time{})
}
