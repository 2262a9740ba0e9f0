package egress

import (
	"encoding/binary"
	"errors"
	"net"
	"sync"
)

// windowGuard sits between TLS and net/http on an HTTP/2 connection. If a vendor opens the
// window of a stream wider than HTTP/2 allows, net/http (as of Go 1.26) waits for a lock that
// it holds itself: the request ignores its deadline, and every other use of the connection
// hangs too. The guard counts the windows, and ends the connection before net/http sees such
// a frame.
type windowGuard struct {
	net.Conn
	in, out frameReader // each for one goroutine at a time

	mu      sync.Mutex
	initial int64 // the window of a new stream
	streams map[uint32]*streamWindow
	newest  uint32
}

// streamWindow is the window of a stream, without the initial one.
type streamWindow struct {
	opened int64 // by the vendor, less what was sent
	ended  int   // how many of its two sides have ended
}

const (
	maxWindow = 1<<31 - 1
	// remembered is how many streams later the window of an ended one is forgotten:
	// net/http forgets a stream only a moment after its end.
	remembered = 1000
)

var errWindow = errors.New("the vendor opened an HTTP/2 window beyond the maximum")

func newWindowGuard(conn net.Conn) *windowGuard {
	g := &windowGuard{Conn: conn, initial: 1<<16 - 1, streams: make(map[uint32]*streamWindow)}
	g.out.skip = len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	return g
}

// Read returns what the vendor sent, but no piece that completes a bad frame.
func (g *windowGuard) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	g.mu.Lock()
	defer g.mu.Unlock()
	if bad := g.in.read(p[:n], g.received); bad != nil {
		_ = g.Conn.Close()
		return 0, bad
	}
	return n, err
}

// Write counts what is sent before the vendor can answer it.
func (g *windowGuard) Write(p []byte) (int, error) {
	g.mu.Lock()
	err := g.out.read(p, g.sent)
	g.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return g.Conn.Write(p)
}

// Kinds of frames and their flags (RFC 9113, section 6).
const (
	frameData, frameHeaders, frameReset, frameSettings, frameWindow = 0, 1, 3, 4, 8

	flagEndStream, settingInitialWindow = 1, 4
)

// received counts a frame of the vendor, or one setting in it.
func (g *windowGuard) received(f *frame) error {
	switch f.kind {
	case frameSettings:
		if f.length%6 == 0 && len(f.part) == 6 && binary.BigEndian.Uint16(f.part) == settingInitialWindow {
			g.initial = int64(binary.BigEndian.Uint32(f.part[2:]))
		}
	case frameWindow:
		if f.stream == 0 || f.length != 4 || len(f.part) == 0 {
			return nil // net/http handles it
		}
		if f.stream > g.newest {
			return errWindow // the stream does not exist yet
		}
		if w := g.streams[f.stream]; w != nil {
			w.opened += int64(binary.BigEndian.Uint32(f.part) & maxWindow)
			if g.initial+w.opened > maxWindow {
				return errWindow
			}
		}
	case frameData, frameHeaders, frameReset:
		g.end(f)
	}
	return nil
}

// sent counts a frame of net/http.
func (g *windowGuard) sent(f *frame) error {
	switch f.kind {
	case frameHeaders:
		if f.stream > g.newest {
			g.newest = f.stream
			g.streams[f.stream] = &streamWindow{}
			g.forget(f.stream - min(f.stream, 2*remembered))
		}
	case frameData:
		if w := g.streams[f.stream]; w != nil && len(f.part) == 0 {
			w.opened -= int64(f.length)
		}
	}
	g.end(f)
	return nil
}

// end counts a frame that ends a stream, or one side of it.
func (g *windowGuard) end(f *frame) {
	w := g.streams[f.stream]
	switch {
	case w == nil || len(f.part) > 0:
		return
	case f.kind == frameReset:
		w.ended = 2
	case (f.kind == frameData || f.kind == frameHeaders) && f.flags&flagEndStream != 0:
		w.ended++
	}
	if f.stream+2*remembered < g.newest {
		g.forget(f.stream)
	}
}

func (g *windowGuard) forget(stream uint32) {
	if w := g.streams[stream]; w != nil && w.ended >= 2 {
		delete(g.streams, stream)
	}
}

// frame is the head of a frame, and for settings and windows up to six bytes of its payload.
type frame struct {
	kind, flags byte
	stream      uint32
	length      int
	part        []byte
}

// frameReader reads frames from a stream of bytes that comes in pieces.
type frameReader struct {
	skip  int // bytes before the next head or part
	frame frame
	left  int // bytes of a payload whose parts are wanted
	held  [9]byte
	have  int
}

// read calls on with each head, without a part, and with each wanted part.
func (r *frameReader) read(p []byte, on func(*frame) error) error {
	for len(p) > 0 {
		if n := min(r.skip, len(p)); n > 0 {
			r.skip -= n
			p = p[n:]
			continue
		}
		want := 9
		if r.left > 0 {
			want = min(r.left, 6)
		}
		n := copy(r.held[r.have:want], p)
		p, r.have = p[n:], r.have+n
		if r.have < want {
			return nil
		}
		r.have = 0
		if r.left > 0 {
			r.left -= want
			r.frame.part = r.held[:want]
		} else {
			r.head()
		}
		if err := on(&r.frame); err != nil {
			return err
		}
	}
	return nil
}

func (r *frameReader) head() {
	h := &r.held
	r.frame = frame{kind: h[3], flags: h[4], stream: binary.BigEndian.Uint32(h[5:]) & maxWindow, length: int(h[0])<<16 | int(h[1])<<8 | int(h[2])}
	if r.frame.kind == frameSettings || r.frame.kind == frameWindow {
		r.left = r.frame.length
		return
	}
	r.skip = r.frame.length
}
