// Package yamlfile parses YAML that somebody wrote by hand, or that somebody hostile did, into
// nodes that know their lines.
package yamlfile

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Limits bound a file. The parser's time grows with the square of the nesting depth and of
// the number of keys in a mapping.
type Limits struct {
	Tokens, Depth int
	// Keys are those of one mapping; 0 leaves them to Tokens.
	Keys int
	// TooMany is the hint of a file with too many tokens.
	TooMany string
}

// MaxSize is the largest size of a configuration file, in bytes.
const MaxSize = 1 << 20

// Problem is why a file cannot be parsed. It quotes nothing from the file.
type Problem struct {
	// Line and Column count from 1; 0 means the file as a whole.
	Line, Column  int
	Message, Hint string
}

// Parse returns the root of the only document in data, nil if the document is empty.
func Parse(data []byte, l Limits) (ast.Node, *Problem) {
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return nil, &Problem{Message: "the file is UTF-16 text", Hint: "save it as UTF-8"}
	}
	if at := invalidUTF8(data); at >= 0 {
		return nil, &Problem{Line: 1 + bytes.Count(data[:at], []byte("\n")), Column: 1 + at - (bytes.LastIndexByte(data[:at], '\n') + 1), Message: "not UTF-8 text"}
	}
	tokens := lexer.Tokenize(string(data))
	if problem := reasonable(tokens, l); problem != nil {
		return nil, problem
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		return nil, syntax(err)
	}
	var body ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.NullType || doc.Body.Type() == ast.CommentType {
			continue
		}
		if body != nil {
			p := &Problem{Message: "a second YAML document", Hint: "keep one document per file"}
			if tk := doc.Body.GetToken(); tk != nil && tk.Position != nil {
				p.Line, p.Column = tk.Position.Line, tk.Position.Column
			}
			return nil, p
		}
		body = doc.Body
	}
	return body, nil
}

// Anchors finds every anchor of a document. If two have the same name, the last one wins.
func Anchors(body ast.Node) map[string]ast.Node {
	found := make(map[string]ast.Node)
	ast.Walk(visitor(func(n ast.Node) {
		if a, ok := n.(*ast.AnchorNode); ok && a.Name != nil {
			found[a.Name.GetToken().Value] = a.Value
		}
	}), body)
	return found
}

type visitor func(ast.Node)

// Visit implements [ast.Visitor].
func (v visitor) Visit(n ast.Node) ast.Visitor { v(n); return v }

// syntax reports the parser's error without the line that it quotes, because that line may
// have a secret.
func syntax(err error) *Problem {
	p := &Problem{Message: "not valid YAML"}
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
	return p
}

// fixedText reports whether a parser's message quotes nothing from the file.
func fixedText(message string) bool {
	return len(message) < 100 && !strings.ContainsAny(message, "\"`\n")
}

// reasonable checks the text before the parser runs.
func reasonable(tokens token.Tokens, l Limits) *Problem {
	if len(tokens) > l.Tokens {
		return &Problem{Message: fmt.Sprintf("the file has more than %d tokens", l.Tokens), Hint: l.TooMany}
	}
	flow, inLine, line := 0, 0, 0
	keys := keyCounter{limit: l.Keys}
	for i, tk := range tokens {
		if keys.limit > 0 && keys.over(tokens, i) {
			return &Problem{Line: tk.Position.Line, Column: tk.Position.Column, Message: fmt.Sprintf("a mapping has more than %d keys", l.Keys), Hint: l.TooMany}
		}
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
		if flow+inLine > l.Depth*2 || flow > l.Depth || tk.Position.IndentNum > l.Depth*8 {
			return &Problem{Line: tk.Position.Line, Column: tk.Position.Column, Message: "nested too deeply"}
		}
	}
	return nil
}

// keyCounter counts the keys of each mapping, of which the parser has not made any yet: in
// flow style by brackets, and in block style by columns.
type keyCounter struct {
	limit int
	flow  []int
	block []struct{ column, keys int }
}

// over says whether a token gives its mapping too many keys.
func (k *keyCounter) over(tokens token.Tokens, i int) bool {
	tk := tokens[i]
	switch tk.Type {
	case token.MappingStartType, token.SequenceStartType:
		k.flow = append(k.flow, 0)
	case token.MappingEndType, token.SequenceEndType:
		k.flow = k.flow[:max(len(k.flow)-1, 0)]
	case token.SequenceEntryType:
		if len(k.flow) == 0 {
			k.dedent(tk.Position.Column) // each element is a mapping of its own
		}
	case token.MappingValueType:
		if n := len(k.flow); n > 0 {
			k.flow[n-1]++
			return k.flow[n-1] > k.limit
		}
		column := tk.Position.Column
		if i > 0 && tokens[i-1].Position.Line == tk.Position.Line {
			column = tokens[i-1].Position.Column
		}
		k.dedent(column)
		if n := len(k.block); n == 0 || k.block[n-1].column < column {
			k.block = append(k.block, struct{ column, keys int }{column, 0})
		}
		top := &k.block[len(k.block)-1]
		top.keys++
		return top.keys > k.limit
	}
	return false
}

// dedent ends the mappings whose keys stand farther to the right.
func (k *keyCounter) dedent(column int) {
	for n := len(k.block); n > 0 && k.block[n-1].column > column; n-- {
		k.block = k.block[:n-1]
	}
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
