// Package firstparty lists the connectors that a program is built with: which files they are,
// and what they declare. The program uses those, and no others, without asking anybody, and
// knows their operations before it has compiled one.
package firstparty

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/agenthost/agenthost/host"
)

// List has a line for each connector: its name, the SHA-256 of its module in hexadecimal, and
// its declaration in JSON, with a space between them.
type List string

// Digests returns the digests by name.
func (l List) Digests() map[string]string {
	digests := make(map[string]string)
	for line := range strings.Lines(string(l)) {
		if words := strings.SplitN(line, " ", 3); len(words) == 3 {
			digests[words[0]] = words[1]
		}
	}
	return digests
}

// Declared returns the declaration of a digest. It is for host.Options.Declared.
func (l List) Declared(digest string) (d host.Declaration, found bool) {
	for line := range strings.Lines(string(l)) {
		if words := strings.SplitN(line, " ", 3); len(words) == 3 && words[1] == digest {
			return d, json.Unmarshal([]byte(words[2]), &d) == nil
		}
	}
	return d, false
}

// Make lists the connectors of some files. It asks each, which means to compile those that
// the cache does not have.
func Make(ctx context.Context, cache string, files ...string) (list List, err error) {
	h, err := host.Open(ctx, host.Options{Cache: cache})
	if err != nil {
		return "", err
	}
	defer func() { _ = h.Close(context.WithoutCancel(ctx)) }()
	var b strings.Builder
	for _, file := range files {
		info, err := h.Inspect(ctx, file)
		if err != nil {
			return "", err
		}
		declaration, err := info.Declaration()
		if err != nil {
			return "", err
		}
		text, err := json.Marshal(declaration)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(&b, info.Name, info.Digest, string(text))
	}
	return List(b.String()), nil
}

// The files of the command whose places a list, the interpreter of tables and the sources of new
// connectors take.
const (
	embedded            = "cmd/agenthost/firstparty.txt"
	embeddedInterpreter = "cmd/agenthost/interpreter.module"
	embeddedScaffolds   = "cmd/agenthost/scaffold.pack"
)

// Overlay writes a list into a folder, and returns the file for go build's -overlay with which
// the command is built with that list, with an interpreter of tables, and with the file of
// [Scaffolds]. The build has to run in the root of the repository.
func (l List) Overlay(folder, interpreter, scaffolds string) (overlay string, err error) {
	if folder, err = filepath.Abs(folder); err != nil {
		return "", err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	if interpreter, err = filepath.Abs(interpreter); err != nil {
		return "", err
	}
	if scaffolds, err = filepath.Abs(scaffolds); err != nil {
		return "", err
	}
	file := filepath.Join(folder, "firstparty.txt")
	text, err := json.Marshal(map[string]map[string]string{"Replace": {embedded: file, embeddedInterpreter: interpreter, embeddedScaffolds: scaffolds}})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(folder, "firstparty.json")
	if err := write(file, []byte(l)); err != nil {
		return "", err
	}
	return overlay, write(overlay, text)
}

// write leaves a file that has this content already as it is, so that nothing is built anew.
func write(file string, data []byte) error {
	if old, err := os.ReadFile(file); err == nil && bytes.Equal(old, data) {
		return nil
	}
	return os.WriteFile(file, data, 0o600)
}
