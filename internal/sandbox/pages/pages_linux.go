package pages

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"iter"
	"os"
	"runtime"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// File is a sealed file in memory (memfd_create(2)). It is safe for concurrent use.
type File struct {
	fd   int
	view []byte

	base  *File   // whose pages lie between the parts; nil if there is none
	parts []Range // that differ from base, or all that is not zero without one
}

// maxParts bounds the ranges of a file that differ from its base. A memory has two mappings for each,
// and a process has 65,530 at most.
const maxParts = 8

// NewFile makes a file of content, which must be whole pages. If base is not nil, the file shares with
// it the pages that do not differ, and must be closed before it. An error is that of the operating
// system.
func NewFile(base *File, content []byte) (_ *File, err error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate("agenthost-pages", flags|unix.MFD_NOEXEC_SEAL)
	if errors.Is(err, unix.EINVAL) { // before Linux 6.3
		fd, err = unix.MemfdCreate("agenthost-pages", flags)
	}
	if err != nil {
		return nil, err
	}
	f := &File{fd: fd, base: base}
	if base != nil {
		f.parts = base.different(content)
	} else {
		f.parts = slices.Collect(written(content))
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	if err := unix.Ftruncate(fd, int64(len(content))); err != nil {
		return nil, err
	}
	for _, own := range f.parts {
		for part := range written(content[own.From:own.To]) {
			for at, end := own.From+part.From, own.From+part.To; at < end; {
				n, err := unix.Pwrite(fd, content[at:end], int64(at))
				if err != nil && !errors.Is(err, unix.EINTR) {
					return nil, err
				}
				at += uint64(max(n, 0))
			}
		}
	}
	// From here on not even a bug of the host can change it.
	const seals = unix.F_SEAL_WRITE | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
		return nil, err
	}
	if f.view, err = unix.Mmap(fd, 0, len(content), unix.PROT_READ, unix.MAP_PRIVATE); err != nil {
		return nil, err
	}
	return f, f.share(f.view, unix.PROT_READ)
}

// different returns the parts of a content that are not those of the file, in at most [maxParts] ranges.
// It reads no page that is zero: the kernel would make one.
func (f *File) different(content []byte) []Range {
	size := os.Getpagesize()
	zeros, filled := make([]byte, size), f.parts
	var parts []Range
	for at := 0; at < len(content); at += size {
		end := at + size
		for len(filled) > 0 && filled[0].To <= uint64(at) {
			filled = filled[1:]
		}
		was := zeros
		if end <= len(f.view) && len(filled) > 0 && filled[0].From < uint64(end) {
			was = f.view[at:end]
		}
		if end <= len(f.view) && bytes.Equal(content[at:end], was) {
			continue
		}
		if n := len(parts) - 1; n >= 0 && parts[n].To == uint64(at) {
			parts[n].To = uint64(end)
			continue
		}
		parts = append(parts, Range{From: uint64(at), To: uint64(end)})
	}
	if len(parts) <= maxParts {
		return parts
	}
	// Keep the largest gaps.
	gaps := make([]int, 0, len(parts)-1) // each by the index of the part after it
	for i := 1; i < len(parts); i++ {
		gaps = append(gaps, i)
	}
	slices.SortStableFunc(gaps, func(a, b int) int {
		return cmp.Compare(parts[b].From-parts[b-1].To, parts[a].From-parts[a-1].To)
	})
	kept := gaps[:maxParts-1]
	slices.Sort(kept)
	joined, from := make([]Range, 0, maxParts), 0
	for _, i := range append(kept, len(parts)) {
		joined = append(joined, Range{From: parts[from].From, To: parts[i-1].To})
		from = i
	}
	return joined
}

// share maps the pages of the base into a memory that the file is mapped under.
func (f *File) share(memory []byte, protection int) error {
	if f.base == nil {
		return nil
	}
	at := uint64(0)
	for _, own := range append(slices.Clone(f.parts), Range{From: uint64(len(memory))}) {
		if own.From > at {
			start := unsafe.Pointer(&memory[at])
			if _, err := unix.MmapPtr(f.base.fd, int64(at), start, uintptr(own.From-at), protection, unix.MAP_PRIVATE|unix.MAP_FIXED); err != nil {
				return err
			}
		}
		at = own.To
	}
	return nil
}

