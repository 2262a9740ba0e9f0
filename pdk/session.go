package pdk

import (
	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/pdk/abi"
)

// session is one run of an export: the state that its values share, and a block of memory that
// is enough for nearly every call. In a guest, an allocation costs as much as a hundred bytes of
// JSON.
type session struct {
	host Host
	// fault is the first failure of a host function without an error result. The call ends
	// with it, regardless of what the connector returns.
	fault *abi.Error

	call     Call
	request  Request
	response Response

	values  [24]Raw
	path    [2][2]string
	query   [8][2]string
	headers [2][2]string
	parts   [4]part

	buffer []byte
	used   int // bytes of buffer
}

// bufferSize is enough for the texts of nearly every call.
const bufferSize = 3072

// bytes returns n bytes of the session's memory, as an empty slice with that capacity.
func (s *session) bytes(n int) []byte {
	if n > len(s.buffer)-s.used {
		return make([]byte, 0, n)
	}
	at := s.used
	s.used += n
	return s.buffer[at:at:s.used]
}

func (s *session) failed(n int32) bool {
	if n >= 0 {
		return false
	}
	if s.fault == nil {
		s.fault = s.lastError()
	}
	return true
}

// lastError reads the error of the host function that failed last.
func (s *session) lastError() *abi.Error {
	if h := s.host.Error(); h > 0 {
		if b := s.read(h, s.host.ValueLength(h)); b != nil {
			return parseError(b)
		}
	}
	return &abi.Error{Kind: abi.KindInternal, Message: "a host function failed and did not say why"}
}

// read returns n bytes of a value, nil if that fails.
func (s *session) read(handle, n int32) []byte {
	if n < 0 {
		return nil
	}
	b := s.bytes(int(n))[:n]
	if !s.readInto(handle, b) {
		return nil
	}
	return b
}

// readInto fills b with the first bytes of a value, and reports success.
func (s *session) readInto(handle int32, b []byte) bool {
	for at := 0; at < len(b); {
		got := s.host.ValueRead(handle, int32(at), b[at:])
		if got <= 0 {
			s.failed(hostfunc.Failure)
			return false
		}
		at += int(got)
	}
	return true
}
