package config

import (
	"fmt"
	"strings"

	"github.com/agenthost/agenthost/pdk/abi"
)

// maxProblems is the largest number of problems in an error.
const maxProblems = 20

// Problem is one problem in a configuration. It never has a value that could be a secret.
type Problem struct {
	File string
	// Line and Column count from 1; 0 means the file as a whole.
	Line, Column int
	// Key is the path of the key, such as connections.support.mode.
	Key     string
	Message string
	// Hint says what to write instead.
	Hint string
}

// String returns the place and the message, without the hint.
func (p Problem) String() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		b.WriteByte(':')
	}
	if p.Line > 0 {
		fmt.Fprintf(&b, "%d:%d:", p.Line, p.Column)
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	if p.Key != "" {
		b.WriteString(p.Key)
		b.WriteString(": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// Error lists the problems of a configuration, in the order of the file. It wraps an
// [*abi.Error] of kind invalid_params about the first problem.
type Error struct {
	// Problems has at least one element.
	Problems []Problem
}

// Error returns one line for each problem.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the first problem as an [*abi.Error].
func (e *Error) Unwrap() error {
	p := e.Problems[0]
	return &abi.Error{Kind: abi.KindInvalidParams, Message: p.String(), Hint: p.Hint, Field: p.Key}
}
