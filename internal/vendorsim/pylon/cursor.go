package pylon

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"
)

// position is a place in the order of a table: records sort by at, then by seq.
type position struct {
	at  int64
	seq uint64
}

func (p position) before(q position) bool { return p.at < q.at || p.at == q.at && p.seq < q.seq }

// cursors makes and checks cursors. A cursor holds the position of the last record sent and the scope (endpoint and
// query) it was made for, signed, so that a cursor that was altered, made up, or belongs to another list is refused.
// Positions, not offsets: records that come and go while a client pages neither repeat nor hide the others.
type cursors struct{ key [32]byte }

const (
	cursorPayload = 24
	cursorMAC     = 12
)

func (c *cursors) encode(scope uint64, p position) string {
	var raw [cursorPayload + cursorMAC]byte
	binary.BigEndian.PutUint64(raw[0:], scope)
	binary.BigEndian.PutUint64(raw[8:], uint64(p.at))
	binary.BigEndian.PutUint64(raw[16:], p.seq)
	copy(raw[cursorPayload:], c.sign(raw[:cursorPayload]))
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

func (c *cursors) decode(scope uint64, s string) (position, *apiError) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
	// The length of s is checked too, because the decoder skips line breaks.
	if err != nil || len(raw) != cursorPayload+cursorMAC || len(s) != base64.RawURLEncoding.EncodedLen(len(raw)) || !hmac.Equal(raw[cursorPayload:], c.sign(raw[:cursorPayload])) {
		return position{}, invalid("cursor is not valid")
	}
	if binary.BigEndian.Uint64(raw) != scope {
		return position{}, invalid("cursor belongs to another query; send it with the parameters of the request that returned it")
	}
	return position{at: int64(binary.BigEndian.Uint64(raw[8:])), seq: binary.BigEndian.Uint64(raw[16:])}, nil
}

func (c *cursors) sign(payload []byte) []byte {
	mac := hmac.New(sha256.New, c.key[:])
	mac.Write(payload)
	return mac.Sum(nil)[:cursorMAC]
}

// scopeOf identifies a query by its parts.
func scopeOf(parts ...string) uint64 {
	h := fnv.New64a()
	for _, p := range parts {
		_, _ = h.Write([]byte(p))
		_, _ = h.Write([]byte{0})
	}
	return h.Sum64()
}
