//go:build unix

package egress

import (
	"errors"
	"io"
	"net"
	"syscall"
)

// now reads and writes a socket without waiting. The sockets of package net never block.
type now struct {
	raw         syscall.RawConn
	read, write func(fd uintptr) bool // made once, to save allocations
	p           []byte
	n           int
	err         error
}

// newNow returns nil if a connection is not a socket.
func newNow(c net.Conn) *now {
	socket, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil
	}
	w := &now{raw: raw}
	w.read = func(fd uintptr) bool { w.n, w.err = syscall.Read(int(fd), w.p); return true }
	w.write = func(fd uintptr) bool { w.n, w.err = syscall.Write(int(fd), w.p); return true }
	return w
}

func (w *now) Read(p []byte) (int, error) {
	w.p = p
	err := w.raw.Read(w.read)
	n, readErr := w.result()
	switch {
	case err != nil:
		return 0, err
	case errors.Is(readErr, syscall.EAGAIN):
		return 0, errWouldWait
	case readErr == nil && n == 0:
		return 0, io.EOF
	}
	return n, readErr
}

// Write writes as much as the buffers of the system take.
func (w *now) Write(p []byte) (int, error) {
	w.p = p
	err := w.raw.Write(w.write)
	n, writeErr := w.result()
	switch {
	case err != nil:
		return 0, err
	case writeErr == nil && n < len(p):
		return n, io.ErrShortWrite
	}
	return n, writeErr
}

func (w *now) result() (int, error) {
	n, err := max(w.n, 0), w.err
	w.p, w.n, w.err = nil, 0, nil
	return n, err
}
