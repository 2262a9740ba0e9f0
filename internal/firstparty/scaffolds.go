package firstparty

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/agenthost/agenthost/internal/scaffold"
)

// Scaffolds writes the sources of new connectors, which the command is built with, into a folder. They are
// those of the repository, with the kit for Go and what it needs as go mod vendor writes it.
func Scaffolds(ctx context.Context, repository, folder string) (file string, err error) {
	vendor, err := os.MkdirTemp("", "agenthost-vendor-*")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(vendor)) }()
	cmd := exec.CommandContext(ctx, "go", "mod", "vendor", "-o", vendor) //nolint:gosec // a folder of our own
	cmd.Dir = filepath.Join(repository, "examples", "connector-books")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go mod vendor in %s: %w\n%s", cmd.Dir, err, bytes.TrimSpace(out))
	}
	pack, err := scaffold.Gather(os.DirFS(repository), os.DirFS(vendor))
	if err != nil {
		return "", err
	}
	data, err := pack.Bytes()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	file = filepath.Join(folder, "scaffold.pack")
	return file, write(file, data)
}
