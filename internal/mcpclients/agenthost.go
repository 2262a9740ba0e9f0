package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// variables are the credentials of the connections. Only support is ever called.
var variables = map[string]string{"PYLON_TOKEN": "none", "ASHBY_KEY": "none", "INCIDENT_KEY": "none"}

func (r *runner) configure(name, vendor string) (string, error) {
	path := filepath.Join(r.folder, name+".yaml")
	text := fmt.Sprintf(`plugins: %q
cache: %q
connections:
  support: {connector: pylon, server: %q, credentials: {api_token: env:PYLON_TOKEN}}
  hiring: {connector: ashby, credentials: {api_key: env:ASHBY_KEY}}
  oncall: {connector: incident-io, credentials: {api_key: env:INCIDENT_KEY}}
`, r.plugins, filepath.Join(r.folder, "cache"), vendor)
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// command returns the command line of agenthost mcp.
func (r *runner) command(config, form string, args ...string) []string {
	return append([]string{r.agenthost, "mcp", "--config", config, "--form", form}, args...)
}

func environment(extra map[string]string) []string {
	env := os.Environ()
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		env = append(env, name+"="+extra[name])
	}
	return env
}

// credentials returns the variables of the connections, with the token of a vendor.
func credentials(token string) map[string]string {
	all := maps.Clone(variables)
	all["PYLON_TOKEN"] = token
	return all
}

var listening = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

// serve starts agenthost over HTTP. The caller calls stop.
func (r *runner) serve(ctx context.Context, config string, env map[string]string, token string) (url string, stop func(), err error) {
	line := r.command(config, "operations", "--http", "127.0.0.1:0", "--token", "env:AGENTHOST_MCP_TOKEN")
	url, stop, err = r.start(ctx, line, append(environment(env), "AGENTHOST_MCP_TOKEN="+token))
	return url + "/mcp", stop, err
}

// start starts agenthost, which says where it listens. The caller calls stop.
func (r *runner) start(ctx context.Context, line, env []string) (url string, stop func(), err error) {
	cmd := exec.CommandContext(ctx, line[0], line[1:]...) //nolint:gosec // the program of the Makefile
	cmd.Env = env
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 15 * time.Second
	pipe, err := cmd.StderrPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	found := make(chan string, 1)
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		defer close(found)
		var text strings.Builder
		for lines := bufio.NewScanner(pipe); lines.Scan(); {
			_, _ = text.WriteString(lines.Text() + "\n")
			if url := listening.FindString(lines.Text()); url != "" {
				found <- url
			}
		}
	}()
	stop = func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-drained
		_ = cmd.Wait()
	}
	select {
	case url = <-found:
	case <-time.After(30 * time.Second):
	}
	if url == "" {
		stop()
		return "", nil, errors.New("agenthost did not start")
	}
	return url, stop, nil
}

type offer struct {
	FirstPage int               `json:"first_page"`
	Tools     []json.RawMessage `json:"tools"`
}

// list asks agenthost for its tools in a form.
func (r *runner) list(ctx context.Context, config, form string) (o offer, err error) {
	encoded, err := json.Marshal(server{Command: r.command(config, form), Env: variables})
	if err != nil {
		return o, err
	}
	cmd := r.script(ctx, "v2", "tools")
	var said bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(encoded), &said
	out, err := cmd.Output()
	if err != nil {
		return o, fmt.Errorf("%w: %s", err, said.Bytes())
	}
	return o, json.Unmarshal(out, &o)
}

func (o offer) names(firstPage bool) (names []string, err error) {
	tools := o.Tools
	if firstPage {
		tools = tools[:o.FirstPage]
	}
	for _, raw := range tools {
		var tool struct {
			Name string `json:"name"`
		}
		if err := json.Unmarshal(raw, &tool); err != nil {
			return nil, err
		}
		names = append(names, tool.Name)
	}
	return names, nil
}
