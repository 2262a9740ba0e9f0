package shape

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/pdk/abi"
)

// Bounds of what a caller may ask for. Paths come from agents.
const (
	maxPaths  = 256
	maxLength = 512 // bytes of a path
	maxNames  = 32  // names in a path
)

// tree is a set of paths.
type tree struct {
	children map[string]*tree
	// whole means that a path ends here, so that everything below belongs to it.
	whole bool
}

// parse returns the tree of some paths, or nil if there are none.
func parse(field string, paths []string) (*tree, error) {
	if len(paths) == 0 {
		return nil, nil
	}
	if len(paths) > maxPaths {
		return nil, badPath(field, fmt.Sprintf("more than %d fields", maxPaths))
	}
	root := &tree{}
	for _, path := range paths {
		names, err := split(field, path)
		if err != nil {
			return nil, err
		}
		root.add(names)
	}
	return root, nil
}

func (t *tree) add(names []string) {
	for _, name := range names {
		if t.whole {
			return
		}
		child := t.children[name]
		if child == nil {
			child = &tree{}
			if t.children == nil {
				t.children = make(map[string]*tree)
			}
			t.children[name] = child
		}
		t = child
	}
	t.whole, t.children = true, nil
}

// Names returns the names of a path, without the backslashes. The error is an
// [*abi.Error] of kind invalid_params.
func Names(path string) ([]string, error) { return split("path", path) }

// split returns the names of a path.
func split(field, path string) ([]string, error) {
	if len(path) > maxLength {
		return nil, badPath(field, fmt.Sprintf("a field's path is longer than %d bytes", maxLength))
	}
	var names []string
	var name strings.Builder
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case c == '.':
			names = append(names, name.String())
			name.Reset()
		case c == '\\' && i+1 < len(path) && (path[i+1] == '.' || path[i+1] == '\\'):
			i++
			name.WriteByte(path[i])
		default:
			name.WriteByte(c)
		}
	}
	names = append(names, name.String())
	if len(names) > maxNames {
		return nil, badPath(field, fmt.Sprintf("a field's path has more than %d names", maxNames))
	}
	if slices.Contains(names, "") {
		return nil, badPath(field, fmt.Sprintf("%q has an empty name in it", path))
	}
	return names, nil
}

func badPath(field, message string) error {
	return &abi.Error{
		Kind: abi.KindInvalidParams, Field: field, Message: field + ": " + message,
		Hint: "name fields as in id, title, assignee.email",
	}
}
