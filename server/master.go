package server

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential/durable"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/owned"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/internal/store/envelope"
)

// masterFile is the master key in the folder of the data, and maxMaster the size of the largest
// such file in bytes.
const (
	masterFile = "master.key"
	maxMaster  = 64 << 10
)

// openStore opens the database, with the master key that lies in the folder of the data if the
// options have none.
func openStore(ctx context.Context, o Options, now func() time.Time) (*store.Store, error) {
	folder := o.Data
	if folder == "" {
		return nil, fault.Invalid("data", "the server has no folder for its data", "name one")
	}
	// A key that somebody else could have put there is not even read.
	if err := store.OwnFolder(folder); err != nil {
		return nil, err
	}
	keys := o.MasterKeys
	if len(keys) == 0 {
		key, err := ownMasterKey(ctx, folder)
		if err != nil {
			return nil, err
		}
		keys = []secret.Value{key}
	}
	masters, err := envelope.NewMasters(keys[0], keys[1:]...)
	if err != nil {
		return nil, err
	}
	so := store.Options{Masters: masters, Now: now, OnQuery: o.onQuery}
	var s *store.Store
	if o.Database.IsZero() {
		s, err = store.OpenSQLite(ctx, folder, so)
	} else {
		s, err = store.OpenPostgres(ctx, o.Database, so)
	}
	if err != nil || len(keys) == 1 {
		return s, err
	}
	if _, err := s.RotateMaster(ctx); err != nil {
		return nil, errors.Join(err, s.Close()) //nolint:contextcheck // it gives its lock back after ctx has ended, too
	}
	return s, nil
}

// ownMasterKey is the master key in a folder.
func ownMasterKey(ctx context.Context, folder string) (secret.Value, error) {
	key, err := masterKey(ctx, filepath.Join(folder, masterFile))
	if refused, ok := errors.AsType[*owned.Error](err); ok {
		e := fault.Denied("private_data", "the master key cannot be used: "+refused.What, "if the file is yours: "+refused.Hint)
		e.Field = "data"
		return secret.Value{}, e
	} else if err != nil {
		return secret.Value{}, fault.Invalid("data", "the master key cannot be read or made: "+err.Error(), "check who owns the folder")
	}
	return key, nil
}

// masterKey reads the master key, and makes it if the file is not there.
func masterKey(ctx context.Context, path string) (secret.Value, error) {
	text, err := owned.ReadFile(path, maxMaster)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = newMasterKey(ctx, path)
	}
	if err != nil {
		return secret.Value{}, err
	}
	defer clear(text)
	return secret.New(text), nil
}

// newMasterKey writes a key that only its owner can read. Where two servers start at once, both
// get the key of the first.
func newMasterKey(ctx context.Context, path string) ([]byte, error) {
	release, err := durable.Lock(ctx, path)
	if err != nil {
		return nil, err
	}
	defer release()
	if text, err := owned.ReadFile(path, maxMaster); !errors.Is(err, fs.ErrNotExist) {
		return text, err
	}
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails
	text := append(base64.StdEncoding.AppendEncode(nil, raw[:]), '\n')
	clear(raw[:])
	return text, durable.Writer{}.Replace(path, text)
}
