// Package scaffold makes the folder of a new connector, in each language: the connector of
// examples/connector-books with the name put in, the kit that it needs, tests, recordings, a workflow
// for CI and a page that says what to do next.
//
// The sources and the kits are those of the repository. Gather makes a pack of them when the command is
// built, so that there are no copies that could differ.
package scaffold

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/fault"
)

// File is a file of a new connector. Name has slashes, and is relative to the folder.
type File struct {
	Name string
	Data []byte
}

// Pack has the files of all languages, in the order of their names. The names begin with the language.
type Pack []File

// most is the size of a pack, in bytes.
const most = 32 << 20

// part is where files of a language come from: a file of the repository, or a folder.
type part struct {
	language, from, to string
	// only are endings of the files that are taken of a folder.
	only []string
	// edit changes a file for its new place.
	edit func(data []byte) ([]byte, error)
}

const example = "examples/connector-books/"

// parts are what a pack is made of.
func parts() []part {
	all := []part{
		{language: "table", from: example + "bookshelf.yaml"},

		{language: "go", from: example + "main.go"},
		{language: "go", from: example + "main_test.go"},
		{language: "go", from: example + "go.mod", edit: withoutReplace},
		{language: "go", from: example + "go.sum"},

		{language: "rust", from: example + "rust", only: []string{".rs", ".toml", ".lock"}, edit: moved("../../../pdk/rust", "agenthost-pdk", "../../suite.json", "../suite.json")},
		{language: "rust", from: "pdk/rust/Cargo.toml", to: "agenthost-pdk/"},
		{language: "rust", from: "pdk/rust/src", to: "agenthost-pdk/src/", only: []string{".rs"}},
		{language: "rust", from: "LICENSE", to: "agenthost-pdk/"},
		{language: "rust", from: example + "suite.json", edit: few},

		{language: "c", from: example + "c/bookshelf.c"},
		{language: "c", from: "pdk/c/agenthost.h"},
		{language: "c", from: "pdk/c/test/host.h", to: "test/"},
		{language: "c", from: "pdk/c/test/suite.c", to: "test/"},
		{language: "c", from: "LICENSE", to: "test/"},
		{language: "c", from: example + "suite.json", edit: few},

		{language: "zig", from: example + "zig", only: []string{".zig", ".c", ".txt"}},
		{language: "zig", from: "pdk/c/agenthost.h"},

		{language: "assemblyscript", from: example + "assemblyscript", only: []string{".ts", ".json"}},
	}
	for _, language := range Languages() {
		all = append(all, part{language: language, from: example + "recordings", to: "recordings/", only: []string{".json"}})
	}
	return all
}

// Languages are those that connectors are made in.
func Languages() []string {
	return []string{"table", "go", "rust", "assemblyscript", "c", "zig"}
}

// Gather makes a pack of the repository, and of the kit for Go with what it depends on, as go mod vendor
// writes them.
func Gather(repository, vendor fs.FS) (Pack, error) {
	var pack Pack
	for _, p := range parts() {
		files, err := p.files(repository)
		if err != nil {
			return nil, fmt.Errorf("gather %s: %w", p.from, err)
		}
		pack = append(pack, files...)
	}
	vendored, err := part{language: "go", from: ".", to: "vendor/"}.files(vendor)
	if err != nil {
		return nil, fmt.Errorf("gather the kit for Go: %w", err)
	}
	for _, f := range vendored {
		if f.Name == "go/vendor/modules.txt" {
			if f.Data, err = withoutReplace(f.Data); err != nil {
				return nil, err
			}
		}
		pack = append(pack, f)
	}
	slices.SortFunc(pack, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return pack, nil
}

// files reads the files of a part.
func (p part) files(of fs.FS) (found []File, err error) {
	err = fs.WalkDir(of, p.from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if slices.Contains([]string{"target", "node_modules"}, d.Name()) { // what a build leaves
				return fs.SkipDir
			}
			return nil
		}
		if name != p.from && len(p.only) > 0 && !slices.Contains(p.only, path.Ext(name)) {
			return nil
		}
		data, err := fs.ReadFile(of, name)
		if err == nil && p.edit != nil {
			data, err = p.edit(data)
		}
		if err != nil {
			return err
		}
		to := path.Base(name)
		if name != p.from {
			if to = name; p.from != "." {
				to = strings.TrimPrefix(name, p.from+"/")
			}
		}
		found = append(found, File{p.language + "/" + p.to + to, data})
		return nil
	})
	if err == nil && len(found) == 0 {
		err = errors.New("there are no files")
	}
	return found, err
}

