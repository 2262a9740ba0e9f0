package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// client is an MCP client that its own people wrote, and the script that drives it.
type client struct {
	pkg string
	// language is "node", or the environment of Python that has the package.
	language string
	// script is a module in the folder clients of the language.
	script string
	// firstPage says that the client lists only the first page of tools.
	firstPage bool
	// silent are the transports over which the client does not tell that it cancelled a
	// call. The vendor sees it when the client closes the connection.
	silent []transport
	// lasting are those over which it does not even end its session, so that the call goes on to its limit.
	lasting []transport
}

type transport string

const (
	overStdio transport = "stdio"
	overHTTP  transport = "http"
	// overServe is HTTP too, to agenthost serve with the token of a workspace. Clients of older versions
	// keep a session.
	overServe transport = "serve"
)

var transports = []transport{overStdio, overHTTP, overServe}

// clients are the clients that make test-clients runs. The environments of Python differ in
// the version of the SDK, package mcp, that the frameworks accept.
var clients = []client{
	{pkg: "mcp", language: "v2", script: "mcp_sdk"},
	{pkg: "fastmcp", language: "v2", script: "fastmcp_client"},
	{pkg: "pydantic-ai-slim", language: "v2", script: "pydantic_ai_toolset"},
	{pkg: "llama-index-tools-mcp", language: "v2", script: "llama_index_tools", firstPage: true},
	{pkg: "mcp", language: "v1", script: "mcp_sdk_v1", silent: transports},
	{pkg: "langchain-mcp-adapters", language: "v1", script: "langchain_tools", lasting: []transport{overServe}},
	{pkg: "openai-agents", language: "v1", script: "openai_agents", silent: transports},
	{pkg: "google-adk", language: "v1", script: "google_adk", firstPage: true, silent: transports},
	{pkg: "smolagents", language: "v1", script: "smolagents_tools", firstPage: true, silent: transports},
	{pkg: "@modelcontextprotocol/sdk", language: "node", script: "sdk", silent: []transport{overHTTP}},
	{pkg: "@ai-sdk/mcp", language: "node", script: "ai_sdk", silent: []transport{overStdio}},
	{pkg: "@mastra/mcp", language: "node", script: "mastra"},
}

type said struct {
	Version  string   `json:"version"`
	Scenario string   `json:"scenario"`
	Names    []string `json:"names"`
	Text     string   `json:"text"`
	// Failed is nil if the client does not tell failures from results.
	Failed *bool  `json:"failed"`
	Error  string `json:"error"`
	// Ended is when the vendor saw the end of a cancelled call: "call", "close" or "never".
	Ended string `json:"ended"`
}

type asked struct {
	Package   string     `json:"package"`
	Server    server     `json:"server"`
	Control   string     `json:"control"`
	Scenarios []scenario `json:"scenarios"`
}

type server struct {
	Command []string          `json:"command"`
	Env     map[string]string `json:"env"`
	URL     string            `json:"url,omitempty"`
	Token   string            `json:"token,omitempty"`
}

// quiet keeps clients from reporting to their makers, and from leaving files in the sources.
func (r *runner) quiet() []string {
	return append(os.Environ(),
		"PYTHONPYCACHEPREFIX="+filepath.Join(r.folder, "pycache"), "OPENAI_AGENTS_DISABLE_TRACING=1", "DO_NOT_TRACK=1",
		"MASTRA_TELEMETRY_DISABLED=1", "FASTMCP_CHECK_FOR_UPDATES=off", "HF_HUB_OFFLINE=1", "NO_GCE_CHECK=true",
		"ANONYMIZED_TELEMETRY=false", "PYTHONWARNINGS=ignore", "NODE_NO_WARNINGS=1")
}

// script returns the command that runs a script of a language.
func (r *runner) script(ctx context.Context, language, name string, args ...string) *exec.Cmd {
	program, file := r.node, filepath.Join(r.sources, "node", name+".mjs")
	if language != "node" {
		program, file = filepath.Join(r.pythons, language, "bin", "python"), filepath.Join(r.sources, "python", name+".py")
	}
	cmd := exec.CommandContext(ctx, program, append([]string{file}, args...)...) //nolint:gosec // the programs of the Makefile
	cmd.Env, cmd.WaitDelay = r.quiet(), 5*time.Second
	return cmd
}

func (r *runner) drive(ctx context.Context, c client, input asked) (lines []said, log string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	input.Package = c.pkg
	encoded, err := json.Marshal(input)
	if err != nil {
		return nil, "", err
	}
	cmd := r.script(ctx, c.language, "drive", c.script)
	var out, errors bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(encoded), &out, &errors
	err = cmd.Run()
	scanner := bufio.NewScanner(&out)
	scanner.Buffer(nil, 16<<20)
	for scanner.Scan() {
		var line said
		// Some clients print, too.
		if json.Unmarshal(scanner.Bytes(), &line) == nil {
			lines = append(lines, line)
		}
	}
	if err != nil {
		err = fmt.Errorf("%s %s: %w", c.language, c.script, err)
	}
	return lines, errors.String(), err
}

func find(lines []said, scenario string) (said, bool) {
	i := slices.IndexFunc(lines, func(l said) bool { return l.Scenario == scenario })
	if i < 0 {
		return said{}, false
	}
	return lines[i], true
}
