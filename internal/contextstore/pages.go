package contextstore

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"strings"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
)

// pages is the file system of SQLite for the file of one workspace: it seals each page, in the file and in its
// log. Nothing else is written: temporary files are in memory.
type pages struct {
	vfs.VFS // of the system
	seal    *seal
}

// Open implements [vfs.VFS].
func (p *pages) Open(string, vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	return nil, 0, sqlite3.CANTOPEN // OpenFilename is called instead
}

// OpenFilename implements [vfs.VFSFilename].
func (p *pages) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	switch {
	case flags&(vfs.OPEN_TEMP_DB|vfs.OPEN_TRANSIENT_DB|vfs.OPEN_TEMP_JOURNAL|vfs.OPEN_SUBJOURNAL) != 0:
		return &vfsutil.SliceFile{}, flags, nil
	case flags&(vfs.OPEN_MAIN_DB|vfs.OPEN_WAL) == 0:
		return nil, 0, sqlite3.IOERR_DATA // a journal, which no file of ours has
	}
	file, flags, err := vfsutil.WrapOpenFilename(p.VFS, name, flags)
	if err != nil {
		return nil, 0, err
	}
	of := pagesFile{File: file, seal: p.seal}
	if flags&vfs.OPEN_MAIN_DB != 0 {
		return &mainFile{pagesFile: of, end: math.MaxInt64}, flags, nil
	}
	main, ok := vfsutil.UnwrapFile[*mainFile](name.DatabaseFile())
	if !ok {
		return nil, 0, errors.Join(sqlite3.CANTOPEN, file.Close())
	}
	main.log = &logFile{pagesFile: of, main: main}
	return main.log, flags, nil
}

// Delete implements [vfs.VFS].
func (p *pages) Delete(name string, sync bool) error {
	if path, is := strings.CutSuffix(name, "-wal"); is { // all of it is in the file
		if err := p.settle(path); err != nil {
			return err
		}
	}
	return p.VFS.Delete(name, sync)
}

func (p *pages) settle(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(p.seal.settle(f), f.Close())
}

// pagesFile is what both kinds of files have. One connection uses it.
type pagesFile struct {
	vfs.File
	seal   *seal
	buffer [pageBytes]byte
}

// DeviceCharacteristics implements [vfs.File]. Pages are read whole.
func (f *pagesFile) DeviceCharacteristics() vfs.DeviceCharacteristic {
	return f.File.DeviceCharacteristics() & (vfs.IOCAP_POWERSAFE_OVERWRITE | vfs.IOCAP_UNDELETABLE_WHEN_OPEN)
}

// write seals a page, and writes it.
func (f *pagesFile) write(page []byte, of kind, at int64) (int, error) {
	for _, b := range page[plainBytes:] {
		if b != 0 { // it would not be read again
			return 0, sqlite3.IOERR_WRITE
		}
	}
	f.seal.close(&f.buffer, page, of, at)
	return f.File.WriteAt(f.buffer[:], at)
}

// mainFile is a file of pages. A page that is missing is damage, as one of zeros is.
type mainFile struct {
	pagesFile
	log   *logFile // nil before it is opened
	first kind     // of the first page, as it was read or written last
	err   error    // of marking the first page
	end   int64    // of the file when the transaction began: what is behind may be missing
}

// mostReads is how often a page is read that is none: the first one is read without a lock, perhaps while it is
// written.
const mostReads = 6

// ReadAt implements [io.ReaderAt].
func (f *mainFile) ReadAt(p []byte, off int64) (int, error) {
	at := off &^ (pageBytes - 1)
	page := p
	if len(p) != pageBytes {
		page = f.buffer[:]
	}
	if off-at+int64(len(p)) > pageBytes {
		return 0, sqlite3.IOERR_READ
	}
	of := inFile
	if at == 0 {
		of = f.first
	}
	for range mostReads {
		n, err := f.File.ReadAt(page, at)
		switch {
		case n == 0 && at == 0 && errors.Is(err, io.EOF):
			return 0, io.EOF // a new file
		case noEnd(err) != nil:
			return 0, err
		case n == pageBytes && f.seal.open((*[pageBytes]byte)(page), of, at):
			if len(p) != pageBytes {
				copy(p, page[off-at:])
			}
			if at == 0 {
				f.first = of
			}
			return len(p), nil
		}
		if at == 0 {
			of ^= inFile ^ begun
		}
	}
	if at >= f.end {
		clear(p) // SQLite asks for a page that its transaction has added
		return 0, io.EOF
	}
	return 0, sqlite3.IOERR_DATA
}

// WriteAt implements [io.WriterAt].
func (f *mainFile) WriteAt(p []byte, off int64) (int, error) {
	of := inFile
	switch {
	case len(p) != pageBytes || off%pageBytes != 0:
		return 0, sqlite3.IOERR_WRITE
	case f.err != nil:
		return 0, f.err
	case off == 0:
		of = f.first
	}
	return f.write(p, of, off)
}

// CheckpointStart implements [vfs.FileCheckpoint]. From here to when the log is begun anew or removed, the file is
// nothing without it.
func (f *mainFile) CheckpointStart() {
	var page [pageBytes]byte
	if _, f.err = f.ReadAt(page[:], 0); f.err != nil {
		f.err = noEnd(f.err)
		return
	}
	if f.first != begun {
		f.first = begun
		_, f.err = f.write(page[:], begun, 0)
	}
}

