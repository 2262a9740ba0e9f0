//go:build !wasip1

package pdk

import "github.com/agenthost/agenthost/pdk/abi"

// noHost stands where no host is: in a native build, whose exports nobody calls
// but which must compile so that go vet, tests and editors see all of a connector.
type noHost struct{}

var _ Host = noHost{}

func currentHost() Host { return noHost{} }

func (noHost) Input() int32                         { return abi.Failure }
func (noHost) ValueLength(int32) int32              { return abi.Failure }
func (noHost) ValueRead(int32, int32, []byte) int32 { return abi.Failure }
func (noHost) ValueKind(int32) int32                { return abi.JSONInvalid }
func (noHost) ValueCount(int32) int32               { return abi.Failure }
func (noHost) ValuePart(int32, string) int32        { return abi.Failure }
func (noHost) ValueDrop(int32) int32                { return abi.Failure }
func (noHost) HTTPSend([]byte, []byte) int32        { return abi.Failure }
func (noHost) HTTPStatus(int32) int32               { return abi.Failure }
func (noHost) HTTPHeader(int32, string) int32       { return abi.Failure }
func (noHost) OutputWrite([]byte) int32             { return abi.Failure }
func (noHost) OutputPart(int32) int32               { return abi.Failure }
func (noHost) Log(int32, string) int32              { return abi.Failure }
func (noHost) Error() int32                         { return 0 }
