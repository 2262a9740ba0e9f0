package envelope

import (
	"encoding/binary"
	"slices"
)

// Place is what a sealed value is for. A value that somebody moves to another place does not open.
type Place struct {
	Organization, Workspace, Connection, Field string
	// Origins are where the value may be sent, in any order.
	Origins []string
}

// version is that of what [Place.bind] writes and of how values are sealed.
const version = 1

// bind returns the associated data of a value: what it is, the id of its key, and its place. Each
// part has its length before it, so that no two places have the same bytes.
func (p Place) bind(kind, key string) []byte {
	origins := slices.Sorted(slices.Values(p.Origins))
	parts := append([]string{kind, key, p.Organization, p.Workspace, p.Connection, p.Field}, origins...)
	b := []byte{version}
	b = binary.BigEndian.AppendUint32(b, uint32(len(parts)))
	for _, part := range parts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	return b
}
