package modulebuild

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/modulefile"
)

// The flags of the compilers, which make test-languages has too.
var (
	goFlags   = []string{"build", "-buildmode=c-shared", "-trimpath", "-buildvcs=false", "-ldflags=-w"}
	rustFlags = []string{"build", "--release", "--target", rustTarget, "--message-format=json-render-diagnostics"}
	cFlags    = []string{"--target=wasm32", "-std=c99", "-Os", "-Wall", "-Wextra", "-ffreestanding", "-mbulk-memory", "-nostdlib", "-Wl,--no-entry,--stack-first", "-I."}
	zigFlags  = []string{"-target", "wasm32-freestanding", "-O", "ReleaseSmall", "-fno-entry", "--export=describe", "--export=auth_schema", "--export=execute", "-I."}
	ascFlags  = []string{"-O3z", "--runtime", "stub", "--use", "abort=", "--noExportMemory", "--exportStart", "_initialize"}
)

const rustTarget = "wasm32-unknown-unknown"

// compile runs the compiler of the sources, and returns the module.
func (b *Builder) compile(ctx context.Context, s *Source) (module []byte, err error) {
	temporary, err := os.MkdirTemp("", "agenthost-build-*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temporary)) }()
	folder, err := filepath.Abs(s.Folder)
	if err != nil {
		return nil, err
	}
	c := &compiler{builder: b, folder: folder, out: filepath.Join(temporary, "connector.wasm")}
	file := c.out
	switch s.Language {
	case Go:
		err = c.goModule(ctx)
	case Rust:
		file, err = c.rust(ctx)
	case AssemblyScript:
		err = c.assemblyScript(ctx, s.File)
	case C:
		err = c.c(ctx)
	case Zig:
		err = c.zig(ctx, s.File)
	case Table:
		err = errors.New("a table has no compiler")
	}
	var failed *failure
	if errors.As(err, &failed) {
		if b.Output != nil {
			_, _ = b.Output.Write(failed.output)
		}
		return nil, refuse(fmt.Sprintf("the connector in %s cannot be built: %s", s.Folder, failed), "mend what the compiler says")
	}
	if err != nil {
		return nil, err
	}
	if module, err = modulefile.Read(ctx, file); err != nil {
		return nil, fmt.Errorf("read what the compiler wrote: %w", err)
	}
	return module, nil
}

// compiler is one run of a compiler.
type compiler struct {
	builder     *Builder
	folder, out string
}

// goModule builds a module in Go by its own go.mod: a workspace around it would need the other modules, and
// make other bytes.
func (c *compiler) goModule(ctx context.Context) error {
	program, err := c.installed("go", "Go", "install Go 1.26 or newer: https://go.dev/dl")
	if err != nil {
		return err
	}
	_, err = c.run(ctx, []string{"GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOWORK=off"}, program, append(slices.Clone(goFlags), "-o", c.out, ".")...)
	return err
}

// rust builds a crate. Without the remapping, messages of panics have the path of the folder, and each folder makes
// other bytes.
func (c *compiler) rust(ctx context.Context) (file string, err error) {
	cargo, err := c.installed("cargo", "Rust", "install it with rustup: https://rustup.rs")
	if err != nil {
		return "", err
	}
	if rustc, err := exec.LookPath("rustc"); err == nil {
		libraries, err := c.run(ctx, nil, rustc, "--print", "target-libdir", "--target", rustTarget)
		if err == nil {
			if _, err := os.Stat(strings.TrimSpace(string(libraries))); err != nil {
				return "", refuse("Rust has no target "+rustTarget, "rustup target add "+rustTarget)
			}
		}
	}
	flags := []string{"--remap-path-prefix=" + c.folder + "=/connector"}
	if home := c.cargoHome(); home != "" {
		flags = append(flags, "--remap-path-prefix="+home+"=/cargo")
	}
	separator := "\x1f"
	if given := c.variable("CARGO_ENCODED_RUSTFLAGS"); given != "" {
		flags = append(strings.Split(given, separator), flags...)
	} else {
		flags = append(strings.Fields(c.variable("RUSTFLAGS")), flags...)
	}
	messages, err := c.run(ctx, []string{"CARGO_ENCODED_RUSTFLAGS=" + strings.Join(flags, separator)}, cargo, c.locked(rustFlags, "Cargo.lock", "--locked")...)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(messages)) {
		var m struct {
			Reason string `json:"reason"`
			Target struct {
				CrateTypes []string `json:"crate_types"`
			} `json:"target"`
			Filenames []string `json:"filenames"`
		}
		if json.Unmarshal([]byte(line), &m) != nil || m.Reason != "compiler-artifact" || !slices.Contains(m.Target.CrateTypes, "cdylib") {
			continue
		}
		for _, name := range m.Filenames {
			if strings.HasSuffix(name, ".wasm") {
				file = name // that of the last one, which the others are made for
			}
		}
	}
	if file == "" {
		return "", refuse("the crate makes no module", `write crate-type = ["cdylib", "rlib"] under [lib] in Cargo.toml`)
	}
	return file, nil
}

func (c *compiler) cargoHome() string {
	if home := c.variable("CARGO_HOME"); home != "" {
		return home
	}
	if home := c.variable("HOME"); home != "" {
		return filepath.Join(home, ".cargo")
	}
	return ""
}

// locked adds a flag if the folder has a lock file.
func (c *compiler) locked(flags []string, file, flag string) []string {
	if _, err := os.Stat(filepath.Join(c.folder, file)); err != nil {
		return flags
	}
	return append(slices.Clone(flags), flag)
}

