package trust

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/provenance"
	intoto "github.com/in-toto/attestation/go/v1"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// PrivateKey is the key of somebody who signs.
type PrivateKey struct {
	signer crypto.Signer
	public publicKey
}

// ID is the id of the public key, as [provenance.Signer] has it.
func (k *PrivateKey) ID() string { return k.public.id }

// NewKey makes a key of ECDSA P-256. It returns both halves in PEM form.
func NewKey() (private, public []byte, err error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(k.Public())
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

// ReadPrivateKey reads a key file in PEM form: PKCS#8 or SEC 1, ECDSA P-256 or Ed25519.
func ReadPrivateKey(path string) (*PrivateKey, error) {
	data, err := readFile(path, maxKeyFile)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New("it has no private key in PEM form")
	}
	var key any
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		return nil, fmt.Errorf("it is a %.60s, and only PRIVATE KEY and EC PRIVATE KEY are read, without a password", block.Type)
	}
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("a %T does not sign", key)
	}
	der, err := x509.MarshalPKIXPublicKey(signer.Public())
	if err != nil {
		return nil, err
	}
	public, err := newPublicKey(der)
	if err != nil {
		return nil, err
	}
	return &PrivateKey{signer, public}, nil
}

// statement is an in-toto statement without a predicate.
type statement struct {
	Type          string    `json:"_type"`
	PredicateType string    `json:"predicateType"`
	Subject       []subject `json:"subject"`
	Predicate     struct{}  `json:"predicate"`
}

type subject struct {
	Name        string            `json:"name,omitempty"`
	Digest      map[string]string `json:"digest"`
	Annotations map[string]any    `json:"annotations,omitempty"`
}

// Sign makes a bundle: the statement that the holder of the key signs an artifact, as cosign makes it, with
// the time beside it. name is what people call the artifact; it decides nothing.
func (k *PrivateKey) Sign(artifact, name string, at time.Time) ([]byte, error) {
	if !provenance.ValidDigest(artifact) {
		return nil, fmt.Errorf("%.80q is not the digest of an artifact", artifact)
	}
	payload, err := json.Marshal(statement{Type: intoto.StatementTypeUri, PredicateType: predicateSign, Subject: []subject{{
		Name: name, Digest: map[string]string{"sha256": strings.TrimPrefix(artifact, "sha256:")},
		Annotations: map[string]any{signedAt: at.UTC().Format(time.RFC3339)},
	}}})
	if err != nil {
		return nil, err
	}
	return k.seal(payload)
}

// seal signs a statement and makes the bundle.
func (k *PrivateKey) seal(payload []byte) ([]byte, error) {
	signed := dsse.PAE(payloadType, payload)
	var signature []byte
	var err error
	if _, ok := k.public.public.(ed25519.PublicKey); ok {
		signature, err = k.signer.Sign(rand.Reader, signed, crypto.Hash(0))
	} else {
		sum := sha256.Sum256(signed)
		signature, err = k.signer.Sign(rand.Reader, sum[:], crypto.SHA256)
	}
	if err != nil {
		return nil, err
	}
	id, err := hex.DecodeString(strings.TrimPrefix(k.public.id, "sha256:"))
	if err != nil {
		return nil, err
	}
	type object = map[string]any
	return json.Marshal(object{
		"mediaType":            provenance.BundleType,
		"verificationMaterial": object{"publicKey": object{"hint": base64.StdEncoding.EncodeToString(id)}},
		"dsseEnvelope":         object{"payload": payload, "payloadType": payloadType, "signatures": []any{object{"sig": signature}}},
	})
}
