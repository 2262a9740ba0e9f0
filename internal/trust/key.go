package trust

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
)

const maxKeyFile = 64 << 10

var errSignature = errors.New("its signature does not fit what it signs")

// publicKey is a key of the policy.
type publicKey struct {
	public crypto.PublicKey
	der    []byte
	id     string // the SHA-256 of der, as a digest
}

// verify checks a signature of a message. The hash of ECDSA is the one that belongs to its curve.
func verify(key crypto.PublicKey, message, signature []byte) error {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		if digest := hashFor(k, message); digest != nil && ecdsa.VerifyASN1(k, digest, signature) {
			return nil
		}
		return errSignature
	case ed25519.PublicKey:
		if ed25519.Verify(k, message, signature) {
			return nil
		}
		return errSignature
	}
	return fmt.Errorf("a key is a %T, and only ECDSA and Ed25519 are known", key)
}

func hashFor(key *ecdsa.PublicKey, message []byte) []byte {
	switch key.Curve {
	case elliptic.P256():
		sum := sha256.Sum256(message)
		return sum[:]
	case elliptic.P384():
		sum := sha512.Sum384(message)
		return sum[:]
	case elliptic.P521():
		sum := sha512.Sum512(message)
		return sum[:]
	}
	return nil
}

// verifyDigest checks a signature of something of which only the SHA-256 is known.
func verifyDigest(key crypto.PublicKey, digest, signature []byte) error {
	k, ok := key.(*ecdsa.PublicKey)
	if !ok || k.Curve != elliptic.P256() {
		return errors.New("it signs a digest of SHA-256, which only ECDSA P-256 does; other keys sign a statement")
	}
	if !ecdsa.VerifyASN1(k, digest, signature) {
		return errSignature
	}
	return nil
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
	return publicKey{public, der, keyID(der)}, nil
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
