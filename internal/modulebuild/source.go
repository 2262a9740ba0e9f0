package modulebuild

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/fault"
)

// Language is what a connector is written in.
type Language string

// The languages.
const (
	Table          Language = "table"
	Go             Language = "go"
	Rust           Language = "rust"
	AssemblyScript Language = "assemblyscript"
	C              Language = "c"
	Zig            Language = "zig"
)

// Languages are all languages, in the order in which they are shown.
func Languages() []Language { return []Language{Table, Go, Rust, AssemblyScript, C, Zig} }

// Source is where a connector is written.
type Source struct {
	Language Language
	// Folder is where the compiler runs.
	Folder string
	// File has the table, or what the compiler begins with; "" where the language's own file says it.
	File string
	// named says that a person named the file, and not its folder.
	named bool
}

// most bounds what Find looks at: files of a folder, and bytes of a file.
const (
	mostFiles = 10_000
	mostBytes = 1 << 20
)

// Find finds the sources at a place: a folder, or the file of a table.
func Find(place string) (*Source, error) {
	info, err := os.Stat(place)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, refuse("there is no file or folder "+place, "name the folder of a connector, or the file of a table; agenthost plugin new makes one")
	case err != nil:
		return nil, err
	case info.IsDir():
		return find(place)
	case isTable(filepath.Base(place)):
		return &Source{Language: Table, Folder: filepath.Dir(place), File: place, named: true}, nil
	}
	return nil, refuse(place+" is no table", "name a file that ends in .yaml or .json, or the folder of the sources")
}

func isTable(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name))
}

// notTables are files in YAML that stand beside a table.
func notTables(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".overlay.yaml") || name == "agenthost.yaml" || name == "docker-compose.yaml" || name == "compose.yaml"
}

// find looks at the names in a folder. A file that a language's own tools need decides; without one, it is the ending of
// the files.
func find(folder string) (*Source, error) {
	names, err := namesIn(folder)
	if err != nil {
		return nil, err
	}
	ending := func(end string) (found []string) {
		for _, name := range names {
			if strings.HasSuffix(name, end) && !notTables(name) {
				found = append(found, name)
			}
		}
		return found
	}
	var marked []string
	of := map[string]Language{"go.mod": Go, "Cargo.toml": Rust, "package.json": AssemblyScript}
	for _, name := range []string{"go.mod", "Cargo.toml", "package.json"} {
		if slices.Contains(names, name) {
			marked = append(marked, name)
		}
	}
	s := &Source{Folder: folder}
	switch {
	case len(marked) > 1:
		return nil, refuse(fmt.Sprintf("%s has sources in several languages: %s", folder, strings.Join(marked, ", ")), "give each connector a folder of its own")
	case len(marked) == 1:
		s.Language = of[marked[0]]
	case len(ending(".zig")) > 0:
		s.Language = Zig
	case len(ending(".c")) > 0:
		s.Language = C
	default:
		s.Language = Table
	}
	switch s.Language {
	case Zig:
		s.File, err = beginning(folder, ending(".zig"), "fn describe(")
	case AssemblyScript:
		s.File, err = beginning(folder, ending(".ts"), "function describe(")
	case Table:
		tables := append(ending(".yaml"), ending(".yml")...)
		switch len(tables) {
		case 0:
			return nil, refuse(folder+" has no sources of a connector", "a connector has a table in YAML, a go.mod, a Cargo.toml, a package.json, or files that end in .c or .zig")
		case 1:
			s.File = filepath.Join(folder, tables[0])
		default:
			return nil, refuse(folder+" has several tables", "name one: "+fault.Choices(tables))
		}
	case Go, Rust, C:
	}
	return s, err
}

func namesIn(folder string) (names []string, err error) {
	f, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(mostFiles)
	if err != nil && len(entries) == 0 {
		return nil, refuse(folder+" is empty", "agenthost plugin new makes a connector to begin with")
	}
	for _, entry := range entries {
		if !entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// beginning is the file that exports describe.
func beginning(folder string, names []string, export string) (string, error) {
	var found []string
	for _, name := range names {
		if info, err := os.Stat(filepath.Join(folder, name)); err != nil || !info.Mode().IsRegular() || info.Size() > mostBytes {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return "", err
		}
		if strings.Contains(string(text), "export "+export) {
			found = append(found, name)
		}
	}
	if len(found) != 1 {
		return "", refuse(fmt.Sprintf("%d files in %s export describe, want one", len(found), folder), "write export "+export+"...) in the file that the others belong to")
	}
	return found[0], nil
}
