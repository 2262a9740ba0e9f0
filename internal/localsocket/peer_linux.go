package localsocket

import (
	"errors"
	"net"
	"syscall"
)

// peer returns the user at the other end of a connection.
func peer(conn net.Conn) (uid int, known bool, err error) {
	c, ok := conn.(syscall.Conn)
	if !ok {
		return 0, false, nil
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, false, err
	}
	var credentials *syscall.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) {
		credentials, failed = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err != nil || failed != nil {
		return 0, false, errors.Join(err, failed)
	}
	return int(credentials.Uid), true, nil
}
