package config

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/agenthost/agenthost/internal/yamlfile"
	"github.com/goccy/go-yaml/ast"
)

// The YAML parser's time grows with the square of the nesting depth and of the number of keys
// in a mapping. Real configurations stay far below these limits.
const (
	maxDepth  = 32
	maxTokens = 40_000
)

// Load reads a configuration file. Relative paths in it are relative to the file's
// folder, and become absolute. The file may be a pipe. schemes are the schemes of
// the program's own secret sources (host.Options.Sources).
//
// # Errors
//   - [*Error] with every problem, if the file was readable
//   - a wrapped [*os.PathError], such as [os.ErrNotExist]
func Load(path string, schemes ...string) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, yamlfile.MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return Parse(path, data, schemes...)
}

// Parse reads a configuration from memory. name is the file's name in errors, and relative
// paths are relative to its folder. schemes are as in [Load]. The error is an [*Error].
func Parse(name string, data []byte, schemes ...string) (*Config, error) {
	r := &reader{file: name, dir: filepath.Dir(name), schemes: schemes}
	if dir, err := filepath.Abs(r.dir); err == nil {
		r.dir = dir // paths must not depend on the working directory
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if body := r.parse(data); body != nil && len(r.problems) == 0 {
		r.anchors = yamlfile.Anchors(body)
		c := r.config(body)
		if len(r.problems) == 0 {
			return c, nil
		}
	}
	if len(r.problems) == 0 {
		return &Config{}, nil
	}
	return nil, &Error{Problems: r.problems}
}

// parse returns the root of the only document in data. It returns nil if the document is
// empty or, with a problem, if it is not YAML.
func (r *reader) parse(data []byte) ast.Node {
	if len(data) > yamlfile.MaxSize {
		r.note(Problem{Message: fmt.Sprintf("the file is larger than %d bytes", yamlfile.MaxSize), Hint: "check that this is the right file: a configuration has connections, not data"})
		return nil
	}
	body, problem := yamlfile.Parse(data, yamlfile.Limits{Tokens: maxTokens, Depth: maxDepth, TooMany: "split it into several configurations"})
	if problem != nil {
		r.note(Problem{Line: problem.Line, Column: problem.Column, Message: problem.Message, Hint: problem.Hint})
	}
	return body
}
