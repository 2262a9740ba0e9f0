package contract

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"
)

// Position is a place in the order of a table: records sort by At, then by Seq.
type Position struct {
	At  int64
	Seq uint64
}

// Before says whether p comes before q.
func (p Position) Before(q Position) bool { return p.At < q.At || p.At == q.At && p.Seq < q.Seq }

// Cursors makes and checks cursors. A cursor holds the position of the last record sent and the scope (endpoint and
// query) it was made for, signed, so that a cursor that was altered, made up, or belongs to another list is refused.
// Positions, not offsets: records that come and go while a client pages neither repeat nor hide the others.
type Cursors struct{ key [32]byte }

// CursorFault is why a cursor was refused.
type CursorFault int

// The faults of cursors.
const (
	// CursorOK is no fault.
	CursorOK CursorFault = iota
	// CursorForged means that the cursor was altered, made up, or is another organization's.
	CursorForged
	// CursorForeign means that the cursor was made for another query.
	CursorForeign
)

const (
	cursorPayload = 24
	cursorMAC     = 12
)

// NewCursors signs with a key made of a seed and the vendor's name.
func NewCursors(vendor string, seed uint64) Cursors {
	var s [8]byte
	binary.BigEndian.PutUint64(s[:], seed)
	return Cursors{key: sha256.Sum256(append([]byte(vendor+" cursor key "), s[:]...))}
}

// Encode makes the cursor for a position. There is one cursor for a position and scope.
func (c *Cursors) Encode(scope uint64, p Position) string {
	var raw [cursorPayload + cursorMAC]byte
	binary.BigEndian.PutUint64(raw[0:], scope)
	binary.BigEndian.PutUint64(raw[8:], uint64(p.At))
	binary.BigEndian.PutUint64(raw[16:], p.Seq)
	copy(raw[cursorPayload:], c.sign(raw[:cursorPayload]))
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

// Decode is the inverse of Encode. Only what Encode makes is accepted.
func (c *Cursors) Decode(scope uint64, s string) (Position, CursorFault) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
	// The length of s is checked too, because the decoder skips line breaks.
	if err != nil || len(raw) != cursorPayload+cursorMAC || len(s) != base64.RawURLEncoding.EncodedLen(len(raw)) || !hmac.Equal(raw[cursorPayload:], c.sign(raw[:cursorPayload])) {
		return Position{}, CursorForged
	}
	if binary.BigEndian.Uint64(raw) != scope {
		return Position{}, CursorForeign
	}
	return Position{At: int64(binary.BigEndian.Uint64(raw[8:])), Seq: binary.BigEndian.Uint64(raw[16:])}, CursorOK
}

func (c *Cursors) sign(payload []byte) []byte {
	mac := hmac.New(sha256.New, c.key[:])
	mac.Write(payload)
	return mac.Sum(nil)[:cursorMAC]
}

// ScopeOf identifies a query by its parts.
func ScopeOf(parts ...string) uint64 {
	h := fnv.New64a()
	for _, p := range parts {
		_, _ = h.Write([]byte(p))
		_, _ = h.Write([]byte{0})
	}
	return h.Sum64()
}
