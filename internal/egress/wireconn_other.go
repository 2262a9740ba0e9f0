//go:build !unix

package egress

import "net"

// now is not available here; http1Conn.watch takes its place.
type now struct{}

func newNow(net.Conn) *now { return nil }

func (*now) Read([]byte) (int, error)  { return 0, errWouldWait }
func (*now) Write([]byte) (int, error) { return 0, errWouldWait }
