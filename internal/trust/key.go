package trust

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
)

const maxKeyFile = 64 << 10

// publicKey is a key of the policy.
type publicKey struct {
	public crypto.PublicKey
	id     string // the SHA-256 of its DER form, as a digest
}

func newPublicKey(der []byte) (publicKey, error) {
	public, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return publicKey{}, err
	}
	if k, ok := public.(*ecdsa.PublicKey); ok && k.Curve == elliptic.P256() {
	} else if _, ok := public.(ed25519.PublicKey); !ok {
		return publicKey{}, errors.New("it is neither ECDSA P-256 nor Ed25519")
	}
	return publicKey{public, keyID(der)}, nil
}

func keyID(der []byte) string {
	sum := sha256.Sum256(der)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func readPublicKey(path string) (publicKey, error) {
	data, err := readFile(path, maxKeyFile)
	if err != nil {
		return publicKey{}, err
	}
	block, rest := pem.Decode(data)
	if block == nil || block.Type != "PUBLIC KEY" {
		return publicKey{}, errors.New("it has no PUBLIC KEY in PEM form")
	}
	if another, _ := pem.Decode(rest); another != nil {
		return publicKey{}, errors.New("it has more than one key")
	}
	return newPublicKey(block.Bytes)
}

// readFile reads a regular file of at most limit bytes.
func readFile(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		return nil, fmt.Errorf("it is no file of at most %d bytes", limit)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("it is larger than %d bytes", limit)
	}
	return data, err
}
