package sandbox

import (
	"bytes"

	"github.com/agenthost/agenthost/host/sandbox/pages"
)

// image is the content that the memories of a module go back to. Nobody writes it.
//
// Where the kernel can, an image is a file in memory that each instance maps
// privately: a page that the guest has not written is the image's own, shared by all
// instances, and the kernel knows which pages are not. Elsewhere it is a copy that
// memories are compared with.
type image struct {
	content []byte
	file    *pages.File // nil where memories are compared
	users   int         // instances; the module's lock guards it
}

// newImage makes an image of a memory as it is now.
func newImage(table *pages.Table, memory []byte) *image {
	if table != nil && len(memory) > 0 {
		if file, err := pages.NewFile(memory); err == nil {
			return &image{content: file.Content(), file: file}
		}
	}
	return &image{content: bytes.Clone(memory)}
}

// close frees an image that no memory goes back to any more.
func (i *image) close() {
	if i.file != nil {
		i.file.Close()
	}
	i.content, i.file = nil, nil
}
