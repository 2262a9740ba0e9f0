// Command firstparty prints the digests of modules for the linker: name=digest,... with
// the SHA-256 of each file and its name without .wasm. The command that is built with
// that list uses those connectors, and no others, without asking anybody.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	var entries []string
	for _, file := range os.Args[1:] {
		data, err := os.ReadFile(file) //nolint:gosec // the files are what make names
		if err != nil {
			fmt.Fprintln(os.Stderr, "firstparty:", err)
			os.Exit(1)
		}
		sum := sha256.Sum256(data)
		name, _ := strings.CutSuffix(filepath.Base(file), ".wasm")
		entries = append(entries, name+"="+hex.EncodeToString(sum[:]))
	}
	fmt.Println(strings.Join(entries, ","))
}
