package httpserve

import "syscall"

// deferAccept makes the kernel keep a connection until data arrives, so that silent
// connections use no room here. After three seconds the kernel delivers it anyway.
func deferAccept(_, _ string, c syscall.RawConn) error {
	// If the kernel does not support it, connections arrive at once.
	return c.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_DEFER_ACCEPT, 3)
	})
}
