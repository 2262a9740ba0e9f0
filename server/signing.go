package server

import (
	"context"
	"strings"
	"time"

	"github.com/agenthost/agenthost/server/internal/token"
)

const (
	// signingKeyLife is the age from which a start makes a new key for tokens.
	signingKeyLife = 30 * 24 * time.Hour
	// signingEvery is how often the server looks for a key that another one made, and signingLag how
	// long one may go on signing with the key before it.
	signingEvery = time.Minute
	signingLag   = 2 * time.Minute
)

// prepareSigning makes the key that signs tokens, if there is none or it is old, and reads the keys.
func (s *Server) prepareSigning(ctx context.Context) error {
	keys, err := s.store.SigningKeys(ctx)
	if err != nil {
		return err
	}
	if len(keys) == 0 || s.now().Sub(keys[0].Created) > signingKeyLife {
		if _, err := s.store.RotateSigningKey(ctx, token.Life+signingLag); err != nil {
			return err
		}
	}
	return s.readSigning(ctx)
}

// readSigning reads the keys of tokens.
func (s *Server) readSigning(ctx context.Context) error {
	keys, err := s.store.SigningKeys(ctx)
	if err != nil {
		return err
	}
	var signing []token.Key
	var ids []string
	for _, k := range keys {
		if !k.Retired.IsZero() {
			k.Retired = k.Retired.Add(signingLag)
		}
		signing = append(signing, token.Key{ID: k.ID, Secret: k.Key, Retired: k.Retired})
		ids = append(ids, k.ID+" "+k.Retired.String())
	}
	s.signing.Lock()
	defer s.signing.Unlock()
	if have := strings.Join(ids, ","); have != s.signingKeys {
		signer, err := token.NewSigner(signing...)
		if err != nil {
			return err
		}
		s.signer.Store(signer)
		s.signingKeys = have
	}
	return nil
}

// followSigning reads the keys of tokens again and again, until ctx ends.
func (s *Server) followSigning(ctx context.Context) {
	for s.options.Host.Seams.Sleep(ctx, signingEvery) == nil {
		if err := s.readSigning(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("the keys of tokens cannot be read", "error", err)
		}
	}
}

// checkToken returns what an access token says. A token with a key that another server made makes this
// one read the keys.
func (s *Server) checkToken(ctx context.Context, text string) (*token.Claims, error) {
	signer := s.signer.Load()
	c, err := signer.Check(text, s.now())
	if err == nil || signer.Knows(text) || s.signingLimit.Take("", s.now()) > 0 {
		return c, err
	}
	if err := s.readSigning(ctx); err != nil {
		return nil, err
	}
	return s.signer.Load().Check(text, s.now())
}