func (c *compiler) assemblyScript(ctx context.Context, file string) error {
	node, err := c.installed("node", "Node.js", "install Node.js 20 or newer: https://nodejs.org")
	if err != nil {
		return err
	}
	asc := filepath.Join("node_modules", "assemblyscript", "bin", "asc.js")
	if _, err := os.Stat(filepath.Join(c.folder, asc)); err != nil {
		return refuse("the AssemblyScript compiler is not installed in "+c.folder, "run npm ci --ignore-scripts in that folder")
	}
	_, err = c.run(ctx, nil, node, append([]string{asc, file, "--outFile", c.out}, ascFlags...)...)
	return err
}

func (c *compiler) c(ctx context.Context) error {
	const hint = "on Debian and Ubuntu: apt-get install clang lld; on macOS: brew install llvm lld, and put their bin folders into PATH"
	clang, err := c.installed("clang", "clang", hint)
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(escape(c.folder), "*.c"))
	if err != nil {
		return err
	}
	_, err = c.run(ctx, nil, clang, append(append(slices.Clone(cFlags), "-ffile-prefix-map="+c.folder+"=.", "-o", c.out), bases(files)...)...)
	var failed *failure
	if errors.As(err, &failed) {
		switch said := string(failed.output); {
		case strings.Contains(said, "wasm-ld"):
			return refuse("clang has no linker for WebAssembly", hint)
		case strings.Contains(said, "No available targets are compatible") || strings.Contains(said, "unknown target triple"):
			return refuse("this clang does not make WebAssembly", hint)
		}
	}
	return err
}

func (c *compiler) zig(ctx context.Context, file string) error {
	zig, first, err := c.findZig(ctx)
	if err != nil {
		return err
	}
	sources, err := filepath.Glob(filepath.Join(escape(c.folder), "*.c"))
	if err != nil {
		return err
	}
	arguments := append(append(first, "build-exe", file), bases(sources)...)
	_, err = c.run(ctx, nil, zig, append(append(arguments, zigFlags...), "-femit-bin="+c.out)...)
	return err
}

// findZig finds the Zig that the folder has for itself, in the way of Python, or else that of the machine.
func (c *compiler) findZig(ctx context.Context) (program string, arguments []string, err error) {
	module := []string{"-m", "ziglang"}
	for _, python := range []string{filepath.Join(c.folder, ".venv", "bin", "python"), filepath.Join(c.folder, ".venv", "Scripts", "python.exe")} {
		if _, err := os.Stat(python); err == nil {
			return python, module, nil
		}
	}
	if zig, err := exec.LookPath("zig"); err == nil {
		return zig, nil, nil
	}
	if python, err := exec.LookPath("python3"); err == nil {
		if _, err := c.run(ctx, nil, python, "-m", "ziglang", "version"); err == nil {
			return python, module, nil
		}
	}
	install := "python3 -m venv .venv && .venv/bin/pip install ziglang==0.15.2"
	if _, err := os.Stat(filepath.Join(c.folder, "requirements.txt")); err == nil {
		install = "python3 -m venv .venv && .venv/bin/pip install --require-hashes -r requirements.txt"
	}
	return "", nil, refuse("Zig is not installed", "run in the folder of the connector: "+install)
}

// bases are the names of files without their folder, so that no path gets into a module.
func bases(files []string) []string {
	names := make([]string, len(files))
	for i, file := range files {
		names[i] = filepath.Base(file)
	}
	return names
}

// escape makes a pattern that matches a folder's name.
func escape(name string) string {
	if filepath.Separator == '\\' {
		return name // where no character can be escaped
	}
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(name)
}

// installed finds a program.
func (c *compiler) installed(name, title, hint string) (string, error) {
	program, err := exec.LookPath(name)
	if err != nil {
		return "", refuse(title+" is not installed: there is no program "+name, hint)
	}
	return program, nil
}

func (c *compiler) variable(name string) string {
	for _, variable := range c.builder.Environment {
		if value, ok := strings.CutPrefix(variable, name+"="); ok {
			return value
		}
	}
	return ""
}

// failure is a compiler that refuses its sources.
type failure struct {
	program string
	output  []byte
}

// Error implements error.
func (f *failure) Error() string { return f.program + " failed" }

// mostMessages is how much of a program's answer is read, in bytes.
const mostMessages = 4 << 20

// run runs a program in the folder, and returns what it writes to its standard output. The error is a
// failure if the program ends with one.
func (c *compiler) run(ctx context.Context, environment []string, program string, arguments ...string) ([]byte, error) {
	answer, said := &output{most: mostMessages}, &output{most: MaxOutput}
	command := exec.CommandContext(ctx, program, arguments...) //nolint:gosec // a compiler that a person asked for
	command.Dir, command.Env = c.folder, append(kept(c.builder.Environment), environment...)
	command.Stdout, command.Stderr = answer, said
	command.Cancel = func() error {
		if command.Process.Signal(os.Interrupt) == nil { // so that it can end the processes that it started
			return nil
		}
		return command.Process.Kill()
	}
	command.WaitDelay = 5 * time.Second
	err := command.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, fault.Ended(ctx)
	case errors.As(err, &exit):
		text := said.bytes()
		if len(text) == 0 {
			text = answer.bytes()
		}
		return nil, &failure{filepath.Base(program), text}
	case err != nil:
		return nil, fmt.Errorf("run %s: %w", filepath.Base(program), err)
	case answer.left > 0:
		return nil, fmt.Errorf("%s answers with more than %d bytes", filepath.Base(program), mostMessages)
	}
	return answer.bytes(), nil
}
