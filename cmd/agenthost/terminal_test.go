package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/creack/pty"
)

// endOfInput is what a person types to end the input of a terminal: Control-D.
const endOfInput = 4

// terminalMain is the program terminal of the scripts: terminal [-stdin] FILE COMMAND... runs a
// command whose terminal is new. What is in FILE is typed there, and terminal.out gets what the
// command shows there. With -stdin, the terminal is also the command's standard input.
//
// testscript has ttyin and ttyout for this, and they lose what is written last: they close the
// terminal before they have read all of it.
func terminalMain() {
	code, err := runInTerminal(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "terminal:", err)
		os.Exit(125)
	}
	os.Exit(code)
}

func runInTerminal(args []string) (code int, err error) {
	stdin := len(args) > 0 && args[0] == "-stdin"
	if stdin {
		args = args[1:]
	}
	if len(args) < 2 {
		return 0, errors.New("write terminal [-stdin] FILE COMMAND")
	}
	typed, err := os.ReadFile(args[0])
	if err != nil {
		return 0, err
	}
	control, terminal, err := pty.Open()
	if err != nil {
		return 0, err
	}
	defer control.Close()
	cmd := exec.Command(args[1], args[2:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if stdin {
		cmd.Stdin = terminal
	}
	ownTerminal(cmd, terminal)
	if err := cmd.Start(); err != nil {
		terminal.Close()
		return 0, err
	}
	// The command has the only copy now, so reading ends when the command does.
	terminal.Close()
	go control.Write(append(typed, endOfInput))
	var shown bytes.Buffer
	_, _ = io.Copy(&shown, control) // Linux says EIO at the end
	if err := os.WriteFile("terminal.out", shown.Bytes(), 0o600); err != nil {
		return 0, err
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return 0, err
	}
	return cmd.ProcessState.ExitCode(), nil
}
