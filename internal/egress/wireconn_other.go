//go:build !unix

package egress

import "net"

// now would read and write without waiting: see http1Conn.watch for what there is instead.
type now struct{}

func newNow(net.Conn) *now { return nil }

func (*now) Read([]byte) (int, error)  { return 0, errWouldWait }
func (*now) Write([]byte) (int, error) { return 0, errWouldWait }
