// Package token makes and checks the access tokens of the server. A token says whom it is for
// and what its bearer may do, and is signed: checking one asks no database.
package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/connections"
)

// Life is how long a token is good for. Airbyte's own client takes each for good for 14 minutes,
// whatever a server says, and does not ask again after a refusal.
const Life = 20 * time.Minute

// Prefix begins every token, with a dot after it, so that scanners for leaked secrets can know one.
const Prefix = "aht1"

// maxLength is the length of the longest token that is looked at.
const maxLength = 4096

// Claims are what a token says.
type Claims struct {
	Organization string `json:"org"`
	Application  string `json:"app"`
	// Workspace is the only workspace that the bearer may use; empty means all of the
	// organization.
	Workspace string `json:"ws,omitempty"`
	// Scopes are what the bearer may do.
	Scopes []connections.Scope `json:"scp"`
	// Issued and Expires are times in seconds since 1970.
	Issued  int64 `json:"iat"`
	Expires int64 `json:"exp"`
}

// May reports whether the claims have a scope.
func (c *Claims) May(s connections.Scope) bool { return slices.Contains(c.Scopes, s) }

// Key signs tokens. The first of several signs, and all check.
type Key struct {
	ID     string
	Secret secret.Value
	// Retired is when it signed its last token; zero for the one that signs.
	Retired time.Time
}

// good reports whether a key may have signed a token of a time that is still good.
func (k *Key) good(issued int64, now time.Time) bool {
	return k.Retired.IsZero() || issued <= k.Retired.Unix() && now.Before(k.Retired.Add(Life))
}

// minKey is the least length of a key's secret: that of the signature.
const minKey = sha256.Size

// Signer makes and checks tokens. It is safe for concurrent use.
type Signer struct {
	keys  []Key
	known known
}

// NewSigner returns a signer. Keys have 32 bytes or more, and different ids without a dot.
func NewSigner(keys ...Key) (*Signer, error) {
	if len(keys) == 0 {
		return nil, errors.New("token: there is no key")
	}
	for i, k := range keys {
		length := 0
		_ = k.Secret.Reveal(func(b []byte) error { length = len(b); return nil }) // which returns nil
		if length < minKey || k.ID == "" || strings.Contains(k.ID, ".") {
			return nil, fmt.Errorf("token: key %d is no key", i+1)
		}
	}
	return &Signer{keys: keys}, nil
}

// Sign makes a token.
func (s *Signer) Sign(c Claims) (string, error) {
	text, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	k := &s.keys[0]
	signed := Prefix + "." + k.ID + "." + base64.RawURLEncoding.EncodeToString(text)
	return signed + "." + base64.RawURLEncoding.EncodeToString(k.sign(signed)), nil
}

// ErrInvalid is the error of a token that is not ours, or not any more. It does not say more:
// its reader may be guessing tokens.
var ErrInvalid = errors.New("the access token is not valid, or it has expired")

// Check returns what a token says, which nobody may change. The error is [ErrInvalid].
func (s *Signer) Check(text string, now time.Time) (*Claims, error) {
	if len(text) > maxLength {
		return nil, ErrInvalid
	}
	d := sha256.Sum256([]byte(text))
	t := s.known.get(d)
	read := t == nil
	if read {
		if t = s.read(text); t == nil {
			return nil, ErrInvalid
		}
	}
	if now.Unix() >= t.claims.Expires || !t.key.good(t.claims.Issued, now) {
		return nil, ErrInvalid
	}
	if read {
		s.known.put(d, t)
	}
	return t.claims, nil
}

// Knows reports whether the signer has the key that a token names. Other tokens are not ours, or their
// key is new.
func (s *Signer) Knows(text string) bool {
	parts := strings.SplitN(text, ".", 3)
	return len(parts) == 3 && slices.ContainsFunc(s.keys, func(k Key) bool { return k.ID == parts[1] })
}

// read returns what a token says, whatever the time is, or nil if it is not ours.
func (s *Signer) read(text string) *signed {
	if strings.ContainsAny(text, "\r\n") { // package base64 skips those
		return nil
	}
	last := strings.LastIndexByte(text, '.')
	if last < 0 {
		return nil
	}
	parts := strings.Split(text[:last], ".")
	given, err := strict.DecodeString(text[last+1:])
	if err != nil || len(parts) != 3 || parts[0] != Prefix {
		return nil
	}
	i := slices.IndexFunc(s.keys, func(k Key) bool { return k.ID == parts[1] })
	if i < 0 || !hmac.Equal(given, s.keys[i].sign(text[:last])) {
		return nil
	}
	claims, err := strict.DecodeString(parts[2])
	if err != nil {
		return nil
	}
	c := new(Claims)
	if json.Unmarshal(claims, c) != nil || c.Organization == "" {
		return nil
	}
	return &signed{claims: c, key: &s.keys[i]}
}

// strict refuses two spellings of one text.
var strict = base64.RawURLEncoding.Strict()

func (k *Key) sign(text string) (signature []byte) {
	_ = k.Secret.Reveal(func(b []byte) error {
		mac := hmac.New(sha256.New, b)
		_, err := mac.Write([]byte(text)) // never fails
		signature = mac.Sum(nil)
		return err
	})
	return signature
}
