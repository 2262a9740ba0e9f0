//go:build !unix

package hostile_test

import (
	"os"
	"testing"
)

// special makes something that is not a regular file.
func special(t *testing.T, _ *source, _, path string) {
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
}
