package accesstoken

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"sync"
	"time"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/go-jose/go-jose/v4"
	"github.com/hashicorp/go-hclog"
)

const (
	// refreshAge is how old keys become before they are read again.
	refreshAge = time.Hour
	// maxAge is how long keys are valid while they cannot be read again, so that withdrawn
	// keys end.
	maxAge = 24 * time.Hour
	// Interval is the least time between two readings, so that tokens with made-up keys do
	// not cause requests to the issuer again and again.
	interval = 30 * time.Second
	// readTime bounds one reading, metadata included.
	readTime = 20 * time.Second
)

// keys are an issuer's public keys, as they were last read.
type keys struct {
	read func(ctx context.Context) ([]jose.JSONWebKey, error)
	now  func() time.Time
	log  hclog.Logger
	turn chan struct{} // held by the reader

	mu    sync.Mutex
	known []jose.JSONWebKey
	since time.Time // of known
	tried time.Time // the last reading began
	err   error     // of the last reading
}

func newKeys(read func(ctx context.Context) ([]jose.JSONWebKey, error), now func() time.Time, log hclog.Logger) *keys {
	return &keys{read: read, now: now, log: log, turn: make(chan struct{}, 1)}
}

// find returns the keys that may have signed a token. It reads the issuer's keys again if they are
// old or lack the token's.
func (k *keys) find(ctx context.Context, t *token) ([]jose.JSONWebKey, error) {
	found, due := k.look(t)
	if !due {
		return found, nil
	}
	err := k.refresh(ctx)
	if found, _ = k.look(t); len(found) > 0 {
		return found, nil
	}
	if err != nil {
		return nil, err
	}
	return nil, refused("the key of the token's signature is not among the issuer's keys")
}

// look returns the known keys for a token, and whether to read them again.
func (k *keys) look(t *token) (found []jose.JSONWebKey, due bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	if k.since.IsZero() || now.Sub(k.since) > maxAge {
		return nil, true
	}
	for _, key := range k.known {
		if fits(key, t) {
			found = append(found, key)
		}
	}
	if t.key == "" && len(found) > 1 {
		found = nil // ambiguous, and a caller must not choose how much work to cause
	}
	return found, len(found) == 0 || now.Sub(k.since) > refreshAge && now.Sub(k.tried) > interval
}

// refresh reads the keys, or returns the result of a reading that has just ended. A reading
// continues if its caller gives up, for the sake of others.
func (k *keys) refresh(ctx context.Context) error {
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }()
	case <-ctx.Done():
		return fault.EndedWith(ctx, "the caller canceled while the server fetched the issuer's keys")
	}
	if begun, err := k.begin(); !begun {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTime)
	defer cancel()
	known, err := k.read(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err = err; err != nil {
		if len(k.known) > 0 { // otherwise callers get the error
			k.log.Warn("cannot refresh the keys of the issuer", "error", err, "read", k.since)
		}
		return err
	}
	k.known, k.since = known, k.now()
	return nil
}

// begin records the start of a reading, unless the last one was too recent.
func (k *keys) begin() (begun bool, last error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	if !k.tried.IsZero() && now.Sub(k.tried) <= interval {
		return false, k.err
	}
	k.tried = now
	return true, nil
}

// fits reports whether a key may have signed a token: it has the token's key id, and the type that
// the token's algorithm needs.
func fits(key jose.JSONWebKey, t *token) bool {
	if t.key != "" && key.KeyID != t.key || key.Algorithm != "" && key.Algorithm != t.algorithm {
		return false
	}
	switch public := key.Key.(type) {
	case *rsa.PublicKey:
		return t.algorithm == string(jose.RS256) || t.algorithm == string(jose.PS256)
	case *ecdsa.PublicKey:
		return t.algorithm == string(jose.ES256) && public.Curve == elliptic.P256()
	case ed25519.PublicKey:
		return t.algorithm == string(jose.EdDSA)
	}
	return false
}

// usable reports whether a key of the issuer's set is a public one for signatures, of a safe size
// that is fast to verify.
func usable(key jose.JSONWebKey) bool {
	if key.Use != "" && key.Use != "sig" || !key.IsPublic() || !key.Valid() {
		return false
	}
	switch public := key.Key.(type) {
	case *rsa.PublicKey:
		return public.N.BitLen() >= 2048 && public.N.BitLen() <= 8192
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return true
	}
	return false
}
