package contract

import "testing"

func FuzzCursor(f *testing.F) {
	c := NewCursors("test", 1)
	f.Add(c.Encode(5, Position{-7, 9}), uint64(5))
	f.Add("", uint64(0))
	f.Add("AAAA", uint64(1))
	f.Fuzz(func(t *testing.T, s string, scope uint64) {
		p, fault := c.Decode(scope, s)
		if fault != CursorOK {
			return
		}
		// Whatever is accepted must be exactly what Encode makes: there is one cursor for a position.
		if again := c.Encode(scope, p); again != s {
			t.Errorf("%q decodes to %v, which encodes to %q", s, p, again)
		}
	})
}

func TestCursorFaults(t *testing.T) {
	c, other := NewCursors("test", 1), NewCursors("test", 2)
	s := c.Encode(5, Position{-7, 9})
	if p, fault := c.Decode(5, s); fault != CursorOK || p != (Position{-7, 9}) {
		t.Errorf("own cursor: %v, fault %d", p, fault)
	}
	if _, fault := c.Decode(6, s); fault != CursorForeign {
		t.Errorf("cursor of another query: fault %d", fault)
	}
	flipped := "A" + s[1:]
	if s[0] == 'A' {
		flipped = "B" + s[1:]
	}
	for _, bad := range []string{"", "x", s[1:], s + "A", flipped, other.Encode(5, Position{-7, 9})} {
		if _, fault := c.Decode(5, bad); fault != CursorForged {
			t.Errorf("%q: fault %d", bad, fault)
		}
	}
}
