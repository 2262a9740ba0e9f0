package server

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/internal/store/envelope"
	"github.com/agenthost/agenthost/server/internal/token"
)

// masterFile is the master key in the folder of the data.
const masterFile = "master.key"

// openStore opens the database in a folder, with the master key that lies beside it.
func openStore(ctx context.Context, o Options, now func() time.Time) (*store.Store, error) {
	folder := o.Data
	if folder == "" {
		return nil, fault.Invalid("data", "the server has no folder for its data", "name one")
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fault.Invalid("data", "the folder cannot be made: "+err.Error(), "name a folder that you can write to")
	}
	key, err := masterKey(filepath.Join(folder, masterFile))
	if err != nil {
		return nil, err
	}
	masters, err := envelope.NewMasters(key)
	if err != nil {
		return nil, err
	}
	return store.OpenSQLite(ctx, folder, store.Options{Masters: masters, Now: now, OnQuery: o.onQuery})
}

// masterKey reads the master key, and makes it if the file is not there.
func masterKey(path string) (secret.Value, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = newMasterKey(path)
	}
	if err != nil {
		return secret.Value{}, fault.Invalid("data", "the master key cannot be read or made: "+err.Error(), "check who owns the folder")
	}
	defer clear(text)
	return secret.New(text), nil
}

// newMasterKey writes a key that only its owner can read.
func newMasterKey(path string) ([]byte, error) {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails
	text := append(base64.StdEncoding.AppendEncode(nil, raw[:]), '\n')
	clear(raw[:])
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = file.Write(text)
	return text, errors.Join(err, file.Sync(), file.Close())
}

// prepare makes what a fresh database lacks, and reads the keys of tokens.
func (s *Server) prepare(ctx context.Context) error {
	if err := s.first(ctx); err != nil {
		return err
	}
	keys, err := s.store.SigningKeys(ctx)
	if err != nil {
		return err
	}
	if len(keys) == 0 || s.now().Sub(keys[0].Created) > signingKeyLife {
		if _, err := s.store.RotateSigningKey(ctx, token.Life); err != nil {
			return err
		}
		if keys, err = s.store.SigningKeys(ctx); err != nil {
			return err
		}
	}
	var signing []token.Key
	for _, k := range keys {
		signing = append(signing, token.Key{ID: k.ID, Secret: k.Key})
	}
	s.signer, err = token.NewSigner(signing...)
	return err
}

// signingKeyLife is the age from which a start makes a new key for tokens.
const signingKeyLife = 30 * 24 * time.Hour

// first makes the first organization, its workspace and its application, or what is missing of
// them because a start was interrupted.
func (s *Server) first(ctx context.Context) error {
	organizations, err := s.store.Organizations(ctx, store.Page{Limit: 1})
	if err != nil {
		return err
	}
	if len(organizations) == 0 {
		organization, err := s.store.CreateOrganization(ctx, "default")
		if err != nil {
			return err
		}
		organizations = append(organizations, organization)
	}
	id := organizations[0].ID
	applications, err := s.store.Applications(ctx, id, store.Page{Limit: 1})
	if err != nil || len(applications) > 0 {
		return err
	}
	if _, err := s.store.CreateWorkspace(ctx, id, "default"); err != nil && !errors.Is(err, store.ErrExists) {
		return err
	}
	application, password, err := s.store.CreateApplication(ctx, id, "default")
	if err != nil {
		return err
	}
	s.bootstrap = &Bootstrap{Organization: id, ClientID: application.ID, ClientSecret: password}
	return nil
}
