package pages

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// newMemory maps a memory over a new file of random content.
func newMemory(t *testing.T, pages int) ([]byte, *File) {
	t.Helper()
	content := make([]byte, pages*unix.Getpagesize())
	r := rand.New(rand.NewPCG(1, 2))
	for i := range content {
		content[i] = byte(r.Uint32())
	}
	f, err := NewFile(nil, content)
	if err != nil {
		t.Skip("no files in memory here: ", err)
	}
	t.Cleanup(f.Close)
	memory, err := unix.Mmap(-1, 0, len(content), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(memory) })
	if err := f.Under(memory); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(memory, content) || !bytes.Equal(f.Content(), content) {
		t.Fatal("the memory does not show the file")
	}
	return memory, f
}

// The kernel's scan and reading the table by hand agree with each other and with what
// was written, whatever the pattern.
func TestPrivateFindsWhatWasWritten(t *testing.T) {
	table := Open()
	if table == nil {
		t.Skip("the kernel does not tell")
	}
	defer table.Close()
	ways := map[string]func([]byte, []Range) ([]Range, error){"read": table.byRead}
	if table.scan {
		ways["scan"] = table.byScan
	}
	const count = 700 // more ranges than one call of the kernel returns
	size := int(table.PageSize())
	memory, _ := newMemory(t, count)
	written := make([]bool, count)
	r := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		for range r.IntN(60) {
			i := r.IntN(count)
			if r.IntN(4) == 0 {
				if err := Discard(memory[i*size : (i+1)*size]); err != nil {
					t.Fatal(err)
				}
				written[i] = false
			} else {
				memory[i*size+r.IntN(size)]++
				written[i] = true
			}
		}
		for name, private := range ways {
			list, err := private(memory, []Range{{From: 1, To: 2}}) // appends
			if err != nil {
				t.Fatal(name, err)
			}
			got := make([]bool, count)
			for _, r := range list[1:] {
				for at := r.From; at < r.To; at += table.PageSize() {
					got[at/table.PageSize()] = true
				}
			}
			if !slices.Equal(got, written) || list[0].To != 2 {
				t.Fatalf("%s: pages %v, want %v", name, got, written)
			}
		}
	}
}

// The content cannot change, not even by a bug.
func TestFileIsSealed(t *testing.T) {
	_, f := newMemory(t, 1)
	if _, err := unix.Pwrite(f.fd, []byte{1}, 0); err == nil {
		t.Error("the file was written")
	}
	if err := unix.Ftruncate(f.fd, 0); err == nil {
		t.Error("the file was cut off")
	}
	if _, err := unix.Mmap(f.fd, 0, unix.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err == nil {
		t.Error("the file was mapped to be written")
	}
}

// A memory outlives the file that lies under it.
func TestMemoryOutlivesFile(t *testing.T) {
	content := bytes.Repeat([]byte{7}, 2*unix.Getpagesize())
	f, err := NewFile(nil, content)
	if err != nil {
		t.Skip(err)
	}
	memory, err := unix.Mmap(-1, 0, len(content), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(memory) }()
	if err := f.Under(memory[:unix.Getpagesize()]); err == nil {
		t.Error("a memory of another length was accepted")
	}
	if err := f.Under(memory); err != nil {
		t.Fatal(err)
	}
	memory[0] = 1
	f.Close()
	if err := errors.Join(Discard(memory), Discard(nil)); err != nil {
		t.Error(err)
	}
	if !bytes.Equal(memory, content) {
		t.Error("the content is gone")
	}
}

// A file over another one is what it would be by itself, however they differ, and holds no more than
// what differs and the gaps that it closes.
func TestFileOverAnother(t *testing.T) {
	table := Open()
	if table == nil {
		t.Skip("the kernel does not tell")
	}
	defer table.Close()
	size := int(table.PageSize())
	const count = 64
	r := rand.New(rand.NewPCG(1, 2))
	random := func(pages int) []byte {
		b := make([]byte, pages*size)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	content := append(random(count/2), make([]byte, count/2*size)...)
	changed := func(pages ...int) []byte {
		b := bytes.Clone(content)
		for _, n := range pages {
			b[n*size+r.IntN(size)] ^= 1
		}
		return b
	}
	every := make([]int, 0, count/2)
	for n := 0; n < count; n += 2 {
		every = append(every, n)
	}
	for name, tt := range map[string]struct {
		content []byte
		held    int // pages
		parts   int
	}{
		"the same":          {content, 0, 0},
		"first page":        {changed(0), 1, 1},
		"last page":         {changed(count - 1), 1, 1},
		"neighbours":        {changed(3, 4, 5, 9), 4, 2},
		"as many as may be": {changed(0, 3, 6, 9, 12, 15, 18, 21), 8, 8},
		"one too many":      {changed(0, 3, 6, 9, 12, 15, 17, 20, 23), 10, 8}, // 16 lies in the smallest gap
		"every other page":  {changed(every...), 41, 8},
		"all":               {random(count), count, 1},
		"zeros":             {make([]byte, count*size), 0, 1},
		"zeros in between":  {slices.Concat(content[:9*size], make([]byte, 2*size), content[11*size:]), 0, 1},
		"longer":            {append(changed(1), random(3)...), 4, 2},
		"shorter":           {changed(2)[:10*size], 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			base, err := NewFile(nil, content)
			if err != nil {
				t.Skip("no files in memory here: ", err)
			}
			defer base.Close()
			f, err := NewFile(base, tt.content)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			// Before somebody reads them, pages that are zero take no memory.
			if got := f.Bytes(); got != int64(tt.held*size) || len(f.parts) != tt.parts || base.Bytes() != count/2*int64(size) {
				t.Errorf("it holds %d bytes in %d parts, want %d in %d; the other one holds %d", got, len(f.parts), tt.held*size, tt.parts, base.Bytes())
			}
			if !bytes.Equal(f.Content(), tt.content) {
				t.Error("the file has another content")
			}
			memory, err := unix.Mmap(-1, 0, len(tt.content), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = unix.Munmap(memory) }()
			if err := f.Under(memory); err != nil || !bytes.Equal(memory, tt.content) {
				t.Fatalf("the memory does not show the file: %v", err)
			}
			// What is written is private, whichever file lies under it, and is back when it is given up.
			if got, err := table.Private(memory, nil); err != nil || len(got) > 0 {
				t.Errorf("an unused memory has private pages: %v, %v", got, err)
			}
			for at := 0; at < len(memory); at += size {
				memory[at]++
			}
			if got, err := table.Private(memory, nil); err != nil || !slices.Equal(got, []Range{{To: uint64(len(memory))}}) && len(got) > 2*maxParts+1 {
				t.Errorf("the private pages are %v, %v", got, err)
			}
			if err := Discard(memory); err != nil || !bytes.Equal(memory, tt.content) || !bytes.Equal(base.Content()[:count/2*size], content[:count/2*size]) {
				t.Errorf("it is not back: %v", err)
			}
		})
	}
}
