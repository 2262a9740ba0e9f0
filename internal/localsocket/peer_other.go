//go:build !linux && !darwin

package localsocket

import "net"

// peer says that the system does not tell who is at the other end. The folder keeps others out.
func peer(net.Conn) (uid int, known bool, err error) { return 0, false, nil }
