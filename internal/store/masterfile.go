package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential/durable"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/owned"
	"github.com/agenthost/agenthost/internal/store/envelope"
)

// MasterFile is the master key in the folder of a database, unless it is somewhere else. While keys
// are sealed anew, it has the one before it too, in its second line.
const MasterFile = "master.key"

// maxMaster is the size of the largest [MasterFile] in bytes.
const maxMaster = 64 << 10

// ReadMasters returns a function for [Options]: it reads the master keys with keys or, if keys is
// nil, from the [MasterFile] of a folder.
func ReadMasters(dir string, keys func(context.Context) ([]secret.Value, error)) func(context.Context) (*envelope.Masters, error) {
	if keys == nil {
		keys = func(context.Context) ([]secret.Value, error) {
			text, err := readMasterFile(dir)
			defer clear(text)
			return []secret.Value{secret.New(text)}, masterFileError(err)
		}
	}
	return func(ctx context.Context) (*envelope.Masters, error) {
		found, err := keys(ctx)
		if err != nil {
			return nil, err
		}
		return envelope.NewMasters(found...)
	}
}

// readMasterFile does not even read a key that somebody else could have put there.
func readMasterFile(dir string) ([]byte, error) {
	if _, err := os.Lstat(dir); err != nil { // which is not made
		return nil, err
	}
	if err := owned.Folder(dir); err != nil {
		return nil, err
	}
	return owned.ReadFile(filepath.Join(dir, MasterFile), maxMaster)
}

func masterFileError(err error) error {
	if refused, ok := errors.AsType[*owned.Error](err); ok {
		e := fault.Denied("private_data", "the master key cannot be used: "+refused.What, "if the file is yours: "+refused.Hint)
		e.Field = "data"
		return e
	} else if err != nil {
		return fault.Invalid("data", "the master key cannot be read or made: "+err.Error(), "check who owns the folder")
	}
	return nil
}

// MakeMasterFile makes the [MasterFile] of a folder where there is none, and the folder. Only its
// owner can read it. Where two servers start at once, both get the key of the first.
func MakeMasterFile(ctx context.Context, dir string) error {
	if err := OwnFolder(dir); err != nil {
		return err
	}
	path := filepath.Join(dir, MasterFile)
	// Before the lock: a rotation may have it for long.
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return masterFileError(err)
	}
	release, err := durable.Lock(ctx, path)
	if err != nil {
		return masterFileError(err)
	}
	defer release()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return masterFileError(err)
	}
	text, err := newMasterKey()
	if err == nil {
		err = durable.Writer{}.Replace(path, text)
	}
	clear(text)
	return masterFileError(err)
}

// newMasterKey returns a key in base64, in a line.
func newMasterKey() (line []byte, err error) {
	key, err := envelope.NewKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	err = key.Reveal(func(b []byte) error {
		line = append(base64.StdEncoding.AppendEncode(nil, b), '\n')
		return nil
	})
	return line, err
}

// RenewMasterFile puts a new key in front of the one in the [MasterFile] of a folder, and calls
// seal, which seals with it all that the other one sealed. Then it removes the other one. If it is
// interrupted, the next call goes on with the key that is there.
func RenewMasterFile(ctx context.Context, dir string, seal func() error) error {
	path := filepath.Join(dir, MasterFile)
	release, err := durable.Lock(ctx, path)
	if err != nil {
		return masterFileError(err)
	}
	defer release()
	text, err := readMasterFile(dir)
	if err != nil {
		return masterFileError(err)
	}
	defer clear(text)
	newest, _, renewing := bytes.Cut(bytes.TrimSpace(text), []byte("\n"))
	if len(text) == rawKey || !renewing {
		if len(text) == rawKey {
			text = base64.StdEncoding.AppendEncode(nil, text)
		}
		if newest, err = newMasterKey(); err != nil {
			return err
		}
		if err := (durable.Writer{}).Replace(path, slices.Concat(newest, text)); err != nil {
			return masterFileError(err)
		}
	}
	if err := seal(); err != nil {
		return err
	}
	return masterFileError(durable.Writer{}.Replace(path, append(bytes.TrimSpace(newest), '\n')))
}

// rawKey is the size of a key that is not in base64, in bytes.
const rawKey = 32
