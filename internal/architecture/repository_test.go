package architecture

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// mark is something that has no place in any file of the repository.
type mark struct {
	pattern *regexp.Regexp
	why     string
}

// The patterns are put together here so that this file does not match them.
var marks = []mark{
	{
		regexp.MustCompile(`(?m)(?:^|[\s"'` + "`" + `=:(\[<>,])/(?:wo` + `rk|ro` + `ot|ho` + `me)/[\w.]`),
		"a path of one machine means nothing on another",
	},
	{
		regexp.MustCompile(`\b(?:pro` + `xy\.golang\.org|s` + `um\.golang\.org|gopro` + `xy\.(?:io|cn)|registry\.npm` + `js\.org|registry\.yarn` + `pkg\.com|py` + `pi\.org|files\.python` + `hosted\.org|crates` + `\.io|registry-1\.docker` + `\.io|deb\.debian` + `\.org)\b`),
		"where packages come from is the machine's configuration, not the repository's",
	},
}

func find(text []byte) []string {
	if bytes.IndexByte(text, 0) >= 0 {
		return nil // not text
	}
	var found []string
	for _, m := range marks {
		for _, at := range m.pattern.FindAllIndex(text, -1) {
			line := 1 + bytes.Count(text[:at[0]], []byte("\n"))
			found = append(found, fmt.Sprintf("line %d has %q: %s", line, strings.TrimSpace(string(text[at[0]:at[1]])), m.why))
		}
	}
	return found
}

// TestNoTraceOfAMachine reads every file that git has or would add.
func TestNoTraceOfAMachine(t *testing.T) {
	root, err := rootFolder()
	if err != nil {
		t.Fatal(err)
	}
	names := repositoryFiles(t, root)
	if len(names) < 50 {
		t.Fatalf("only %d files were found", len(names))
	}
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			continue // deleted, or a link to elsewhere
		}
		for _, f := range find(text) {
			t.Errorf("%s: %s", name, f)
		}
	}
}

// repositoryFiles asks git. In a source archive there is no git to ask, and then it is
// every file that no build made.
func repositoryFiles(t *testing.T, root string) []string {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root
	if out, err := cmd.Output(); err == nil {
		return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	}
	var names []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || path == filepath.Join(root, "build")):
			return filepath.SkipDir
		case d.Type().IsRegular():
			name, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestMarksCatch(t *testing.T) {
	for text, want := range map[string]bool{
		"see /wo" + "rk/main/README.md":                    true,
		"`/ro" + "ot/.cache`":                              true,
		"\nPATH=/ho" + "me/ada/bin":                        true,
		"GOPROXY=https://pro" + "xy.golang.org,direct":     true,
		"pip install -i https://py" + "pi.org/simple x":    true,
		"https://api.example.com/wo" + "rk/items":          false,
		"GET /v1/ho" + "me/{id}":                           false,
		"import \"golang.org/x/sync/errgroup\"":            false,
		"/ro" + "ot is a folder":                           false,
		"\x00\x01 binary with /wo" + "rk/main inside":      false,
		"plugins/pylon/wo" + "rk.go and network/ro" + "ot": false,
	} {
		if got := find([]byte(text)); (len(got) > 0) != want {
			t.Errorf("%q: found %v, want any: %t", text, got, want)
		}
	}
}
