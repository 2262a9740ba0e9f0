package pdk

import (
	"bytes"
	"testing"
)

// Every special byte at every place in texts of every length up to three words, with
// other special bytes after it.
func TestPlain(t *testing.T) {
	special := []byte{0, 1, ' ' - 1, '"', '\\', 0x80, 0x9f, 0xa2, 0xdc, 0xff}
	for length := range 25 {
		for from := range length + 1 {
			b := bytes.Repeat([]byte{' ', '!', '#', '[', ']', 0x7f, 'a'}, 4)[:length]
			if got := plain(b, from); got != length {
				t.Fatalf("plain(%q, %d) = %d", b, from, got)
			}
			for at := from; at < length; at++ {
				for _, c := range special {
					b := bytes.Clone(b)
					b[at] = c
					if at+1 < length {
						b[length-1] = '"'
					}
					if from > 0 {
						b[from-1] = '"' // before the start
					}
					if got := plain(b, from); got != at {
						t.Fatalf("plain(%q, %d) = %d, want %d", b, from, got, at)
					}
				}
			}
		}
	}
}
