// Package httpserve serves HTTP to strangers: it bounds the connections of all and of each peer,
// and the time that clients take, and refuses foreign Host and Origin headers.
package httpserve

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Options configure [Serve].
type Options struct {
	// MaxConnections is the largest number of open connections.
	MaxConnections int
	Patience       *Patience
	// TLS, if not nil, has the server's certificate.
	TLS    *tls.Config
	Logger hclog.Logger
}

// Listen opens a port for [Serve], such as 127.0.0.1:8080. Port 0 means any free port.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	return (&net.ListenConfig{Control: deferAccept}).Listen(ctx, "tcp", address)
}

// Serve serves a listener until ctx ends. Then it waits up to grace for running requests. It
// closes the listener.
//
// At the limit of connections, a new client replaces a connection that keeps the server waiting.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler, o Options, grace time.Duration) error {
	connections := newEntrance(listener, o.MaxConnections, o.Patience)
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: o.Patience.Head,
		IdleTimeout:       o.Patience.Idle,
		MaxHeaderBytes:    64 << 10,
		// net/http would read an endless body.
		DisableGeneralOptionsHandler: true,
		// The entrance knows of each connection whether it serves a request: one at a time.
		Protocols:   new(http.Protocols),
		TLSConfig:   o.TLS,
		BaseContext: func(net.Listener) context.Context { return background },
		ConnContext: visitorContext,
		ErrorLog:    o.Logger.StandardLogger(nil),
	}
	server.Protocols.SetHTTP1(true)
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		limited, done := context.WithTimeout(background, grace)
		defer done()
		connections.dismissStrangers()
		err := server.Shutdown(limited)
		cancel() // ends streams and calls that exceed grace
		stopped <- errors.Join(err, server.Close())
	}()
	serve := server.Serve
	if o.TLS != nil {
		serve = func(l net.Listener) error { return server.ServeTLS(l, "", "") }
	}
	if err := serve(connections); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	if err := <-stopped; err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// Connections returns how many connections a server may have, where so many were asked for and 0
// means the default: at most half of the process's file limit. Reduced says that it is less than
// was asked for.
func Connections(asked int) (n int, reduced bool) {
	n = asked
	n = cmp.Or(n, DefaultConnections)
	if files := openFiles(); files > 0 && n > files/2 {
		return max(1, files/2), asked > 0
	}
	return n, false
}