// Bytes is the memory that the file takes, without its base.
func (f *File) Bytes() int64 {
	const block = 512 // of stat(2)
	var stat unix.Stat_t
	if err := unix.Fstat(f.fd, &stat); err != nil {
		return int64(len(f.view))
	}
	return stat.Blocks * block
}

// written yields the parts of a content that are not zero, about half of a young memory.
func written(content []byte) iter.Seq[Range] {
	return func(yield func(Range) bool) {
		var zeros [4096]byte
		var part Range
		for at := 0; at < len(content); at += len(zeros) {
			piece := content[at:min(at+len(zeros), len(content))]
			if bytes.Equal(piece, zeros[:len(piece)]) {
				continue
			}
			if part.To != uint64(at) {
				if part.To > 0 && !yield(part) {
					return
				}
				part.From = uint64(at)
			}
			part.To = uint64(at + len(piece))
		}
		if part.To > 0 {
			yield(part)
		}
	}
}

// Content is the file's read-only content, valid until Close.
func (f *File) Content() []byte { return f.view }

// Under maps the file under a memory of the same length, which loses its content. Later writes
// to the memory are private to it. The memory must be whole pages mapped by the operating
// system, not part of Go's heap.
func (f *File) Under(memory []byte) error {
	if len(memory) != len(f.view) {
		return unix.EINVAL
	}
	start := unsafe.Pointer(unsafe.SliceData(memory))
	const access = unix.PROT_READ | unix.PROT_WRITE
	if _, err := unix.MmapPtr(f.fd, 0, start, uintptr(len(memory)), access, unix.MAP_PRIVATE|unix.MAP_FIXED); err != nil {
		return err
	}
	return f.share(memory, access)
}

// Close frees the file. Memories on it keep its content.
func (f *File) Close() {
	if f.view != nil {
		_ = unix.Munmap(f.view)
	}
	_ = unix.Close(f.fd)
}

// Discard gives up the private pages in a part of a memory, which then has the file's, or zeros
// without a file. An error is that of the operating system, such as for locked memory; some
// pages may then be unchanged.
func Discard(memory []byte) error {
	if len(memory) == 0 {
		return nil
	}
	return unix.Madvise(memory, unix.MADV_DONTNEED)
}

// Table reports which pages of a memory are no longer those of the file under it. It reads the
// processor's page tables (/proc/self/pagemap), so it knows of every write, also by the kernel (a
// read(2) into the memory). Unlike userfaultfd(2) it needs no privilege. It is safe for concurrent
// use.
type Table struct {
	file *os.File
	scan bool // by PAGEMAP_SCAN, Linux 6.7 and later
	page uint64
}

// PageSize is the size of the pages, in bytes.
func (t *Table) PageSize() uint64 { return t.page }

// Open returns nil if the kernel, or a substitute such as gVisor, does not support it. It tries,
// instead of checking versions.
func Open() *Table {
	file, err := os.Open("/proc/self/pagemap")
	if err != nil {
		return nil
	}
	t := &Table{file: file, scan: true, page: uint64(os.Getpagesize())}
	if t.works() {
		return t
	}
	t.scan = false
	if t.works() {
		return t
	}
	_ = file.Close()
	return nil
}

// Close frees the table.
func (t *Table) Close() { _ = t.file.Close() }

