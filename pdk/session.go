package pdk

import "github.com/agenthost/agenthost/pdk/abi"

// session is one use of an export: what its values share, and the memory that nearly
// every call needs, in one piece. In a guest, asking Go for memory costs as much as a
// hundred bytes of JSON.
type session struct {
	host Host
	// fault is the first failure of a host function that has no error result of
	// its own. The call then ends with it, whatever the connector returns.
	fault *abi.Error

	call     Call
	request  Request
	response Response

	arguments [8]argument
	path      [2][2]string
	query     [8][2]string
	headers   [1][2]string
	parts     [4]part

	buffer [2048]byte
	used   int // bytes of buffer
}

// bytes returns n bytes of the session's memory, as an empty slice that does not grow
// into what others have.
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

// read returns n bytes of a value, nil where that fails.
func (s *session) read(handle, n int32) []byte {
	if n < 0 {
		return nil
	}
	b := s.bytes(int(n))[:n]
	for at := int32(0); at < n; {
		got := s.host.ValueRead(handle, at, b[at:])
		if got <= 0 {
			return nil
		}
		at += got
	}
	return b
}
