package table

import (
	"fmt"
	"strings"

	"github.com/agenthost/agenthost/pdk/abi"
)

// maxProblems is how many problems an error lists.
const maxProblems = 20

// Problem is one thing that is wrong with a table.
type Problem struct {
	File string
	// Line and Column count from 1; 0 means the file as a whole.
	Line, Column int
	// Path leads to it, such as operations[3].params.id.in.
	Path, Message string
	// Hint says what to write instead.
	Hint string
}

// String returns the place and the message, without the hint.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	b.WriteString(": ")
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// Error lists what is wrong with a table, in the order of the file.
type Error struct{ Problems []Problem }

// Error returns a line for each problem.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		if lines[i] = p.String(); p.Hint != "" {
			lines[i] += "; " + p.Hint
		}
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the first problem as an error of agenthost.
func (e *Error) Unwrap() error {
	p := e.Problems[0]
	return &abi.Error{Kind: abi.KindInvalidParams, Message: p.String(), Hint: p.Hint, Field: p.Path}
}
