package readme

import (
	"bytes"
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/airbyte"
	"github.com/agenthost/agenthost/internal/vendorsim/airbyte/directrun"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

var update = flag.Bool("update", false, "write what the commands print into the documents")

// TestCommands runs the console blocks of the documents in order, each document in a
// folder of its own, with the command and the connectors built from this tree and a
// simulated Pylon and Airbyte API in the place of the real ones. Each must print what the
// document shows. The first YAML block of a document other than the README is its
// configuration.
func TestCommands(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	vendor, err := vendorsim.Start(t.Context(), pylon.New(pylon.Options{Token: "token-of-the-readme", Now: func() time.Time { return now }}), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer vendor.Close()
	bin := t.TempDir()
	plugins := wasmtest.Folder(t, "plugins/pylon")
	module, err := os.ReadFile(filepath.Join(plugins, "pylon.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	// As make does it: the command knows the connectors that it was built with.
	flags := fmt.Sprintf("-ldflags=-X main.firstParty=pylon=%x", sha256.Sum256(module))
	build := exec.CommandContext(t.Context(), "go", "build", flags, "-o", filepath.Join(bin, "agenthost"), "./cmd/agenthost")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	env := append(os.Environ(),
		"PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"),
		"HOME="+t.TempDir(), "XDG_CACHE_HOME="+t.TempDir(),
		"AGENTHOST_PLUGINS="+plugins,
		"AGENTHOST_PYLON_API_TOKEN=token-of-the-readme",
		"AGENTHOST_PYLON_SERVER="+vendor.URL,
		"AGENTHOST_CONFIG=",
	)
	env = append(env, hostedEnvironment(t, plugins, vendor.URL, now)...)
	for _, name := range []string{"README.md", "docs/hosted.md"} {
		dir := t.TempDir()
		file := filepath.Join(root, name)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		shown := string(text)
		if name != "README.md" {
			if err := os.WriteFile(filepath.Join(dir, "agenthost.yaml"), yamlBlock.FindSubmatch(text)[1], 0o600); err != nil {
				t.Fatal(err)
			}
		}
		actual := replaceBlocks(shown, func(block string) string { return runBlock(t.Context(), block, dir, env) })
		if actual == shown {
			continue
		}
		if *update {
			if err := os.WriteFile(file, []byte(actual), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		t.Errorf("%s shows something else than the commands print (go test ./internal/readme -update writes it):\n%s", name, firstDifference(shown, actual))
	}
}

// TestMakeTargets asks make whether the targets that the README names exist.
func TestMakeTargets(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	targets := regexp.MustCompile(`\bmake ([a-z]+)\b`).FindAllStringSubmatch(string(text), -1)
	if len(targets) < 2 {
		t.Fatal("the README names no set-up commands")
	}
	for _, target := range targets {
		cmd := exec.CommandContext(t.Context(), "make", "-n", target[1])
		cmd.Dir = "../.."
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("make %s: %v\n%s", target[1], err, out)
		}
	}
}

// hostedEnvironment starts a simulated Airbyte API, and returns the variables that lead to
// it and to an account.
func hostedEnvironment(t *testing.T, plugins, vendor string, now time.Time) []string {
	t.Helper()
	runner := directrun.New(host.Options{Plugins: plugins, Cache: filepath.Join(t.TempDir(), "cache")}, map[string]string{"pylon": vendor})
	service := airbyte.New(airbyte.Options{
		ClientID: "client-of-the-readme", ClientSecret: "secret-of-the-readme", Run: runner, Now: func() time.Time { return now },
		Organizations: []airbyte.Organization{{ID: airbyte.DefaultOrganization, Workspaces: []string{"acme"}}},
	})
	server, err := vendorsim.Start(t.Context(), service, vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Close()
		if err := runner.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return []string{
		"AIRBYTE_API_HOST=" + server.URL, "AIRBYTE_CLIENT_ID=client-of-the-readme", "AIRBYTE_CLIENT_SECRET=secret-of-the-readme",
		"PYLON_API_TOKEN=token-of-the-readme",
	}
}

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

var consoleBlock = regexp.MustCompile("(?s)```console\n(.*?)```")

// durations differ from run to run; documents show one of them.
var durations = regexp.MustCompile(`in \d+\.\d+ ms`)

func replaceBlocks(text string, f func(string) string) string {
	return consoleBlock.ReplaceAllStringFunc(text, func(match string) string {
		return "```console\n" + f(consoleBlock.FindStringSubmatch(match)[1]) + "```"
	})
}

// runBlock runs the lines that start with a dollar sign, and returns the block with
// what they print.
func runBlock(ctx context.Context, block, dir string, env []string) string {
	var out strings.Builder
	for line := range strings.Lines(block) {
		command, ok := strings.CutPrefix(line, "$ ")
		if !ok {
			continue
		}
		out.WriteString(line)
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		cmd := exec.CommandContext(ctx, "sh", "-c", command)
		cmd.Dir, cmd.Env = dir, env
		printed, err := cmd.CombinedOutput()
		cancel()
		printed = durations.ReplaceAll(printed, []byte("in 2.1 ms"))
		out.Write(bytes.TrimRight(printed, "\n"))
		if len(printed) > 0 {
			out.WriteByte('\n')
		}
		if err != nil && len(printed) == 0 {
			out.WriteString(err.Error() + "\n")
		}
	}
	return out.String()
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range w {
		if i >= len(g) || w[i] != g[i] {
			end := min(i+6, len(w))
			gotEnd := min(i+6, len(g))
			return "shown:\n" + strings.Join(w[i:end], "\n") + "\nprinted:\n" + strings.Join(g[min(i, gotEnd):gotEnd], "\n")
		}
	}
	return ""
}
