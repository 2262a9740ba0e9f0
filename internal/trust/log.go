package trust

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/bits"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// times are when a signature was made, by the logs and the timestamp authorities of the trusted root. der is
// the certificate or the key that made it. Where the root has logs, an entry of one is needed if required
// is set.
func (r *root) times(b *bundle, c *content, der []byte, required bool) ([]time.Time, error) {
	var times []time.Time
	found, unknown := false, ""
	for i := range b.entries {
		for j := range i {
			if bytes.Equal(b.entries[i].LogID.KeyID, b.entries[j].LogID.KeyID) && b.entries[i].LogIndex == b.entries[j].LogIndex {
				return nil, errors.New("it has one log entry twice")
			}
		}
		id := hex.EncodeToString(b.entries[i].LogID.KeyID)
		log, known := r.logs[id]
		if !known {
			unknown = id // such as one that is newer than the root
			continue
		}
		at, err := log.entry(&b.entries[i], id, c, der)
		if err != nil {
			return nil, err
		}
		found = true
		if !at.IsZero() {
			times = append(times, at)
		}
	}
	switch {
	case found || !required || len(r.logs) == 0:
	case unknown != "":
		return nil, fmt.Errorf("its log entry is of a log that the trusted root does not have: %.64s", unknown)
	default:
		return nil, errors.New("it has no log entry, and the trusted root has logs")
	}
	for _, timestamp := range b.timestamps {
		at, err := r.stamped(timestamp, c.signature)
		if err != nil {
			return nil, err
		}
		times = append(times, at)
	}
	return times, nil
}

// entry checks that the log has a signature. The time is zero where the log does not vouch for it: the
// promise of the first version of Rekor has one, and the second version leaves it to a timestamp.
func (l trustedLog) entry(e *logEntry, id string, c *content, der []byte) (time.Time, error) {
	second := e.KindVersion.Kind == "hashedrekord" && e.KindVersion.Version == "0.0.2"
	if err := l.proves(e, second); err != nil {
		return time.Time{}, err
	}
	if err := c.logged(e, der); err != nil {
		return time.Time{}, err
	}
	if e.InclusionPromise == nil || second {
		return time.Time{}, nil
	}
	at := time.Unix(int64(e.IntegratedTime), 0)
	promised, err := json.Marshal(struct { // its members are in the order of RFC 8785
		Body           string `json:"body"`
		IntegratedTime int64  `json:"integratedTime"`
		LogID          string `json:"logID"`
		LogIndex       int64  `json:"logIndex"`
	}{base64.StdEncoding.EncodeToString(e.CanonicalizedBody), int64(e.IntegratedTime), id, int64(e.LogIndex)})
	switch {
	case err != nil:
		return time.Time{}, err
	case !l.has(at):
		return time.Time{}, errors.New("the key of its log was not in use at the time of the entry")
	case verify(l.key, promised, e.InclusionPromise.SignedEntryTimestamp) != nil:
		return time.Time{}, errors.New("its log entry was changed: the log has not promised it")
	}
	return at, nil
}

// proves checks that an entry is in the log at a checkpoint that the log signed. Where in the log it is
// counts for nothing, so the size of the checkpoint need not be the one of the proof: a leaf's hash is no
// node's.
func (l trustedLog) proves(e *logEntry, second bool) error {
	p := e.InclusionProof
	if p == nil {
		return errors.New("its log entry has no proof that the log has it")
	}
	note := p.Checkpoint.Envelope
	if len(note) > 16<<10 || strings.Count(note, "\n") > 32 {
		return errors.New("the checkpoint of its log entry is too long")
	}
	at := strings.LastIndex(note, "\n\n")
	if at < 0 {
		return errors.New("the checkpoint of its log entry has no signature")
	}
	text, signatures := note[:at+1], note[at+2:]
	lines := strings.Split(text, "\n")
	if len(lines) < 4 {
		return errors.New("the checkpoint of its log entry is too short")
	}
	if second && lines[0] != l.origin {
		return errors.New("the checkpoint of its log entry is of another log")
	}
	hash, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || !bytes.Equal(hash, p.RootHash) {
		return errors.New("the checkpoint of its log entry is not the one of the proof")
	}
	if !l.signedNote(text, signatures, second) {
		return errors.New("the checkpoint of its log entry is not signed by the log")
	}
	index, size := uint64(p.LogIndex), uint64(p.TreeSize)
	if computed := climb(index, size, leafHash(e.CanonicalizedBody), p.Hashes); computed == nil || !bytes.Equal(computed, p.RootHash) {
		return errors.New("its log entry is not in the log: the proof leads elsewhere")
	}
	return nil
}

// signedNote reports whether the log signed a checkpoint. Lines of others, such as witnesses, count for
// nothing. Only the second version names itself as its URL does.
func (l trustedLog) signedNote(text, signatures string, second bool) bool {
	for line := range strings.Lines(signatures) {
		words := strings.Fields(line)
		if len(words) != 3 || words[0] != "\u2014" {
			return false
		}
		if second && words[1] != l.origin {
			continue
		}
		signature, err := base64.StdEncoding.DecodeString(words[2])
		if err != nil || len(signature) < 5 || !l.named(words[1], signature[:4]) {
			continue
		}
		if verify(l.key, []byte(text), signature[4:]) == nil {
			return true
		}
	}
	return false
}

