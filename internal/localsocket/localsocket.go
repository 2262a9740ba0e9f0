// Package localsocket is a Unix socket in a folder of the server's user: who can open it is the
// operator of that server. The folder keeps others out, and where the system says who is at the
// other end, it is asked too.
package localsocket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"time"
)

// name is the name of the socket in its folder.
const name = "admin.sock"

// ErrNoServer says that nobody listens in a folder.
var ErrNoServer = errors.New("no server listens in the folder")

// Path returns the path of the socket in a folder.
func Path(dir string) string { return filepath.Join(dir, name) }

// Listen listens in a folder that only its owner may enter: package owned says whether it is. A
// socket that a server left behind is replaced; one where somebody listens is an error. The address
// of a connection's other end is the name of its user, as far as the system says it.
func Listen(ctx context.Context, dir string) (net.Listener, error) {
	path := Path(dir)
	switch conn, err := Dial(ctx, dir); {
	case err == nil:
		return nil, errors.Join(fmt.Errorf("another server listens at %s", path), conn.Close())
	case !errors.Is(err, ErrNoServer):
		return nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return &owners{listener}, nil
}

// dialPatience bounds connecting to a socket of this machine.
const dialPatience = 5 * time.Second

// Dial connects to the server that listens in a folder. The error is [ErrNoServer] if there is none.
func Dial(ctx context.Context, dir string) (net.Conn, error) {
	path := Path(dir)
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, ErrNoServer
	case err != nil:
		return nil, err
	case info.Mode()&fs.ModeSocket == 0:
		return nil, fmt.Errorf("%s is no socket", path)
	}
	conn, err := (&net.Dialer{Timeout: dialPatience}).DialContext(ctx, "unix", path)
	if err != nil && refused(err) {
		return nil, ErrNoServer
	}
	return conn, err
}

// owners accepts connections of this process's user and of root.
type owners struct{ net.Listener }

// Accept implements net.Listener.
func (l *owners) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		uid, known, err := peer(conn)
		if err != nil || known && uid != 0 && uid != os.Geteuid() {
			_ = conn.Close()
			continue
		}
		if !known {
			uid = os.Geteuid()
		}
		return &owned{conn, User(uid)}, nil
	}
}

// owned is a connection whose other end is known.
type owned struct {
	net.Conn
	from User
}

// RemoteAddr implements net.Conn.
func (c *owned) RemoteAddr() net.Addr { return c.from }

// User is a user of this machine, as the address of a connection's other end.
type User int

// Network implements net.Addr.
func (User) Network() string { return "unix" }

// String returns the name of the user, or its number if it has none.
func (u User) String() string {
	id := strconv.Itoa(int(u))
	if found, err := user.LookupId(id); err == nil && found.Username != "" {
		return found.Username
	}
	return "uid " + id
}
