package wiresim

import (
	"encoding/binary"
	"errors"
	"io"
	"strconv"
)

// Kinds of frames.
const (
	Data byte = iota
	Headers
	Priority
	Reset
	Settings
	PushPromise
	Ping
	GoAway
	WindowUpdate
	Continuation
)

// Flags of frames.
const (
	Ack        byte = 0x1
	EndStream  byte = 0x1
	EndHeaders byte = 0x4
)

// Frame is one that was read.
type Frame struct {
	Kind, Flags byte
	Stream      uint32
	Payload     []byte
}

// Ends reports whether the frame is the last one of its stream.
func (f *Frame) Ends() bool {
	return (f.Kind == Data || f.Kind == Headers) && f.Flags&EndStream != 0
}

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// Greet reads the client's preface and sends settings: pairs of identifiers and values.
func (c *Conn) Greet(settings ...uint32) error {
	got := make([]byte, len(preface))
	if _, err := io.ReadFull(c, got); err != nil {
		return err
	}
	if string(got) != preface {
		return errors.New("the client does not speak HTTP/2")
	}
	return c.Settings(settings...)
}

// ReadFrame returns the next frame. It answers settings and pings by itself, and makes room
// for more data.
func (c *Conn) ReadFrame() (*Frame, error) {
	for {
		var head [9]byte
		if _, err := io.ReadFull(c, head[:]); err != nil {
			return nil, err
		}
		f := &Frame{Kind: head[3], Flags: head[4], Stream: binary.BigEndian.Uint32(head[5:]) & (1<<31 - 1)}
		f.Payload = make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
		if _, err := io.ReadFull(c, f.Payload); err != nil {
			return nil, err
		}
		if n := uint32(len(f.Payload)); f.Kind == Data && n > 0 {
			room := binary.BigEndian.AppendUint32(nil, n)
			more := Bytes(WindowUpdate, 0, 0, room)
			if !f.Ends() {
				more = append(more, Bytes(WindowUpdate, 0, f.Stream, room)...)
			}
			if _, err := c.Write(more); err != nil {
				return nil, err
			}
		}
		if (f.Kind != Settings && f.Kind != Ping) || f.Flags&Ack != 0 {
			return f, nil
		}
		answer := f.Payload
		if f.Kind == Settings {
			answer = nil
		}
		if err := c.WriteFrame(f.Kind, Ack, 0, answer); err != nil {
			return nil, err
		}
	}
}

// WriteFrame writes a frame, right or wrong.
func (c *Conn) WriteFrame(kind, flags byte, stream uint32, payload []byte) error {
	_, err := c.Write(Bytes(kind, flags, stream, payload))
	return err
}

// Bytes are those of a frame.
func Bytes(kind, flags byte, stream uint32, payload []byte) []byte {
	b := []byte{byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload)), kind, flags}
	return append(binary.BigEndian.AppendUint32(b, stream), payload...)
}

// Settings sends pairs of identifiers and values.
func (c *Conn) Settings(pairs ...uint32) error {
	var b []byte
	for i := 0; i+1 < len(pairs); i += 2 {
		b = binary.BigEndian.AppendUint16(b, uint16(pairs[i]))
		b = binary.BigEndian.AppendUint32(b, pairs[i+1])
	}
	return c.WriteFrame(Settings, 0, 0, b)
}

// Reset ends a stream with an error code.
func (c *Conn) Reset(stream, code uint32) error {
	return c.WriteFrame(Reset, 0, stream, binary.BigEndian.AppendUint32(nil, code))
}

// GoAway says that streams after last will not be served.
func (c *Conn) GoAway(last, code uint32) error {
	return c.WriteFrame(GoAway, 0, 0, binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, last), code))
}

// Answer sends the head of an answer, and its body in one frame that ends the stream.
func (c *Conn) Answer(stream uint32, status int, body string) error {
	if err := c.Head(stream, 0, status, "content-type", "application/json"); err != nil {
		return err
	}
	return c.WriteFrame(Data, EndStream, stream, []byte(body))
}

// Head sends the head of an answer with headers, which are pairs of names and values.
func (c *Conn) Head(stream uint32, flags byte, status int, headers ...string) error {
	return c.WriteFrame(Headers, flags|EndHeaders, stream, Block(append([]string{":status", strconv.Itoa(status)}, headers...)...))
}

// Block encodes names and values without compression (RFC 7541, section 6.2.2).
func Block(pairs ...string) []byte {
	var b []byte
	for i := 0; i+1 < len(pairs); i += 2 {
		b = append(b, 0)
		for _, s := range pairs[i : i+2] {
			b = append(number(b, len(s)), s...)
		}
	}
	return b
}

// number appends a length as a prefixed integer of seven bits (RFC 7541, section 5.1).
func number(b []byte, n int) []byte {
	if n < 127 {
		return append(b, byte(n))
	}
	b, n = append(b, 127), n-127
	for ; n >= 128; n >>= 7 {
		b = append(b, byte(n)|128)
	}
	return append(b, byte(n))
}