// works tries it on a memory of four pages: one that is read, one that we write, one that the
// kernel writes, and an unused one.
func (t *Table) works() bool {
	content := make([]byte, 4*t.page)
	f, err := NewFile(nil, content)
	if err != nil {
		return false
	}
	defer f.Close()
	memory, err := unix.Mmap(-1, 0, len(content), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return false
	}
	defer func() { _ = unix.Munmap(memory) }()
	if f.Under(memory) != nil || memory[0] != 0 {
		return false
	}
	memory[t.page] = 1
	if n, err := unix.Pread(f.fd, memory[2*t.page:2*t.page+1], 0); n != 1 || err != nil {
		return false
	}
	got, err := t.Private(memory, nil)
	if err != nil || !slices.Equal(got, []Range{{From: t.page, To: 3 * t.page}}) {
		return false
	}
	if Discard(memory[t.page:2*t.page]) != nil {
		return false
	}
	got, err = t.Private(memory, nil)
	return err == nil && memory[t.page] == 0 && slices.Equal(got, []Range{{From: 2 * t.page, To: 3 * t.page}})
}

// Private appends the parts of a memory that are not the file's, in order. The memory must have a
// [File] under it. After an error, which is the operating system's, the result is unknown.
func (t *Table) Private(memory []byte, into []Range) ([]Range, error) {
	if t.scan {
		return t.byScan(memory, into)
	}
	return t.byRead(memory, into)
}

// The interface of PAGEMAP_SCAN, from the kernel's include/uapi/linux/fs.h and
// Documentation/admin-guide/mm/pagemap.rst.
const (
	pagemapScan = 0xc0606610 // _IOWR('f', 16, struct pm_scan_arg)

	pageIsFile    = 1 << 2
	pageIsPresent = 1 << 3
	pageIsSwapped = 1 << 4
)

// scanArguments is struct pm_scan_arg.
type scanArguments struct {
	size, flags, start, end, walkEnd, vec, vecLen, maxPages uint64

	categoryInverted, categoryMask, categoryAnyOf, returnMask uint64
}

func (t *Table) byScan(memory []byte, into []Range) ([]Range, error) {
	base := uint64(uintptr(unsafe.Pointer(unsafe.SliceData(memory))))
	args := scanArguments{
		start: base, end: base + uint64(len(memory)),
		// A page that is there, in memory or swapped out, and not of the file.
		categoryInverted: pageIsFile, categoryMask: pageIsFile, categoryAnyOf: pageIsPresent | pageIsSwapped,
		returnMask: pageIsFile, // to get neighbours as one range
	}
	args.size = uint64(unsafe.Sizeof(args))
	fd := t.file.Fd()
	for args.start < args.end {
		// The kernel writes into the slice, which is on Go's heap, and so does not move.
		into = slices.Grow(into, 64)
		room := into[len(into):cap(into)]
		args.vec, args.vecLen = uint64(uintptr(unsafe.Pointer(unsafe.SliceData(room)))), uint64(len(room))
		n, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, pagemapScan, uintptr(unsafe.Pointer(&args)))
		runtime.KeepAlive(room)
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			return into, errno
		}
		if args.walkEnd <= args.start {
			return into, unix.EIO
		}
		args.start = args.walkEnd
		for i := range room[:n] {
			room[i].From -= base
			room[i].To -= base
		}
		into = into[:len(into)+int(n)]
	}
	return into, nil
}

// The bits of an entry of /proc/self/pagemap, from proc_pid_pagemap(5).
const (
	entryPresent = 1 << 63
	entrySwapped = 1 << 62
	entryFile    = 1 << 61
)

func (t *Table) byRead(memory []byte, into []Range) ([]Range, error) {
	first := uint64(uintptr(unsafe.Pointer(unsafe.SliceData(memory)))) / t.page
	var entries [4096]byte
	for at := uint64(0); at < uint64(len(memory)); {
		rest := (uint64(len(memory)) - at) / t.page * 8
		n, err := t.file.ReadAt(entries[:min(uint64(len(entries)), rest)], int64((first+at/t.page)*8))
		if err != nil {
			return into, err
		}
		for i := 0; i < n; i += 8 {
			e := binary.NativeEndian.Uint64(entries[i:])
			if e&(entryPresent|entrySwapped) != 0 && e&entryFile == 0 {
				if last := len(into) - 1; last >= 0 && into[last].To == at {
					into[last].To += t.page
				} else {
					into = append(into, Range{From: at, To: at + t.page})
				}
			}
			at += t.page
		}
	}
	return into, nil
}