// moved replaces paths, in pairs.
func moved(pairs ...string) func(data []byte) ([]byte, error) {
	return func(data []byte) ([]byte, error) {
		return []byte(strings.NewReplacer(pairs...).Replace(string(data))), nil
	}
}

// withoutReplace leaves out where the kit is in the repository, of a go.mod or of a list of what is vendored.
func withoutReplace(data []byte) ([]byte, error) {
	var kept strings.Builder
	for line := range strings.Lines(string(data)) {
		switch name, _, replaced := strings.Cut(line, " => "); {
		case !replaced:
			kept.WriteString(line)
		case strings.Contains(name, " v"): // a module with its version, and its packages follow
			kept.WriteString(name + "\n")
		}
	}
	return []byte(strings.TrimRight(kept.String(), "\n") + "\n"), nil
}

// fewCases are the cases of the suite that a new connector begins with. The others are about the kits.
var fewCases = []string{"a list of two pages, the first", "all parameters of a list", "one book", "no book", "a new book", "too many requests, in seconds"}

// few leaves these cases of a suite.
func few(data []byte) ([]byte, error) {
	var suite struct {
		Describe   string            `json:"describe"`
		AuthSchema string            `json:"auth_schema"`
		Cases      []json.RawMessage `json:"cases"`
	}
	if err := json.Unmarshal(data, &suite); err != nil {
		return nil, err
	}
	var cases []json.RawMessage
	for _, c := range suite.Cases {
		var named struct {
			Name string `json:"name"`
		}
		if err := json.Unmarshal(c, &named); err != nil {
			return nil, err
		}
		if slices.Contains(fewCases, named.Name) {
			cases = append(cases, c)
		}
	}
	if len(cases) != len(fewCases) {
		return nil, fmt.Errorf("the suite has %d of the %d cases that a new connector begins with", len(cases), len(fewCases))
	}
	suite.Cases = cases
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(suite)
	return text.Bytes(), err
}

// entry is a file in the first line of a written pack.
type entry struct {
	Name string `json:"name"`
	Size int    `json:"size"`
}

// Bytes is a pack in compressed form: a line of JSON that lists the files, and their contents.
func (p Pack) Bytes() ([]byte, error) {
	entries := make([]entry, len(p))
	for i, f := range p {
		entries[i] = entry{f.Name, len(f.Data)}
	}
	list, err := json.Marshal(entries)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	_, err = z.Write(append(list, '\n'))
	for _, f := range p {
		if err == nil {
			_, err = z.Write(f.Data)
		}
	}
	err = errors.Join(err, z.Close())
	return b.Bytes(), err
}

// ReadPack reads a pack in compressed form. An empty one is that of a command which was built without.
func ReadPack(data []byte) (Pack, error) {
	if len(data) == 0 {
		return nil, fault.Configuration(fault.Invalid("", "this agenthost was built without the sources of new connectors", "use a released agenthost, or build one with make build"))
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("the sources of new connectors: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(z, most))
	if err != nil {
		return nil, fmt.Errorf("the sources of new connectors: %w", err)
	}
	list, rest, _ := bytes.Cut(text, []byte("\n"))
	var entries []entry
	if err := json.Unmarshal(list, &entries); err != nil {
		return nil, fmt.Errorf("the sources of new connectors: %w", err)
	}
	pack := make(Pack, len(entries))
	for i, e := range entries {
		if e.Size < 0 || e.Size > len(rest) {
			return nil, errors.New("the sources of new connectors: they end early")
		}
		pack[i], rest = File{e.Name, rest[:e.Size]}, rest[e.Size:]
	}
	return pack, nil
}
