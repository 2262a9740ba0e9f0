package egress

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/agenthost/agenthost/internal/wiresim"
)

// script is a connection on which the vendor's bytes come in pieces of so many bytes.
type script struct {
	net.Conn
	vendor []byte
	piece  int
	closed bool
}

func (s *script) Read(p []byte) (int, error) {
	if len(s.vendor) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), s.piece)], s.vendor)
	s.vendor = s.vendor[n:]
	return n, nil
}

func (s *script) Write(p []byte) (int, error) { return len(p), nil }
func (s *script) Close() error                { s.closed = true; return nil }

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

func opened(stream, by uint32) []byte {
	return wiresim.Bytes(wiresim.WindowUpdate, 0, stream, binary.BigEndian.AppendUint32(nil, by))
}

func initial(window uint32) []byte {
	return wiresim.Bytes(wiresim.Settings, 0, 0, binary.BigEndian.AppendUint32([]byte{0, 3, 0, 0, 0, 9, 0, 4}, window))
}

func request(stream uint32, body int) []byte {
	b := wiresim.Bytes(wiresim.Headers, wiresim.EndHeaders, stream, []byte{0x82})
	return append(b, wiresim.Bytes(wiresim.Data, wiresim.EndStream, stream, make([]byte, body))...)
}

// An honest vendor opens windows as wide as there are, and again what was sent. One that
// opens more is cut off, before net/http sees the frame.
func TestWindowGuard(t *testing.T) {
	t.Parallel()
	const most, usual = 1<<31 - 1, 1<<16 - 1
	for name, c := range map[string]struct {
		sent, vendor [][]byte
		bad          bool
	}{
		"as wide as there is":     {[][]byte{request(1, 0)}, [][]byte{opened(1, most-usual)}, false},
		"one more":                {[][]byte{request(1, 0)}, [][]byte{opened(1, most-usual+1)}, true},
		"one more, later":         {[][]byte{request(1, 0)}, [][]byte{opened(1, most-usual), opened(1, 1)}, true},
		"what was sent again":     {[][]byte{request(1, 1000)}, [][]byte{opened(1, most-usual), opened(1, 1000)}, false},
		"more than was sent":      {[][]byte{request(1, 1000)}, [][]byte{opened(1, most-usual), opened(1, 1001)}, true},
		"after settings":          {[][]byte{request(1, 0)}, [][]byte{initial(most), opened(1, 1)}, true},
		"after smaller settings":  {[][]byte{request(1, 0)}, [][]byte{initial(0), opened(1, most)}, false},
		"settings of no meaning":  {[][]byte{request(1, 0)}, [][]byte{wiresim.Bytes(wiresim.Settings, 0, 0, []byte{0, 4, 255}), opened(1, most-usual)}, false},
		"of the connection":       {[][]byte{request(1, 0)}, [][]byte{opened(0, most), opened(0, most)}, false}, // net/http ends it
		"of a stream to come":     {[][]byte{request(1, 0)}, [][]byte{opened(3, 1)}, true},
		"of one that has ended":   {[][]byte{request(1, 0)}, [][]byte{wiresim.Bytes(wiresim.Data, wiresim.EndStream, 1, nil), opened(1, most)}, true},
		"of one that was reset":   {[][]byte{request(1, 0)}, [][]byte{wiresim.Bytes(wiresim.Reset, 0, 1, make([]byte, 4)), opened(1, most)}, true},
		"of another length":       {[][]byte{request(1, 0)}, [][]byte{wiresim.Bytes(wiresim.WindowUpdate, 0, 1, make([]byte, 5))}, false},
		"after a frame with data": {[][]byte{request(1, 0)}, [][]byte{wiresim.Bytes(wiresim.Data, 0, 1, opened(1, most)), opened(1, most)}, true},
		"in data":                 {[][]byte{request(1, 0)}, [][]byte{wiresim.Bytes(wiresim.Data, 0, 1, opened(1, most))}, false},
	} {
		for _, piece := range []int{1, 5, 13, 1 << 16} {
			wire := &script{vendor: bytes.Join(c.vendor, nil), piece: piece}
			g := newWindowGuard(wire)
			for sent := append([]byte(preface), bytes.Join(c.sent, nil)...); len(sent) > 0; {
				n := min(piece, len(sent))
				if _, err := g.Write(sent[:n]); err != nil {
					t.Fatal(err)
				}
				sent = sent[n:]
			}
			got, err := io.ReadAll(g)
			if bad := errors.Is(err, errWindow); bad != c.bad || bad != wire.closed || !bad && (err != nil || !bytes.Equal(got, bytes.Join(c.vendor, nil))) {
				t.Errorf("%s in pieces of %d: %v", name, piece, err)
			}
		}
	}
}

// A connection that lives long does not remember all its streams.
func TestWindowGuardForgets(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(stream uint32) []byte{
		"answered": func(stream uint32) []byte {
			return wiresim.Bytes(wiresim.Headers, wiresim.EndHeaders|wiresim.EndStream, stream, []byte{0x88})
		},
		"reset": func(stream uint32) []byte { return wiresim.Bytes(wiresim.Reset, 0, stream, make([]byte, 4)) },
	} {
		wire := &script{piece: 100}
		g := newWindowGuard(wire)
		_, _ = g.Write([]byte(preface))
		for stream := uint32(1); stream < 20*remembered; stream += 2 {
			if _, err := g.Write(request(stream, 1)); err != nil {
				t.Fatal(err)
			}
			wire.vendor = answer(stream)
			if _, err := g.Read(make([]byte, 100)); err != nil {
				t.Fatal(err)
			}
		}
		if len(g.streams) > remembered+1 {
			t.Errorf("%s: %d streams are remembered", name, len(g.streams))
		}
	}
}

// FuzzWindowGuard: whatever is sent in whatever pieces, a guard judges it as it judges the
// whole, and hands on what it does not refuse.
func FuzzWindowGuard(f *testing.F) {
	f.Add(request(1, 20), append(initial(1<<31-1), opened(1, 1)...), 3)
	f.Add(request(3, 0), append(opened(3, 1<<30), opened(3, 1<<30)...), 7)
	f.Fuzz(func(t *testing.T, sent, vendor []byte, piece int) {
		judge := func(piece int) ([]byte, error) {
			g := newWindowGuard(&script{vendor: vendor, piece: piece})
			if _, err := g.Write(append([]byte(preface), sent...)); err != nil {
				t.Fatal(err)
			}
			return io.ReadAll(g)
		}
		whole, want := judge(1 << 30)
		parts, got := judge(1 + max(piece%100, -piece%100))
		if !errors.Is(got, want) || want == nil && (!bytes.Equal(whole, vendor) || !bytes.Equal(parts, vendor)) {
			t.Errorf("in pieces: %v, whole: %v", got, want)
		}
	})
}
