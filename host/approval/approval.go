// Package approval stores approvals of connectors in the file agenthost.lock.
//
// The file is sorted text with a block for each connector and a line for each fact, so that
// people can read, compare and merge it. [Parse] is strict: if the file differs from what
// [File.Format] writes, Parse returns an error with the line. Each block ends with a
// checksum, which detects changes by hand or by a merge.
//
// The checksum is not a signature: anybody who can write the file can approve.
//
// This package reads and writes approvals. Package grant decides what they permit.
package approval

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agenthost/agenthost/host/grant"
)

// DefaultName is the name of the lock file next to a configuration.
const DefaultName = "agenthost.lock"

// File is the content of a lock file.
type File struct {
	// Approvals are sorted by connector name. Each connector has at most one.
	Approvals []grant.Approval
}

// Find returns the approval of a connector, or nil.
func (f *File) Find(name string) *grant.Approval {
	for i := range f.Approvals {
		if f.Approvals[i].Name == name {
			return &f.Approvals[i]
		}
	}
	return nil
}

// Set adds an approval, and replaces one of the same connector.
func (f *File) Set(a grant.Approval) {
	f.Remove(a.Name)
	f.Approvals = append(f.Approvals, a)
	slices.SortFunc(f.Approvals, func(a, b grant.Approval) int { return strings.Compare(a.Name, b.Name) })
}

// Remove removes the approval of a connector. It reports whether there was one.
func (f *File) Remove(name string) bool {
	before := len(f.Approvals)
	f.Approvals = slices.DeleteFunc(f.Approvals, func(a grant.Approval) bool { return a.Name == name })
	return len(f.Approvals) < before
}

// header starts every file. Its last line has the version of the format.
const header = `# Approved access of connectors. "agenthost plugin approve FILE" adds an approval, and
# "agenthost plugin revoke NAME" removes it. Keep this file with the configuration.
agenthost-lock 1
`

// Format returns the text of the file.
func (f *File) Format() []byte {
	var b strings.Builder
	b.WriteString(header)
	for i := range f.Approvals {
		block := format(&f.Approvals[i])
		fmt.Fprintf(&b, "\n%s  sum %s\n", block, checksum(block))
	}
	return []byte(b.String())
}

func checksum(block string) string {
	sum := sha256.Sum256([]byte(block))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// format writes a block without its checksum.
func format(a *grant.Approval) string {
	var b strings.Builder
	line := func(indent int, words ...string) {
		b.WriteString(strings.Repeat("  ", indent))
		b.WriteString(strings.Join(words, " "))
		b.WriteByte('\n')
	}
	line(0, "connector", a.Name, a.Version)
	line(1, "digest", "sha256:"+a.Digest)
	line(1, "approved", a.At.UTC().Format(time.RFC3339), "by", strconv.Quote(a.By))
	for _, u := range a.Updates {
		line(1, "update", "sha256:"+u.Digest, u.Version, u.At.UTC().Format(time.RFC3339))
	}
	if s := a.Source; s != nil {
		line(1, "from", s.Reference.String())
		if by := s.Signer.String(); by != "" {
			line(1, "signer", by)
		}
		for _, v := range s.Previous {
			line(1, "previous", "sha256:"+v.Module, v.Version, v.Manifest, v.At.UTC().Format(time.RFC3339))
		}
		for _, module := range s.Left {
			line(1, "left", "sha256:"+module)
		}
	}
	for _, s := range a.Reach.Servers {
		words := []string{"server", s.ID, s.URL}
		if s.Default {
			words = append(words, "default")
		}
		line(1, words...)
		for _, fact := range s.Facts {
			line(2, fact)
		}
	}
	for _, c := range a.Reach.Credentials {
		line(1, "credential", c.Scheme)
		for _, fact := range c.Facts {
			line(2, fact)
		}
	}
	for _, fact := range a.Reach.Hosted {
		line(1, "hosted", fact)
	}
	for _, o := range a.Reach.Operations {
		words := []string{"operation", o.Name, string(o.Effect)}
		if o.Repeats {
			words = append(words, "repeats")
		}
		line(1, words...)
		for _, q := range o.Requests {
			words := []string{q.Method, q.Path}
			if q.Server != "" {
				words = append(words, "at", q.Server)
			}
			if q.RawQuery != "" {
				words = append(words, "raw", q.RawQuery)
			}
			if q.File != "" {
				words = append(words, "file", q.File)
			}
			line(2, words...)
		}
	}
	return b.String()
}
