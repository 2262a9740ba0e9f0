package localsocket

import (
	"context"
	"net"
	"os"
	"sync"
)

// Pipe is a listener within this process, for a server that serves only the command that started
// it. Get one from [NewPipe].
type Pipe struct {
	conns  chan net.Conn
	end    sync.Once
	closed chan struct{}
}

// NewPipe returns a listener that only its own Dial reaches.
func NewPipe() *Pipe { return &Pipe{conns: make(chan net.Conn), closed: make(chan struct{})} }

// Dial connects to it.
func (p *Pipe) Dial(ctx context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- &owned{far, User(os.Geteuid())}:
		return near, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (p *Pipe) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *Pipe) Close() error {
	p.end.Do(func() { close(p.closed) })
	return nil
}

// Addr implements net.Listener.
func (*Pipe) Addr() net.Addr { return User(os.Geteuid()) }
