package localsocket

import (
	"errors"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
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
	var credentials *unix.Xucred
	var failed error
	err = raw.Control(func(fd uintptr) {
		credentials, failed = unix.GetsockoptXucred(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	})
	if err != nil || failed != nil {
		return 0, false, errors.Join(err, failed)
	}
	return int(credentials.Uid), true, nil
}
