package sandbox

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"testing"
)

func TestKernelBlocks(t *testing.T) {
	k := newKernel(1<<20, []byte("input"))
	if got := k.take(k.input, math.MaxUint64); string(got) != "input" {
		t.Errorf("the input is %q", got)
	}
	a, b := k.put([]byte("abc")), k.put(bytes.Repeat([]byte("x"), 20))
	if a == 0 || b == 0 || a%8 != 0 || b%8 != 0 || b < a+3 {
		t.Fatalf("blocks at %d and %d", a, b)
	}
	for _, tt := range []struct{ at, width, want uint64 }{
		{a, 1, 'a'}, {a + 2, 1, 'c'}, {a + 3, 1, 0}, {a, 8, 0}, {a - 1, 1, 0}, {0, 1, 0}, {0, 8, 0},
		{b, 8, 0x7878787878787878}, {b + 12, 8, 0x7878787878787878}, {b + 13, 8, 0},
		{math.MaxUint64, 1, 0}, {math.MaxUint64 - 3, 8, 0}, {1 << 63, 8, 0},
	} {
		if got := k.load(tt.at, tt.width); got != tt.want {
			t.Errorf("load(%d, %d) = %x, want %x", tt.at, tt.width, got, tt.want)
		}
	}
	k.store(a+1, 1, 'X')
	k.store(a+3, 1, 'Y') // past the end
	k.store(a, 8, 0)     // too wide
	if got := k.block(a); string(got) != "aXc" {
		t.Errorf("the block is %q", got)
	}
	if k.block(a+1) != nil || k.block(0) != nil || k.block(b+20) != nil {
		t.Error("something else than a block's first byte names it")
	}
	if k.within(a, 4) != (span{}) || k.within(a, 3).length != 3 || k.within(a, math.MaxUint64) != (span{}) || k.within(0, 0) != (span{}) {
		t.Error("a span may leave its block")
	}
	k.free(a + 1)
	k.free(a)
	k.free(a)
	if k.block(a) != nil || k.load(a, 1) != 0 || string(k.block(b)) != strings.Repeat("x", 20) {
		t.Error("free hit the wrong block")
	}
}

func TestKernelHasAnEnd(t *testing.T) {
	const limit = 1 << 16
	k := newKernel(limit, nil)
	for _, n := range []uint64{0, limit, limit + 1, math.MaxInt64, math.MaxUint64, math.MaxUint64 - blockCost + 1} {
		if at := k.alloc(n); at != 0 {
			t.Errorf("alloc(%d) = %d", n, at)
		}
	}
	blocks := 0
	for k.alloc(1) != 0 {
		blocks++
	}
	if blocks == 0 || blocks > limit/blockCost {
		t.Errorf("%d blocks of one byte", blocks)
	}
	// What is freed can be used again, however often.
	k = newKernel(limit, nil)
	keep := k.put([]byte("kept"))
	for range 10_000 {
		at := k.alloc(limit / 2)
		if at == 0 {
			t.Fatal("no room")
		}
		k.free(at)
	}
	if len(k.blocks) > 200 || string(k.block(keep)) != "kept" {
		t.Errorf("%d blocks are left", len(k.blocks))
	}
}

func TestKernelVariables(t *testing.T) {
	k := newKernel(1<<20, nil)
	if !k.setVar("a", []byte("1")) || !k.setVar("a", []byte("2")) || string(k.vars["a"]) != "2" {
		t.Error("a variable is lost")
	}
	if k.setVar("b", make([]byte, maxVarBytes)) || !k.setVar("b", make([]byte, maxVarBytes/2)) || k.setVar("c", make([]byte, maxVarBytes/2)) {
		t.Error("variables have no bound")
	}
	if !k.setVar("b", make([]byte, maxVarBytes-1000)) {
		t.Error("a variable cannot be replaced")
	}
}

// FuzzKernel compares the kernel with the simplest one that there is: a map of blocks.
func FuzzKernel(f *testing.F) {
	f.Add([]byte{0, 3, 0, 20, 2, 64, 7, 1, 64, 0, 9, 2, 88, 1})
	f.Fuzz(func(t *testing.T, program []byte) {
		const limit = 4096
		k := newKernel(limit, nil)
		blocks := map[uint64][]byte{}
		var used int64
		for len(program) >= 3 {
			op, x, y := program[0]%4, uint64(program[1]), program[2]
			program = program[3:]
			at := x * 3
			switch op {
			case 0:
				got := k.alloc(x)
				fits := x > 0 && used+int64(x)+blockCost <= limit
				if (got != 0) != fits {
					t.Fatalf("alloc(%d) = %d with %d in use", x, got, used)
				}
				if fits {
					if blocks[got] != nil {
						t.Fatalf("block %d is given out twice", got)
					}
					blocks[got], used = make([]byte, x), used+int64(x)+blockCost
				}
			case 1:
				k.free(at)
				if b := blocks[at]; b != nil {
					used -= int64(len(b)) + blockCost
					delete(blocks, at)
				}
			case 2:
				k.store(at, 8, uint64(y)*0x0101010101010101)
				for start, b := range blocks {
					if at >= start && at+8 <= start+uint64(len(b)) {
						binary.LittleEndian.PutUint64(b[at-start:], uint64(y)*0x0101010101010101)
					}
				}
			case 3:
				want := uint64(0)
				for start, b := range blocks {
					if at >= start && at < start+uint64(len(b)) {
						want = uint64(b[at-start])
					}
				}
				if got := k.load(at, 1); got != want {
					t.Fatalf("load(%d) = %d, want %d", at, got, want)
				}
			}
			if k.used != used {
				t.Fatalf("%d bytes are booked, %d are in use", k.used, used)
			}
		}
		for at, want := range blocks {
			if !bytes.Equal(k.block(at), want) {
				t.Fatalf("block %d is %x, want %x", at, k.block(at), want)
			}
		}
	})
}
