package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
)

// children are what this program does in processes of their own, which print JSON values: the
// vendor, so that its work is not counted, and what is measured in the process that does it.
var children = map[string]func(ctx context.Context, task string) error{
	"vendor":      serveVendor,
	"connections": decoded(connectionsHere),
	"tools":       decoded(toolsHere),
	"changes":     decoded(changesHere),
	"folder":      decoded(folderHere),
	"uses":        decoded(usesHere),
	"flood":       decoded(floodHere),
}

func decoded[T any](run func(context.Context, T) error) func(context.Context, string) error {
	return func(ctx context.Context, text string) error {
		var task T
		if err := json.Unmarshal([]byte(text), &task); err != nil {
			return err
		}
		return run(ctx, task)
	}
}

// child is this program in another process.
type child struct {
	what    string
	cmd     *exec.Cmd
	stdin   io.Closer // its end ends the vendor, should this process be killed
	answers *json.Decoder
}

// startChild runs one of the children with a task.
func startChild(ctx context.Context, what string, task any) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(task)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-child", what, "-task", string(text))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &child{what, cmd, stdin, json.NewDecoder(stdout)}, nil
}

// next reads the next value that the child prints.
func (c *child) next(into any) error {
	if err := c.answers.Decode(into); err != nil {
		return fmt.Errorf("the process of %s: %w", c.what, err)
	}
	return nil
}

// stop ends the child. It holds nothing that would be lost.
func (c *child) stop() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

// ask runs one of the children with a task, and reads the values that it prints.
func ask(ctx context.Context, what string, task any, into ...any) error {
	c, err := startChild(ctx, what, task)
	if err != nil {
		return err
	}
	defer c.stop()
	for _, v := range into {
		if err := c.next(v); err != nil {
			return err
		}
	}
	return nil
}

// resident is how many bytes of memory the process has, or 0 if the system does not say.
func resident() int64 {
	debug.FreeOSMemory()
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(statm)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// descriptors is how many open files and sockets the process has, or 0 if the system does not say.
func descriptors() int {
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(open) - 1 // that of the folder itself
}
