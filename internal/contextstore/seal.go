package contextstore

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/ncruces/go-sqlite3"
)

// Key gives the secret that the file of a workspace is sealed with, at least [LeastKeyBytes] bytes that
// nobody can guess. The caller of it overwrites them. The files of two workspaces have different keys also
// where the secret is the same.
type Key func(ctx context.Context, workspace string) (secret []byte, err error)

// LeastKeyBytes is how long a secret is at least.
const LeastKeyBytes = 32

// A page has its seal at its end, in bytes that SQLite leaves to others: the tag and the nonce of AES-GCM, or a
// checksum and zeros. Both are also of the place, so that a page elsewhere is no page.
const (
	pageBytes  = 4096
	sealBytes  = tagBytes + nonceBytes
	tagBytes   = 16
	nonceBytes = 12
	idBytes    = 16 // what tells keys apart
	plainBytes = pageBytes - sealBytes
)

// seal is how the pages of a workspace are sealed.
type seal struct {
	pages cipher.AEAD  // nil: they only have checksums
	marks cipher.Block // of what the log says of a page
	start uint32       // of checksums
	id    string       // of the key
}

// newSeal makes the seal of a workspace. Each workspace has another one, so that a file under the name of another
// workspace cannot be read.
func newSeal(ctx context.Context, key Key, workspace string) (*seal, error) {
	if key == nil {
		return &seal{start: crc32.Checksum([]byte(workspace), castagnoli()), id: plainMark}, nil
	}
	secret, err := key(ctx, workspace)
	defer clear(secret)
	if err != nil {
		return nil, err
	}
	if len(secret) < LeastKeyBytes {
		return nil, fault.Invalid("key", fmt.Sprintf("the key of the copies has %d bytes, and needs %d", len(secret), LeastKeyBytes), "make one with: openssl rand -hex 32")
	}
	keys, err := hkdf.Key(sha256.New, secret, nil, "agenthost copies of "+workspace, 64+idBytes)
	if err != nil {
		return nil, err
	}
	defer clear(keys)
	block, err := aes.NewCipher(keys[:32])
	if err != nil {
		return nil, err
	}
	pages, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	marks, err := aes.NewCipher(keys[32:64])
	return &seal{pages: pages, marks: marks, id: hex.EncodeToString(keys[64:])}, err
}

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// kind says what a page is of.
type kind byte

const (
	inFile kind = iota
	inLog
	// begun is that of the first page of a file that perhaps has a part of its log, so that it is nothing without it.
	begun
)

// place is where a page is, as its seal has it.
func place(of kind, at int64) (b [9]byte) {
	b[0] = byte(of)
	binary.LittleEndian.PutUint64(b[1:], uint64(at))
	return b
}

// close seals a page.
func (s *seal) close(sealed *[pageBytes]byte, page []byte, of kind, at int64) {
	where := place(of, at)
	end := sealed[plainBytes:]
	if s.pages == nil {
		copy(sealed[:], page[:plainBytes])
		clear(end)
		binary.LittleEndian.PutUint32(end, s.sum(page[:plainBytes], where))
		return
	}
	nonce := end[tagBytes:]
	_, _ = rand.Read(nonce) // it never fails
	s.pages.Seal(sealed[:0], nonce, page[:plainBytes], where[:])
}

// open opens a page where it is, and reports whether it is one that was sealed for this place.
func (s *seal) open(page *[pageBytes]byte, of kind, at int64) bool {
	where := place(of, at)
	end := page[plainBytes:]
	if s.pages == nil {
		is := [sealBytes]byte(end)
		var want [sealBytes]byte
		binary.LittleEndian.PutUint32(want[:], s.sum(page[:plainBytes], where))
		clear(end)
		return is == want
	}
	nonce := [nonceBytes]byte(end[tagBytes:])
	_, err := s.pages.Open(page[:0], nonce[:], page[:plainBytes+tagBytes], where[:])
	clear(end)
	return err == nil
}

func (s *seal) sum(page []byte, where [9]byte) uint32 {
	table := castagnoli()
	return crc32.Update(crc32.Update(s.start, table, where[:]), table, page)
}

// mark hides or shows what the log says of a page: 16 bytes, which its checksum is in.
func (s *seal) mark(b []byte, hide bool) {
	switch {
	case s.marks == nil:
	case hide:
		s.marks.Encrypt(b, b)
	default:
		s.marks.Decrypt(b, b)
	}
}

// settle says of a file that it is right without its log.
func (s *seal) settle(f interface {
	io.ReaderAt
	io.WriterAt
}) error {
	var page, sealed [pageBytes]byte
	if n, err := f.ReadAt(sealed[:], 0); n != pageBytes {
		return noEnd(err)
	}
	if page = sealed; s.open(&page, inFile, 0) {
		return nil
	}
	if page = sealed; !s.open(&page, begun, 0) {
		return sqlite3.IOERR_DATA
	}
	s.close(&sealed, page[:], inFile, 0)
	_, err := f.WriteAt(sealed[:], 0)
	return err
}
