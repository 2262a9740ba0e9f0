package spool

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/agenthost/agenthost/internal/credential/durable"
	"github.com/agenthost/agenthost/internal/owned"
	"github.com/agenthost/agenthost/internal/store"
)

// segment is a file with records, each in a line.
type segment struct {
	number int
	path   string
	bytes  int64
	file   *os.File // nil if an earlier process wrote it
	// records are those in the file; nil if only the file has them.
	records []store.AuditRecord

	folder    sync.Once // is on the disk since the file was made
	folderErr error
}

// The names of segments sort as their numbers do.
const (
	namePrefix = "spool-"
	nameSuffix = ".jsonl"
	nameDigits = 12
)

func numberOf(name string) (int, bool) {
	digits, ok := strings.CutPrefix(name, namePrefix)
	if !ok {
		return 0, false
	}
	digits, ok = strings.CutSuffix(digits, nameSuffix)
	n, err := strconv.Atoi(digits)
	return n, ok && err == nil && n >= 0 && len(digits) == nameDigits
}

// create makes the file of a segment.
func create(folder string, number int) (*segment, error) {
	path := filepath.Join(folder, fmt.Sprintf("%s%0*d%s", namePrefix, nameDigits, number, nameSuffix))
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return &segment{number: number, path: path, file: file}, nil
}

// line is a record in a file.
type line struct {
	ID           string          `json:"id"`
	Event        string          `json:"event"`
	Organization string          `json:"organization"`
	Workspace    string          `json:"workspace"`
	Record       json.RawMessage `json:"record"`
}

// encode makes the line of a record, whose text stays as it is if it has no line break.
func encode(r store.AuditRecord) ([]byte, error) {
	text := r.Record
	if bytes.IndexByte(text, '\n') >= 0 {
		var compact bytes.Buffer
		if err := json.Compact(&compact, text); err != nil {
			return nil, fmt.Errorf("a record of the audit trail is no JSON: %w", err)
		}
		text = compact.Bytes()
	}
	b := make([]byte, 0, len(text)+256)
	for _, part := range [...]struct{ name, value string }{{`{"id":`, r.ID}, {`,"event":`, r.Event}, {`,"organization":`, r.Scope.Organization}, {`,"workspace":`, r.Scope.Workspace}} {
		value, err := json.Marshal(part.value)
		if err != nil {
			return nil, err
		}
		b = append(append(b, part.name...), value...)
	}
	return append(append(append(b, `,"record":`...), text...), "}\n"...), nil
}

// write adds a line. After an error, nothing more may be written.
func (g *segment) write(text []byte, r store.AuditRecord) error {
	if _, err := g.file.Write(text); err != nil {
		return err
	}
	g.bytes += int64(len(text))
	g.records = append(g.records, r)
	return nil
}

// sync returns when the file is on the disk. One that is closed was delivered.
func (g *segment) sync() error {
	if err := g.file.Sync(); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	g.folder.Do(func() { g.folderErr = durable.SyncDir(filepath.Dir(g.path)) })
	return g.folderErr
}

// remove removes a segment that was delivered.
func (g *segment) remove() error {
	g.records = nil
	err := os.Remove(g.path)
	g.close()
	return err
}

func (g *segment) close() {
	if g.file != nil {
		_ = g.file.Close() // everything was written, and nothing is buffered
	}
}

// all returns the records, and how many lines are none. Nobody may write to the segment any more.
func (g *segment) all() (records []store.AuditRecord, damaged int, err error) {
	if g.records != nil {
		return g.records, 0, nil
	}
	text, err := owned.ReadFile(g.path, 2*segmentBytes)
	if err != nil {
		return nil, 0, err
	}
	r := bufio.NewReader(bytes.NewReader(text))
	for {
		text, err := r.ReadBytes('\n')
		if err == io.EOF { // what is left is half a line, whose call did not go on
			return records, damaged, nil
		}
		var l line
		if json.Unmarshal(text, &l) != nil || l.ID == "" || l.Event == "" {
			damaged++
			continue
		}
		records = append(records, store.AuditRecord{ID: l.ID, Event: l.Event, Scope: store.Scope{Organization: l.Organization, Workspace: l.Workspace}, Record: l.Record})
	}
}
