package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// MaxFileSize is the largest size of a configuration file, in bytes.
const MaxFileSize = 1 << 20

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
	data, err := io.ReadAll(io.LimitReader(f, MaxFileSize+1))
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
		r.anchors = anchors(body)
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
	if len(data) > MaxFileSize {
		r.note(Problem{Message: fmt.Sprintf("the file is larger than %d bytes", MaxFileSize), Hint: "check that this is the right file: a configuration has connections, not data"})
		return nil
	}
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		r.note(Problem{Message: "the file is UTF-16 text", Hint: "save it as UTF-8"})
		return nil
	}
	if at := invalidUTF8(data); at >= 0 {
		r.note(Problem{Line: 1 + bytes.Count(data[:at], []byte("\n")), Column: 1 + at - (bytes.LastIndexByte(data[:at], '\n') + 1), Message: "not UTF-8 text"})
		return nil
	}
	tokens := lexer.Tokenize(string(data))
	if !r.reasonable(tokens) {
		return nil
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		r.syntax(err)
		return nil
	}
	var body ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.NullType || doc.Body.Type() == ast.CommentType {
			continue
		}
		if body != nil {
			r.problem(doc.Body, "", "a second YAML document", "keep one document per file")
			return nil
		}
		body = doc.Body
	}
	return body
}

// syntax reports the parser's error without the line that it quotes, because that line may
// have a secret.
func (r *reader) syntax(err error) {
	p := Problem{Message: "not valid YAML"}
	var at yaml.Error
	if errors.As(err, &at) {
		if tk := at.GetToken(); tk != nil && tk.Position != nil {
			p.Line, p.Column = tk.Position.Line, tk.Position.Column
		}
	}
	var syntax *yaml.SyntaxError
	if errors.As(err, &syntax) {
		if _, first, ok := strings.Cut(syntax.Message, " already defined at "); ok {
			p.Message = "duplicate key; the first is at " + strings.Trim(first, "[]")
		} else if fixedText(syntax.Message) {
			p.Message += ": " + syntax.Message
		}
	}
	r.note(p)
}

// fixedText reports whether a parser's message quotes nothing from the file.
func fixedText(message string) bool {
	return len(message) < 100 && !strings.ContainsAny(message, "\"`\n")
}

// reasonable checks the text before the parser runs.
func (r *reader) reasonable(tokens token.Tokens) bool {
	if len(tokens) > maxTokens {
		r.note(Problem{Message: fmt.Sprintf("the file has more than %d tokens", maxTokens), Hint: "split it into several configurations"})
		return false
	}
	flow, inLine, line := 0, 0, 0
	for _, tk := range tokens {
		if tk.Position.Line != line {
			inLine, line = 0, tk.Position.Line
		}
		switch tk.Type {
		case token.MappingStartType, token.SequenceStartType:
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow = max(flow-1, 0)
		case token.SequenceEntryType, token.MappingKeyType, token.AnchorType, token.TagType:
			inLine++
		case token.MappingValueType:
			if flow == 0 {
				inLine++
			}
		}
		if flow+inLine > maxDepth*2 || flow > maxDepth || tk.Position.IndentNum > maxDepth*8 {
			r.note(Problem{Line: tk.Position.Line, Column: tk.Position.Column, Message: "nested too deeply"})
			return false
		}
	}
	return true
}

// invalidUTF8 returns the offset of the first byte that is not UTF-8, or -1.
func invalidUTF8(data []byte) int {
	for i := 0; i < len(data); {
		c, size := utf8.DecodeRune(data[i:])
		if c == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}
