package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/modulefile"
	"github.com/agenthost/agenthost/internal/store/envelope"
)

// ConnectorFile is a connector that operators installed on the server, without its module.
type ConnectorFile struct {
	Name string
	// Digest is the SHA-256 of the module, in hexadecimal, and Size its length.
	Digest string
	Size   int64
	// By is who installed it.
	By      string
	Created time.Time
	// Approval is what that operator approved, in a form of the caller's. It is sealed together with
	// the name and the digest, so that who can only write to the database approves nothing.
	Approval []byte
	// Err says why it does not open: somebody changed the row.
	Err error
}

// MaxConnectorFiles is how many connectors can be installed.
const MaxConnectorFiles = 200

// ErrTampered says that a module is not the one that was installed: somebody changed the database.
var ErrTampered = errors.New("the module in the database is not the one that was installed: somebody changed it")

// sealedConnectorFile is a ConnectorFile as the database has it.
type sealedConnectorFile struct {
	ConnectorFile
	wrapped envelope.Wrapped
}

func scanConnectorFile(r row) (f sealedConnectorFile, err error) {
	var created int64
	err = r.Scan(&f.Name, &f.Digest, &f.Size, &f.By, &created, &f.wrapped.Master, &f.wrapped.Sealed)
	f.Created = instant(created)
	return f, err
}

func (f *ConnectorFile) place() envelope.Place {
	return envelope.Place{Field: "connector file " + f.Name + " " + f.Digest}
}

// ConnectorFiles returns the connectors that operators installed, by their names.
func (s *Store) ConnectorFiles(ctx context.Context) ([]ConnectorFile, error) {
	sealed, err := readMany(ctx, s, scanConnectorFile, "connector_file.list", MaxConnectorFiles)
	if err != nil {
		return nil, err
	}
	files := make([]ConnectorFile, 0, len(sealed))
	for _, f := range sealed {
		value, err := s.openWrapped(ctx, f.place(), f.wrapped)
		switch {
		case err == nil:
			f.Approval = envelope.Bytes(value)
		case ctx.Err() != nil:
			return nil, fault.Ended(ctx)
		default:
			f.Err = fmt.Errorf("what an operator approved of it does not open, somebody changed it in the database: %w", err)
		}
		files = append(files, f.ConnectorFile)
	}
	return files, nil
}

// ConnectorModule returns the module of a connector. The error is [ErrNone] if there is none with the
// digest, and [ErrTampered] if it is another one.
func (s *Store) ConnectorModule(ctx context.Context, name, digest string) ([]byte, error) {
	module, err := readOne(ctx, s, func(r row) (b []byte, err error) { return b, r.Scan(&b) }, "connector_file.module", name, digest, int64(modulefile.Max))
	if err == nil && digestOf(module) != digest {
		return nil, ErrTampered
	}
	return module, err
}

func digestOf(module []byte) string {
	sum := sha256.Sum256(module)
	return hex.EncodeToString(sum[:])
}

// PutConnectorFile installs a connector: Name, Size, Digest and Created of f come from the module and
// the clock. Replaces is the digest of the one that it takes the place of, empty for none; the error is
// [ErrChanged] if another one is there.
func (s *Store) PutConnectorFile(ctx context.Context, f ConnectorFile, module []byte, replaces string) (ConnectorFile, error) {
	if err := checkName("name", f.Name); err != nil {
		return f, err
	}
	if len(module) == 0 || len(module) > modulefile.Max {
		return f, fault.Invalid("module", fmt.Sprintf("the module has %d bytes", len(module)), fmt.Sprintf("a module has at most %d", modulefile.Max))
	}
	f.Digest, f.Size = digestOf(module), int64(len(module))
	err := s.write(ctx, func(t session) error {
		if _, err := t.announce(NoticeConnector, f.Name); err != nil {
			return err
		}
		f.By, f.Created = t.actor().String(), instant(millis(s.now()))
		statement := "connector_file.replace"
		old, err := one(t, scanConnectorFile, "connector_file.get", f.Name)
		switch {
		case errors.Is(err, ErrNone):
			if statement, err = "connector_file.create", t.roomForConnector(); err != nil {
				return err
			}
		case err != nil:
			return err
		}
		if old.Digest != replaces {
			return ErrChanged
		}
		m, err := t.sealing()
		if err != nil {
			return err
		}
		w, err := m.Seal(s.random, f.place(), secret.New(f.Approval))
		if err != nil {
			return err
		}
		if err := t.change(statement, f.Name, f.Digest, f.Size, f.By, millis(f.Created), w.Master, w.Sealed); err != nil {
			return err
		}
		if _, err := t.exec("connector_file.remove_module", f.Name); err != nil {
			return err
		}
		if _, err := t.exec("connector_file.add_module", f.Name, module); err != nil {
			return err
		}
		return t.recordForAll(Change{Entity: "connectors", Action: "install", Object: f.Name, Name: f.Digest})
	})
	return f, err
}

// roomForConnector returns an error where there is no room for another connector.
func (t session) roomForConnector() error {
	n, err := one(t, scanNumber, "connector_file.count")
	if err == nil && n >= MaxConnectorFiles {
		err = fault.LimitExceeded("name", fmt.Sprintf("the server has %d connectors that operators installed", n), "remove one that nobody needs, with agenthost plugin remove NAME")
	}
	return err
}

// RemoveConnectorFile removes a connector. The error is [ErrNone] if nobody installed it.
func (s *Store) RemoveConnectorFile(ctx context.Context, name string) error {
	return s.write(ctx, func(t session) error {
		if _, err := t.announce(NoticeConnector, name); err != nil {
			return err
		}
		old, err := one(t, scanConnectorFile, "connector_file.get", name)
		if err != nil {
			return err
		}
		for _, statement := range []string{"connector_file.remove", "connector_file.remove_module"} {
			if _, err := t.exec(statement, name); err != nil {
				return err
			}
		}
		return t.recordForAll(Change{Entity: "connectors", Action: "remove", Object: name, Name: old.Digest})
	})
}

// rewrapConnectorFiles seals what operators approved with the current master key, and returns how much
// of it had another one.
func (t session) rewrapConnectorFiles(current string) (n int, err error) {
	m, err := t.sealing()
	if err != nil {
		return 0, err
	}
	found, err := many(t, scanConnectorFile, "connector_file.list", MaxConnectorFiles)
	if err != nil {
		return 0, err
	}
	for _, f := range found {
		if f.wrapped.Master == current {
			continue
		}
		n++
		if f.wrapped, err = t.rewrap(m, f.place(), f.wrapped); err != nil {
			return n, fmt.Errorf("what an operator approved of connector %s does not open, remove it with agenthost plugin remove: %w", f.Name, err)
		}
		if _, err := t.exec("connector_file.rewrap", f.Name, f.wrapped.Master, f.wrapped.Sealed); err != nil {
			return n, err
		}
	}
	return n, nil
}
