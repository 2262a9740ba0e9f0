package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/credential/durable"
	"github.com/agenthost/agenthost/internal/firstparty"
	"github.com/rogpeppe/go-internal/testscript"
)

// talkPatience is how long a line is waited for.
const talkPatience = time.Minute

// talkCommand runs a command and talks with it, line by line of a file. Its standard output is
// what the command wrote, to both its outputs.
//
//	talk FILE command ...
//
// Lines of the file:
//
//	> TEXT       writes a line to the command
//	< REGEXP     waits for a line that matches, among those after the last one that did
//	lock FILE    takes the lock of a file, as another process would; unlock FILE releases it
func talkCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: talk FILE command ...")
	}
	var locks = make(map[string]func())
	defer func() {
		for _, unlock := range locks {
			unlock()
		}
	}()
	lock := func(file string) {
		unlock, err := durable.Lock(context.Background(), ts.MkAbs(file))
		ts.Check(err)
		locks[file] = unlock
	}
	script := strings.Split(strings.TrimSpace(ts.ReadFile(args[0])), "\n")
	for len(script) > 0 && strings.HasPrefix(script[0], "lock ") {
		lock(strings.TrimPrefix(script[0], "lock ")) // before the command starts
		script = script[1:]
	}
	cmd := exec.Command(args[1], args[2:]...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "GORACE", "TOKEN", firstPartyVariable} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	path, err := exec.LookPath(filepath.Join(strings.Split(ts.Getenv("PATH"), string(os.PathListSeparator))[0], args[1]))
	ts.Check(err)
	cmd.Path, cmd.Err = path, nil
	stdin, err := cmd.StdinPipe()
	ts.Check(err)
	reader, writer := io.Pipe()
	cmd.Stdout, cmd.Stderr = writer, writer
	ts.Check(cmd.Start())
	lines := make(chan string, 10_000)
	go func() {
		defer close(lines)
		for s := bufio.NewReader(reader); ; {
			line, err := s.ReadString('\n')
			if err != nil {
				return
			}
			fmt.Fprint(ts.Stdout(), line)
			lines <- line
		}
	}()
	for _, line := range script {
		what, rest, _ := strings.Cut(line, " ")
		switch what {
		case ">":
			_, err := io.WriteString(stdin, rest+"\n")
			ts.Check(err)
		case "<":
			awaitLine(ts, lines, regexp.MustCompile(rest))
		case "lock":
			lock(rest)
		case "unlock":
			locks[rest]()
			delete(locks, rest)
		default:
			ts.Fatalf("%s: there is no %q", args[0], what)
		}
	}
	ts.Check(stdin.Close())
	err = cmd.Wait()
	_ = writer.Close()
	for range lines { // until all is written
	}
	ts.Check(err)
}

func awaitLine(ts *testscript.TestScript, lines <-chan string, want *regexp.Regexp) {
	late := time.After(talkPatience)
	for {
		select {
		case line, more := <-lines:
			if !more {
				ts.Fatalf("the command ended without a line that matches %s", want)
			}
			if want.MatchString(line) {
				return
			}
		case <-late:
			ts.Fatalf("no line matches %s", want)
		}
	}
}

// firstPartyCommand lists modules as those that the command is built with.
//
//	firstparty MODULE ...
func firstPartyCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: firstparty MODULE ...")
	}
	for i, file := range args {
		args[i] = ts.MkAbs(file)
	}
	list, err := firstparty.Make(context.Background(), ts.MkAbs("made"), args...)
	ts.Check(err)
	file := ts.MkAbs("firstparty.txt")
	ts.Check(os.WriteFile(file, []byte(list), 0o600))
	ts.Setenv(firstPartyVariable, file)
}