// CheckpointDone implements [vfs.FileCheckpoint].
func (f *mainFile) CheckpointDone() {}

// SharedMemory implements [vfs.FileSharedMemory].
func (f *mainFile) SharedMemory() vfs.SharedMemory { return vfsutil.WrapSharedMemory(f.File) }

// LockState implements [vfs.FileLockState].
func (f *mainFile) LockState() vfs.LockLevel { return vfsutil.WrapLockState(f.File) }

// HasMoved implements [vfs.FileHasMoved].
func (f *mainFile) HasMoved() (bool, error) { return vfsutil.WrapHasMoved(f.File) }

// PersistWAL implements [vfs.FilePersistWAL].
func (f *mainFile) PersistWAL() bool { return vfsutil.WrapPersistWAL(f.File) }

// SetPersistWAL implements [vfs.FilePersistWAL].
func (f *mainFile) SetPersistWAL(keep bool) { vfsutil.WrapSetPersistWAL(f.File, keep) }

// The log has a header, and frames: what it says of a page, and the page.
// https://sqlite.org/fileformat2.html#the_write_ahead_log
const (
	logHeader   = 32
	frameHeader = 24
	frameBytes  = frameHeader + pageBytes
	frameMark   = 8 // where in its header a frame has what is hidden: salts and checksums
)

// logFile is the log of a file.
type logFile struct {
	pagesFile
	main *mainFile
}

func frameAt(off int64) (frame, within int64) {
	within = (off - logHeader) % frameBytes
	return off - within, within
}

// ReadAt implements [io.ReaderAt].
func (f *logFile) ReadAt(p []byte, off int64) (int, error) {
	if off < logHeader {
		return f.File.ReadAt(p, off)
	}
	frame, within := frameAt(off)
	switch {
	case within == frameHeader && len(p) == pageBytes:
		if n, err := f.File.ReadAt(p, off); n != pageBytes && noEnd(err) != nil {
			return 0, err
		} else if n != pageBytes || !f.seal.open((*[pageBytes]byte)(p), inLog, off) {
			return 0, sqlite3.IOERR_DATA
		}
		return pageBytes, nil
	case within == 0 && len(p) == frameBytes:
		n, err := f.File.ReadAt(p, off)
		if n != frameBytes {
			return n, err
		}
		f.seal.mark(p[frameMark:frameHeader], false)
		if !f.seal.open((*[pageBytes]byte)(p[frameHeader:]), inLog, off+frameHeader) {
			clear(p) // such as one that was written in part: SQLite looks for where the log ends
		}
		return frameBytes, nil
	case within+int64(len(p)) <= frameHeader:
		var header [frameHeader]byte
		if n, err := f.File.ReadAt(header[:], frame); n != frameHeader {
			return 0, err
		}
		f.seal.mark(header[frameMark:], false)
		return copy(p, header[within:]), nil
	}
	return 0, sqlite3.IOERR_READ
}

// WriteAt implements [io.WriterAt].
func (f *logFile) WriteAt(p []byte, off int64) (int, error) {
	if off == 0 && len(p) == logHeader { // it begins anew
		if err := f.seal.settle(f.main.File); err != nil {
			return 0, err
		}
		return f.File.WriteAt(p, off)
	}
	switch _, within := frameAt(off); {
	case off >= logHeader && within == frameHeader && len(p) == pageBytes:
		return f.write(p, inLog, off)
	case off >= logHeader && within == 0 && len(p) == frameHeader:
		header := [frameHeader]byte(p)
		f.seal.mark(header[frameMark:], true)
		return f.File.WriteAt(header[:], off)
	}
	return 0, sqlite3.IOERR_WRITE
}

// Truncate implements [vfs.File].
func (f *logFile) Truncate(size int64) error {
	if size == 0 {
		if err := f.seal.settle(f.main.File); err != nil {
			return err
		}
	}
	return f.File.Truncate(size)
}

// Where the first page has the number of the state of the file: SQLite calls it user_version.
const stateAt = 60

// state is the number of the state that the file has without its log, and whether it needs that.
func (f *mainFile) state() (number uint32, needs bool, err error) {
	var b [4]byte
	if _, err := f.ReadAt(b[:], stateAt); err != nil {
		return 0, false, err
	}
	return binary.BigEndian.Uint32(b[:]), f.first == begun, nil
}

// first is the number of the first state in the log.
func (f *logFile) first() (state uint32, found bool, err error) {
	var start [logHeader]byte
	if n, err := f.ReadAt(start[:], 0); n != logHeader {
		return 0, false, noEnd(err)
	}
	for at := int64(logHeader); ; at += frameBytes {
		var header [frameHeader]byte
		if n, err := f.ReadAt(header[:], at); n != frameHeader {
			return 0, false, noEnd(err)
		}
		if [8]byte(header[8:16]) != [8]byte(start[16:24]) { // a frame of an older log
			return 0, false, nil
		}
		if binary.BigEndian.Uint32(header[:4]) != 1 {
			continue
		}
		var page [pageBytes]byte
		if _, err := f.ReadAt(page[:], at+frameHeader); err != nil {
			return 0, false, err
		}
		return binary.BigEndian.Uint32(page[stateAt:]), true, nil
	}
}

func noEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