// named reports whether four bytes before a signature of a checkpoint are those of the log's key.
func (l trustedLog) named(name string, hint []byte) bool {
	if public, ok := l.key.(ed25519.PublicKey); ok {
		sum := sha256.Sum256(append([]byte(name+"\n\x01"), public...))
		if bytes.Equal(sum[:4], hint) {
			return true
		}
	}
	der, err := x509.MarshalPKIXPublicKey(l.key)
	sum := sha256.Sum256(der)
	return err == nil && bytes.Equal(sum[:4], hint)
}

// climb is the root of a tree that has a leaf: RFC 9162, section 2.1.3.2. It is nil if the proof has
// another length than the place of the leaf wants.
func climb(index, size uint64, leaf []byte, path [][]byte) []byte {
	if index >= size || len(path) > 64 {
		return nil
	}
	inner := bits.Len64(index ^ (size - 1))
	border := bits.OnesCount64(index >> uint(inner))
	if len(path) != inner+border {
		return nil
	}
	hash := leaf
	for i, sibling := range path {
		if len(sibling) != sha256.Size {
			return nil
		}
		if i < inner && index>>uint(i)&1 == 0 {
			hash = nodeHash(hash, sibling)
		} else {
			hash = nodeHash(sibling, hash)
		}
	}
	return hash
}

// body is an entry of a log, of one of three kinds.
type body struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Spec       struct {
		// hashedrekord 0.0.1
		Data struct {
			Hash struct{ Algorithm, Value string } `json:"hash"`
		} `json:"data"`
		Signature struct {
			Content   []byte `json:"content"`
			PublicKey struct {
				Content []byte `json:"content"`
			} `json:"publicKey"`
		} `json:"signature"`
		// dsse 0.0.1
		PayloadHash struct{ Algorithm, Value string } `json:"payloadHash"`
		Signatures  []struct {
			Signature []byte `json:"signature"`
			Verifier  []byte `json:"verifier"`
		} `json:"signatures"`
		// hashedrekord 0.0.2
		HashedRekordV002 struct {
			Data struct {
				Algorithm string `json:"algorithm"`
				Digest    []byte `json:"digest"`
			} `json:"data"`
			Signature struct {
				Content  []byte `json:"content"`
				Verifier struct {
					X509Certificate struct {
						RawBytes []byte `json:"rawBytes"`
					} `json:"x509Certificate"`
					PublicKey struct {
						RawBytes []byte `json:"rawBytes"`
					} `json:"publicKey"`
				} `json:"verifier"`
			} `json:"signature"`
		} `json:"hashedRekordV002"`
	} `json:"spec"`
}

// logged checks that an entry of a log is of this signature: by this key, of this content.
func (c *content) logged(e *logEntry, der []byte) error {
	if duplicate, err := rawjson.Duplicate(e.CanonicalizedBody); err != nil || duplicate != "" {
		return errors.New("its log entry is not clear JSON")
	}
	var b body
	if err := json.Unmarshal(e.CanonicalizedBody, &b); err != nil {
		return fmt.Errorf("its log entry cannot be read: %.100s", err.Error())
	}
	if b.Kind != e.KindVersion.Kind || b.APIVersion != e.KindVersion.Version {
		return errors.New("its log entry is of another kind than it says")
	}
	digest := hex.EncodeToString(c.digest)
	other := errors.New("its log entry is of another signature")
	switch kind := b.Kind + " " + b.APIVersion; kind {
	case "hashedrekord 0.0.1":
		s := b.Spec
		if c.payload != nil || s.Data.Hash.Algorithm != "sha256" || s.Data.Hash.Value != digest || !bytes.Equal(s.Signature.Content, c.signature) || !sameKey(s.Signature.PublicKey.Content, der) {
			return other
		}
	case "dsse 0.0.1":
		s, payload := b.Spec, sha256.Sum256(c.payload)
		if c.payload == nil || s.PayloadHash.Algorithm != "sha256" || s.PayloadHash.Value != hex.EncodeToString(payload[:]) ||
			len(s.Signatures) != 1 || !bytes.Equal(s.Signatures[0].Signature, c.signature) || !sameKey(s.Signatures[0].Verifier, der) {
			return other
		}
	case "hashedrekord 0.0.2":
		s := b.Spec.HashedRekordV002
		by := s.Signature.Verifier.X509Certificate.RawBytes
		if len(by) == 0 {
			by = s.Signature.Verifier.PublicKey.RawBytes
		}
		if s.Data.Algorithm != "SHA2_256" || !bytes.Equal(s.Data.Digest, c.digest) || !bytes.Equal(s.Signature.Content, c.signature) || !bytes.Equal(by, der) {
			return other
		}
	default:
		return fmt.Errorf("its log entry is a %.60q, which is not known", kind)
	}
	return nil
}

// sameKey reports whether PEM text has a certificate or a key.
func sameKey(text, der []byte) bool {
	block, _ := pem.Decode(text)
	return block != nil && bytes.Equal(block.Bytes, der)
}
