package readme

import (
	"bytes"
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/firstparty"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/airbyte"
	"github.com/agenthost/agenthost/internal/vendorsim/airbyte/directrun"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

var update = flag.Bool("update", false, "write what the commands print into the documents")

// TestCommands runs the console blocks of the documents, those of one document in order, with the command and the connectors built from this tree and a
// simulated Pylon and Airbyte API in the place of the real ones. Each must print what the
// document shows. The first YAML block of a document is its configuration, which the blocks
// after it find.
func TestCommands(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	vendor, err := vendorsim.Start(t.Context(), pylon.New(pylon.Options{Token: "token-of-the-readme", Now: func() time.Time { return now }}), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = vendor.Close() })
	bin := t.TempDir()
	plugins := wasmtest.Folder(t, "plugins/pylon")
	// As make does it: the command knows the connectors that it was built with.
	list, err := firstparty.Make(t.Context(), wasmtest.Cache(t), filepath.Join(plugins, "pylon.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	scaffolds, err := firstparty.Scaffolds(t.Context(), root(t), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := list.Overlay(t.TempDir(), wasmtest.Build(t, "internal/table/interpreter"), scaffolds)
	if err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", overlay, "-o", filepath.Join(bin, "agenthost"), "./cmd/agenthost")
	build.Dir = root(t)
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
	// Documents do not show that a connector is compiled when it is first used.
	runBlock(t.Context(), "$ agenthost check pylon\n", t.TempDir(), env)
	t.Run("shell blocks", func(t *testing.T) {
		t.Parallel()
		checkInvocations(t, filepath.Join(bin, "agenthost"))
	})
	for name, shown := range documents(t) {
		if !slices.ContainsFunc(blocks(shown), func(b block) bool { return b.language == "console" }) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			actual := runDocument(t, shown, vendor.URL, env)
			switch {
			case actual == shown:
			case *update:
				if err := os.WriteFile(filepath.Join(root(t), name), []byte(actual), 0o644); err != nil {
					t.Fatal(err)
				}
			default:
				t.Errorf("%s shows something else than the commands print (go test ./internal/readme -update writes it):\n%s", name, firstDifference(shown, actual))
			}
		})
	}
}

// runDocument runs the console blocks of a document in a folder of its own, and returns the
// document with what they print. Blocks after the first one of YAML have it as configuration,
// with the simulated vendor as the server of its direct connections.
func runDocument(t *testing.T, document, vendor string, env []string) string {
	t.Helper()
	dir := t.TempDir()
	run := func(block string) string { return runBlock(t.Context(), block, dir, env) }
	configured := yamlBlock.FindStringSubmatchIndex(document)
	if configured == nil {
		return replaceBlocks(document, run)
	}
	actual := replaceBlocks(document[:configured[0]], run)
	configuration := document[configured[2]:configured[3]]
	if !strings.Contains(configuration, "mode: hosted") {
		configuration = strings.ReplaceAll(configuration, "    connector: pylon\n", "    connector: pylon\n    server: "+vendor+"\n")
	}
	if err := os.WriteFile(filepath.Join(dir, "agenthost.yaml"), []byte(configuration), 0o600); err != nil {
		t.Fatal(err)
	}
	return actual + replaceBlocks(document[configured[0]:], run)
}

// checkInvocations asks the help of each command that a block shows and does not run, whether
// there is such a command with such flags.
func checkInvocations(t *testing.T, agenthost string) {
	t.Helper()
	seen := 0
	for name, text := range documents(t) {
		for _, b := range blocks(text) {
			if b.language != "sh" && b.language != "text" {
				continue
			}
			for _, m := range invocation.FindAllStringSubmatch(b.text, -1) {
				var words, flags []string
				for _, word := range strings.Fields(m[1]) {
					if word == "#" || word == ">" {
						break
					}
					if flag, _, _ := strings.Cut(word, "="); strings.HasPrefix(word, "-") {
						flags = append(flags, flag)
					} else if len(flags) == 0 {
						words = append(words, word)
					}
				}
				seen++
				help, err := exec.CommandContext(t.Context(), agenthost, append(words, "--help")...).CombinedOutput()
				if err != nil || len(words) > 0 && !bytes.Contains(help, []byte("agenthost "+words[0])) {
					t.Errorf("%s shows %s: %v\n%s", name, m[0], err, help)
				}
				for _, flag := range flags {
					if !regexp.MustCompile(`(?m)^ +(-\w, )?` + flag + `\b`).Match(help) {
						t.Errorf("%s shows %s: the command has no flag %s", name, m[0], flag)
					}
				}
			}
		}
	}
	if seen < 15 {
		t.Errorf("only %d commands were found", seen)
	}
}

var invocation = regexp.MustCompile(`(?m)^(?:\$ )?(?:build/)?agenthost (.*)$`)

// TestMakeTargets asks make whether the targets that the documents name exist.
func TestMakeTargets(t *testing.T) {
	t.Parallel()
	targets := make(map[string]bool)
	for _, text := range documents(t) {
		for _, m := range regexp.MustCompile("(?:^|\n|`)make ([a-z][a-z-]*)").FindAllStringSubmatch(text, -1) {
			targets[m[1]] = true
		}
	}
	for _, target := range []string{"demo", "test"} {
		if !strings.Contains(documents(t)["README.md"], "\nmake "+target+" ") {
			t.Errorf("the README does not show make %s", target)
		}
	}
	if len(targets) < 8 {
		t.Errorf("the documents name only %d targets", len(targets))
	}
	for target := range targets {
		cmd := exec.CommandContext(t.Context(), "make", "-n", target)
		cmd.Dir = root(t)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("make %s: %v\n%s", target, err, out)
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
var durations = regexp.MustCompile(`\d+\.\d+ ms\b`)

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
		printed = durations.ReplaceAll(printed, []byte("2.1 ms"))
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
