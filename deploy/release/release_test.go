package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"debug/buildinfo"
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

var emptyCache = flag.Bool("empty-cache", false, "make the second release with nothing that was built before, which takes minutes")

// TestRelease makes a release for this machine twice, in folders with other names, and holds the two against each other. It
// looks at what is in the first, and runs it.
func TestRelease(t *testing.T) {
	if out, err := exec.CommandContext(t.Context(), "git", "rev-parse", "HEAD").CombinedOutput(); err != nil {
		t.Skipf("a release is of a commit, and here is none: %s", out)
	}
	p := platform{runtime.GOOS, runtime.GOARCH}
	one, two := filepath.Join(t.TempDir(), "one"), filepath.Join(t.TempDir(), "further", "two")
	made := func(folder string) {
		t.Helper()
		t.Setenv("TMPDIR", t.TempDir())
		t.Setenv("MAKEFLAGS", "")
		t.Setenv("GOFLAGS", "-mod=mod -tags=other") // the machine's settings change nothing
		if err := run(t.Context(), t.Output(), []string{"make", folder, p.String()}); err != nil {
			t.Fatal(err)
		}
	}
	made(one)
	if *emptyCache {
		t.Setenv("GOCACHE", t.TempDir())
	}
	made(two)
	if err := run(t.Context(), t.Output(), []string{"compare", one, two}); err != nil {
		t.Error(err)
	}
	if err := run(t.Context(), t.Output(), []string{"try", one}); err != nil {
		t.Error(err)
	}
	t.Setenv("GOFLAGS", "")
	names := filesOf(t, one)
	if len(names) != 3 || names[0] != sums || !strings.HasSuffix(names[1], ".cdx.json") || !strings.HasSuffix(names[2], p.archive()) {
		t.Fatalf("%q", names)
	}
	work := t.TempDir()
	if err := unpack(filepath.Join(one, names[2]), work); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(work, strings.TrimSuffix(names[2], p.archive()))
	info, err := buildinfo.ReadFile(filepath.Join(folder, p.program()))
	if err != nil {
		t.Fatal(err)
	}
	b := &build{platform: p, info: info}
	at, err := b.time()
	if err != nil {
		t.Fatal(err)
	}
	checkArchive(t, filepath.Join(one, names[2]), at)
	checkComponents(t, filepath.Join(one, names[1]), info)
	licenses, err := os.ReadFile(filepath.Join(folder, "LICENSES.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, dep := range info.Deps {
		if !bytes.Contains(licenses, []byte("\n"+dep.Path+" "+dep.Version+": ")) {
			t.Errorf("there is no license of %s", dep.Path)
		}
	}
	// A folder that is there is left alone.
	if err := run(t.Context(), t.Output(), []string{"make", one, p.String()}); err == nil {
		t.Error("a folder is overwritten")
	}
	checkTampering(t, one)
}

// checkArchive: files are sorted, of nobody, and as old as the commit.
func checkArchive(t *testing.T, path string, at time.Time) {
	t.Helper()
	if !strings.HasSuffix(path, ".tar.gz") {
		return
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if !z.ModTime.IsZero() || z.Name != "" {
		t.Errorf("the archive is called %q, of %s", z.Name, z.ModTime)
	}
	var names []string
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
		program := strings.HasSuffix(h.Name, "/agenthost")
		if h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.Gname != "" || !h.ModTime.Equal(at) || (h.Mode == 0o755) != program || (h.Mode == 0o644) == program {
			t.Errorf("%s: of %d %q, mode %o, time %s", h.Name, h.Uid, h.Uname, h.Mode, h.ModTime)
		}
	}
	if !slices.IsSorted(names) || len(names) < 10 {
		t.Errorf("%q", names)
	}
}

// checkComponents holds a list of components to CycloneDX's own schema, and to what the program says.
func checkComponents(t *testing.T, path string, info *debug.BuildInfo) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := valid(t, text); err != nil {
		t.Error(err)
	}
	for _, broken := range []string{`"library"`, `"SHA-256"`, `"CycloneDX"`, `"urn:uuid:`} {
		if valid(t, bytes.Replace(text, []byte(broken), []byte(`"x`+broken[1:]), 1)) == nil {
			t.Errorf("the schema permits another word than %s", broken)
		}
	}
	for _, dep := range info.Deps {
		if !bytes.Contains(text, []byte(`"pkg:golang/`+dep.Path+"@"+strings.ReplaceAll(dep.Version, "+", "%2B")+`"`)) || !bytes.Contains(text, []byte(`"`+dep.Sum+`"`)) {
			t.Errorf("%s is missing", dep.Path)
		}
	}
	for _, name := range []string{`"std"`, `"interpreter.wasm"`, `"plugins/pylon.wasm"`, `"plugins/ashby.wasm"`, `"plugins/incident-io.wasm"`} {
		if !bytes.Contains(text, []byte(`"name": `+name)) {
			t.Errorf("%s is missing", name)
		}
	}
}

// valid checks a document with the schema that comes with the library.
func valid(t *testing.T, text []byte) error {
	t.Helper()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	for file, url := range map[string]string{"bom-1.6.schema.json": "bom-1.6.schema.json", "spdx.schema.json": "spdx.schema.json", "jsf-0.82.schemax.json": "jsf-0.82.schema.json"} {
		text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "schema", file))
		if err != nil {
			t.Fatal(err)
		}
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err == nil {
			err = compiler.AddResource("http://cyclonedx.org/schema/"+url, document)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	schema, err := compiler.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return schema.Validate(document)
}

// checkTampering: a release of which a byte differs, a file is missing or one is too many is neither the same nor runs.
func checkTampering(t *testing.T, folder string) {
	t.Helper()
	var packed string
	for _, name := range filesOf(t, folder) {
		if strings.HasPrefix(name, "agenthost-") && !strings.HasSuffix(name, ".cdx.json") {
			packed = name
		}
	}
	for what, change := range map[string]func(dir string) error{
		"a byte": func(dir string) error {
			content, err := os.ReadFile(filepath.Join(dir, packed))
			if err != nil {
				return err
			}
			content[len(content)/2] ^= 1
			return os.WriteFile(filepath.Join(dir, packed), content, 0o600)
		},
		"a missing file":    func(dir string) error { return os.Remove(filepath.Join(dir, packed)) },
		"a further file":    func(dir string) error { return os.WriteFile(filepath.Join(dir, "more"), nil, 0o600) },
		"no digests":        func(dir string) error { return os.Remove(filepath.Join(dir, sums)) },
		"an empty checksum": func(dir string) error { return os.WriteFile(filepath.Join(dir, sums), nil, 0o600) },
	} {
		dir := filepath.Join(t.TempDir(), "changed")
		if err := os.CopyFS(dir, os.DirFS(folder)); err != nil {
			t.Fatal(err)
		}
		if err := change(dir); err != nil {
			t.Fatal(err)
		}
		if run(t.Context(), io.Discard, []string{"compare", folder, dir}) == nil || run(t.Context(), io.Discard, []string{"compare", dir, folder}) == nil {
			t.Errorf("%s is the same", what)
		}
		if err := run(t.Context(), io.Discard, []string{"try", dir}); err == nil || !strings.Contains(err.Error(), sums) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func filesOf(t *testing.T, folder string) []string {
	t.Helper()
	files, err := read(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
