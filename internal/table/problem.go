package table

import (
	"fmt"
	"strings"

	"github.com/agenthost/agenthost/internal/fault"
)

// maxProblems is how many problems an error has, and maxListed how many its text lists.
const (
	maxProblems = 10_000
	maxListed   = 20
)

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
	problems, more := e.Listed()
	lines := make([]string, len(problems), len(problems)+1)
	for i, p := range problems {
		if lines[i] = p.String(); p.Hint != "" {
			lines[i] += "; " + p.Hint
		}
	}
	if more != "" {
		lines = append(lines, more)
	}
	return strings.Join(lines, "\n")
}

// Listed are the problems that a person gets to read, and a text that counts the others; it is "" if there are none.
func (e *Error) Listed() (problems []Problem, more string) {
	if left := len(e.Problems) - maxListed; left > 0 {
		return e.Problems[:maxListed], fmt.Sprintf("and %d more problems", left)
	}
	return e.Problems, ""
}

// Unwrap returns the first problem as an error of agenthost: a person mends it in the file.
func (e *Error) Unwrap() error {
	p := e.Problems[0]
	return fault.Configuration(fault.Invalid(p.Path, p.String(), p.Hint))
}
