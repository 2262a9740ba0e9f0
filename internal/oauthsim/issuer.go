package oauthsim

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"sync"
	"time"
)

// Issuer is a simulated issuer of access tokens that are JWTs (RFC 9068): it serves its
// metadata (RFC 8414) and its keys (RFC 7517), and signs what it is told to, good or bad.
// It shares no code with what checks tokens.
type Issuer struct {
	// URL is the issuer as metadata and tokens have it.
	URL string
	// Metadata is the path of the metadata, Keys that of the keys.
	Metadata, Keys string
	// KeysURL is where the metadata says that the keys are; empty means Keys at URL's origin.
	KeysURL string
	// Answer, if not nil, answers a request in the issuer's place where it returns true.
	Answer func(w http.ResponseWriter, r *http.Request) bool

	mu   sync.Mutex
	keys []*Key
	asks map[string]int // requests, by path
}

// Key is a key pair of an issuer.
type Key struct {
	ID, Algorithm string
	private       crypto.Signer
}

// NewKey makes a key for RS256, PS256, ES256 or EdDSA.
func NewKey(id, algorithm string) (*Key, error) {
	var private crypto.Signer
	var err error
	switch algorithm {
	case "RS256", "PS256":
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ES256":
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "EdDSA":
		_, private, err = ed25519.GenerateKey(rand.Reader)
	default:
		err = fmt.Errorf("there is no key for %s here", algorithm)
	}
	if err != nil {
		return nil, err
	}
	return &Key{id, algorithm, private}, nil
}

// Public is the public key, as crypto/x509 marshals it.
func (k *Key) Public() crypto.PublicKey { return k.private.Public() }

// JWK is the public key as a set of keys has it.
func (k *Key) JWK() map[string]string {
	jwk := map[string]string{"kid": k.ID, "use": "sig", "alg": k.Algorithm}
	switch public := k.private.Public().(type) {
	case *rsa.PublicKey:
		jwk["kty"], jwk["n"], jwk["e"] = "RSA", encode(public.N.Bytes()), encode(big.NewInt(int64(public.E)).Bytes())
	case *ecdsa.PublicKey:
		point, err := public.Bytes() // 4, x, y
		if err == nil {
			jwk["kty"], jwk["crv"], jwk["x"], jwk["y"] = "EC", "P-256", encode(point[1:33]), encode(point[33:])
		}
	case ed25519.PublicKey:
		jwk["kty"], jwk["crv"], jwk["x"] = "OKP", "Ed25519", encode(public)
	}
	return jwk
}

// Publish makes these the issuer's keys.
func (i *Issuer) Publish(keys ...*Key) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = keys
}

// Asked is how many requests came to a path.
func (i *Issuer) Asked(path string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asks[path]
}

// Claims are those of a good token that was issued now, changed by changes; nil leaves a
// claim out.
func (i *Issuer) Claims(now time.Time, audience string, changes map[string]any) map[string]any {
	claims := map[string]any{
		"iss": i.URL, "aud": audience, "sub": "ada", "client_id": "agent", "jti": "1",
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return claims
}

// Sign signs claims with a key. Changes are those of the header.
func (k *Key) Sign(claims, changes map[string]any) (string, error) {
	header := map[string]any{"typ": "at+jwt", "alg": k.Algorithm, "kid": k.ID}
	maps.Copy(header, changes)
	maps.DeleteFunc(header, func(_ string, v any) bool { return v == nil })
	signed, err := unsigned(header, claims)
	if err != nil {
		return "", err
	}
	signature, err := k.sign([]byte(signed))
	return signed + "." + encode(signature), err
}

// Unsigned is a token with an empty signature; with a secret it is one of HS256.
func Unsigned(header, claims map[string]any, secret []byte) (string, error) {
	signed, err := unsigned(header, claims)
	if err != nil || secret == nil {
		return signed + ".", err
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(signed))
	return signed + "." + encode(mac.Sum(nil)), nil
}

func unsigned(header, claims map[string]any) (string, error) {
	head, err := json.Marshal(header)
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(claims)
	return encode(head) + "." + encode(body), err
}

// sign is RFC 7518, section 3, and RFC 8037.
func (k *Key) sign(text []byte) ([]byte, error) {
	digest := sha256.Sum256(text)
	switch key := k.private.(type) {
	case ed25519.PrivateKey:
		return ed25519.Sign(key, text), nil
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
		if err != nil {
			return nil, err
		}
		signature := make([]byte, 64)
		r.FillBytes(signature[:32])
		s.FillBytes(signature[32:])
		return signature, nil
	case *rsa.PrivateKey:
		if k.Algorithm == "PS256" {
			return rsa.SignPSS(rand.Reader, key, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		}
		return rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	}
	return nil, fmt.Errorf("no signature with %T", k.private)
}

// ServeHTTP serves the metadata and the keys.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	if i.asks == nil {
		i.asks = make(map[string]int)
	}
	i.asks[r.URL.Path]++
	set := make([]map[string]string, 0, len(i.keys))
	for _, key := range i.keys {
		set = append(set, key.JWK())
	}
	i.mu.Unlock()
	if i.Answer != nil && i.Answer(w, r) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case i.Metadata:
		keys := i.KeysURL
		if keys == "" {
			keys = "http://" + r.Host + i.Keys
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": i.URL, "jwks_uri": keys, "token_endpoint": i.URL + "/token", "response_types_supported": []string{"code"}})
	case i.Keys:
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": set})
	default:
		http.NotFound(w, r)
	}
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
