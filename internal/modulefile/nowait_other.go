//go:build !unix

package modulefile

const noWait = 0
