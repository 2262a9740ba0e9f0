//go:build !wasip1

package pdk

import (
	"github.com/agenthost/agenthost/internal/hostfunc"
)

// noHost is the host of a native build, which must compile for go vet, tests and editors, but
// whose exports are never called.
type noHost struct{}

var _ Host = noHost{}

func currentHost() Host { return noHost{} }

func newSession(h Host) *session { return &session{host: h, buffer: make([]byte, bufferSize)} }

// ValueLength fails.
func (noHost) ValueLength(int32) int32 { return hostfunc.Failure }

// ValueRead fails.
func (noHost) ValueRead(int32, int32, []byte) int32 { return hostfunc.Failure }

// ValueKind fails.
func (noHost) ValueKind(int32) int32 { return hostfunc.JSONInvalid }

// ValueCount fails.
func (noHost) ValueCount(int32) int32 { return hostfunc.Failure }

// ValuePart fails.
func (noHost) ValuePart(int32, string) int32 { return hostfunc.Failure }

// ValueDrop fails.
func (noHost) ValueDrop(int32) int32 { return hostfunc.Failure }

// HTTPSend fails.
func (noHost) HTTPSend([]byte, []byte) int32 { return hostfunc.Failure }

// HTTPStatus fails.
func (noHost) HTTPStatus(int32) int32 { return hostfunc.Failure }

// HTTPHeader fails.
func (noHost) HTTPHeader(int32, string) int32 { return hostfunc.Failure }

// OutputWrite fails.
func (noHost) OutputWrite([]byte) int32 { return hostfunc.Failure }

// OutputPart fails.
func (noHost) OutputPart(int32) int32 { return hostfunc.Failure }

// Log fails.
func (noHost) Log(int32, string) int32 { return hostfunc.Failure }

// Sleep fails.
func (noHost) Sleep(int32) int32 { return hostfunc.Failure }

// Error fails.
func (noHost) Error() int32 { return 0 }
