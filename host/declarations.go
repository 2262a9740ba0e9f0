package host

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/agenthost/agenthost/host/connector"
	"github.com/agenthost/agenthost/host/sandbox/seal"
	"github.com/hashicorp/go-hclog"
)

// declarationCache keeps what connectors declare, by the digest of their module, so
// that a command need not run describe every time. It is as private as the compiled
// code beside it, and sealed as that is, for the same reason: what it says is believed.
type declarationCache struct {
	dir    string
	sealer *seal.Sealer
	log    hclog.Logger
}

const declarationPurpose = "declaration"

type declaration struct {
	Manifest json.RawMessage `json:"manifest"`
	Auth     json.RawMessage `json:"auth"`
}

func (c declarationCache) path(digest string) string {
	return filepath.Join(c.dir, digest+".json")
}

// load returns nil where there is nothing of use.
func (c declarationCache) load(digest string) *connector.Connector {
	file, err := os.ReadFile(c.path(digest))
	if err != nil {
		return nil
	}
	// The seal, a line end, the declaration.
	sum, data, _ := bytes.Cut(file, []byte{'\n'})
	if !c.sealer.Valid(string(sum), declarationPurpose, []byte(digest), data) {
		c.log.Warn("a declaration in the cache is not as it was written; the connector is asked again", "file", c.path(digest))
		return nil
	}
	var d declaration
	if json.Unmarshal(data, &d) != nil {
		return nil
	}
	loaded, err := connector.Load(digest, d.Manifest, d.Auth)
	if err != nil {
		return nil
	}
	return loaded
}

// store writes a whole file or none.
func (c declarationCache) store(digest string, manifest, auth []byte) error {
	data, err := json.Marshal(declaration{manifest, auth})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(c.dir, "new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already where all went well
	_, err = fmt.Fprintf(f, "%s\n%s", c.sealer.Sum(declarationPurpose, []byte(digest), data), data)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), c.path(digest))
}
