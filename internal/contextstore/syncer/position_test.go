package syncer

import (
	"fmt"
	"strings"
	"testing"
)

// TestLeave keeps the keys of the first records that are left out, and finds them again after the position was stored.
func TestLeave(t *testing.T) {
	t.Parallel()
	var p position
	again := func() {
		t.Helper()
		var err error
		if p, err = read(p.text()); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		p.leave("a\xff\xfe\x00", true)
		p.leave("b", true)
		p.leave("c", false)
		again()
	}
	if len(p.Left) != 2 || p.LeftMore {
		t.Errorf("%q", p.Left)
	}
	p.leave("a\xff\xfe\x00", false)
	again()
	if len(p.Left) != 1 || p.Left[0] != "b" {
		t.Errorf("%q", p.Left)
	}
	p.leave(strings.Repeat("x", mostLeftBytes), true)
	if len(p.Left) != 1 || !p.LeftMore {
		t.Errorf("a key of %d bytes: %d, %t", mostLeftBytes, len(p.Left), p.LeftMore)
	}
	for i := range 2 * mostLeft {
		p.leave(fmt.Sprint(i), true)
	}
	if len(p.Left) != mostLeft {
		t.Errorf("%d keys", len(p.Left))
	}
}
