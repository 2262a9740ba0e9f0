package localsocket

import (
	"errors"
	"io/fs"
	"syscall"
)

// connectionRefused is WSAECONNREFUSED.
const connectionRefused = syscall.Errno(10061)

// refused reports whether nobody listens at a socket.
func refused(err error) bool {
	return errors.Is(err, connectionRefused) || errors.Is(err, fs.ErrNotExist)
}
