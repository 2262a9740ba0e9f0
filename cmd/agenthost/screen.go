package main

import (
	"os"
	"strconv"

	"golang.org/x/term"
)

// screen is what is known about standard output or standard error.
type screen struct {
	terminal bool
	color    bool
	width    int // 0 where it is not known
}

// screenOf looks at a file. NO_COLOR (no-color.org) and TERM=dumb turn colour off.
func screenOf(f *os.File, lookupEnv func(string) (string, bool)) screen {
	s := screen{terminal: term.IsTerminal(int(f.Fd()))}
	if s.terminal {
		s.width, _, _ = term.GetSize(int(f.Fd()))
		noColor, _ := lookupEnv("NO_COLOR")
		kind, _ := lookupEnv("TERM")
		s.color = noColor == "" && kind != "dumb"
	}
	if columns, ok := lookupEnv("COLUMNS"); ok {
		if width, err := strconv.Atoi(columns); err == nil && width > 0 {
			s.width = width
		}
	}
	return s
}
