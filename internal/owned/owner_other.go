//go:build !unix

package owned

import "io/fs"

// ownerOf knows nobody's owner here.
func ownerOf(fs.FileInfo) int { return -1 }
