//go:build !wasip1

package pdk

import "github.com/agenthost/agenthost/pdk/abi"

// noHost stands where no host is: in a native build, whose exports nobody calls
// but which must compile so that go vet, tests and editors see all of a connector.
type noHost struct{}

var _ Host = noHost{}

func currentHost() Host { return noHost{} }

// Input fails.
func (noHost) Input() int32 { return abi.Failure }

// ValueLength fails.
func (noHost) ValueLength(int32) int32 { return abi.Failure }

// ValueRead fails.
func (noHost) ValueRead(int32, int32, []byte) int32 { return abi.Failure }

// ValueKind fails.
func (noHost) ValueKind(int32) int32 { return abi.JSONInvalid }

// ValueCount fails.
func (noHost) ValueCount(int32) int32 { return abi.Failure }

// ValuePart fails.
func (noHost) ValuePart(int32, string) int32 { return abi.Failure }

// ValueDrop fails.
func (noHost) ValueDrop(int32) int32 { return abi.Failure }

// HTTPSend fails.
func (noHost) HTTPSend([]byte, []byte) int32 { return abi.Failure }

// HTTPStatus fails.
func (noHost) HTTPStatus(int32) int32 { return abi.Failure }

// HTTPHeader fails.
func (noHost) HTTPHeader(int32, string) int32 { return abi.Failure }

// OutputWrite fails.
func (noHost) OutputWrite([]byte) int32 { return abi.Failure }

// OutputPart fails.
func (noHost) OutputPart(int32) int32 { return abi.Failure }

// Log fails.
func (noHost) Log(int32, string) int32 { return abi.Failure }

// Error fails.
func (noHost) Error() int32 { return 0 }
