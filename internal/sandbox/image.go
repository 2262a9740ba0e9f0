package sandbox

import (
	"bytes"

	"github.com/agenthost/agenthost/internal/sandbox/pages"
)

// image is the immutable state that the instances of a module start from and return to: the content
// of their memory, and the values of their globals.
//
// If the kernel supports it, an image is a file in memory that each instance maps privately: all
// instances share the pages that their guests have not written, and the kernel knows the others.
// Elsewhere it is a copy for comparing.
type image struct {
	content []byte
	file    *pages.File // nil if memories are compared
	globals []uint64    // empty if each instance keeps its own
	held    int64       // bytes that it takes by itself
	users   int         // instances, and the module; the module's lock guards it
}

// newImage makes an image of a memory as it is now, which shares with base the pages that do not
// differ, if there is one.
func newImage(table *pages.Table, base *pages.File, memory []byte) *image {
	if table != nil && len(memory) > 0 {
		if file, err := pages.NewFile(base, memory); err == nil {
			return &image{content: file.Content(), file: file, held: file.Bytes()}
		}
	}
	return &image{content: bytes.Clone(memory), held: int64(len(memory))}
}

// close frees an unused image.
func (i *image) close() {
	if i.file != nil {
		i.file.Close()
	}
	i.content, i.file = nil, nil
}

// over returns the file that the images of the code's modules lie over. It is made of the first
// memory, and kept while a module has the code, if there is room.
func (c *code) over(memory []byte) *pages.File {
	table := c.engine.pages
	if table == nil || len(memory) == 0 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.base == nil {
		file, err := pages.NewFile(nil, memory)
		if err != nil {
			return nil
		}
		if held := file.Bytes(); c.engine.hold(held) {
			c.base, c.held = file, held
		} else {
			file.Close()
		}
	}
	return c.base
}

// borrow returns the module's image for one more user, or nil if there is none.
func (m *Module) borrow() *image {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.image != nil {
		m.image.users++
	}
	return m.image
}

// publish makes an image of an instance, for itself and, if they can share it, for all later ones. The
// module keeps it while it is loaded, if there is room; otherwise it is freed with the last instance
// that uses it.
func (m *Module) publish(in *instance) *image {
	memory := in.guest.bytes()
	if m.code.info.Kept < m.code.info.Globals {
		i := newImage(m.engine.pages, nil, memory)
		i.users = 1
		return i
	}
	i := newImage(m.engine.pages, m.code.over(memory), memory)
	i.users, i.globals = 1, in.keptGlobals()
	keeps := m.engine.hold(i.held)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.image = i
	if keeps {
		m.keeps = true
		i.users++
	}
	return i
}

// unshare takes a user from an image and frees it after the last.
func (m *Module) unshare(i *image) {
	if i == nil {
		return
	}
	m.mu.Lock()
	i.users--
	last := i.users == 0
	if last && m.image == i {
		m.image = nil
	}
	m.mu.Unlock()
	if last {
		i.close()
	}
}

// forget releases the module's image.
func (m *Module) forget() {
	if m.keeps {
		m.keeps = false
		m.engine.held.Add(-m.image.held)
		m.unshare(m.image)
	}
}
