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
