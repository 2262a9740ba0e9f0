package trust

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// The most that one bundle may have.
const (
	maxDepth      = 16
	maxEntries    = 4
	maxTimestamps = 4
	maxTimestamp  = 16 << 10
)

// bundle is what a Sigstore bundle says, before anything of it is checked.
type bundle struct {
	certificate *x509.Certificate // nil for a public key
	entries     []logEntry
	timestamps  [][]byte
	message     *messageSignature
	envelope    *envelope
}

type messageSignature struct {
	MessageDigest *struct {
		Algorithm string `json:"algorithm"`
		Digest    []byte `json:"digest"`
	} `json:"messageDigest"`
	Signature []byte `json:"signature"`
}

type envelope struct {
	Payload     []byte `json:"payload"`
	PayloadType string `json:"payloadType"`
	Signatures  []struct {
		Sig   []byte `json:"sig"`
		Keyid string `json:"keyid"`
	} `json:"signatures"`
}

// logEntry is what a transparency log has about a signature.
type logEntry struct {
	LogIndex integer `json:"logIndex"`
	LogID    struct {
		KeyID []byte `json:"keyId"`
	} `json:"logId"`
	KindVersion struct {
		Kind    string `json:"kind"`
		Version string `json:"version"`
	} `json:"kindVersion"`
	IntegratedTime   integer `json:"integratedTime"`
	InclusionPromise *struct {
		SignedEntryTimestamp []byte `json:"signedEntryTimestamp"`
	} `json:"inclusionPromise"`
	InclusionProof *struct {
		LogIndex   integer  `json:"logIndex"`
		RootHash   []byte   `json:"rootHash"`
		TreeSize   integer  `json:"treeSize"`
		Hashes     [][]byte `json:"hashes"`
		Checkpoint struct {
			Envelope string `json:"envelope"`
		} `json:"checkpoint"`
	} `json:"inclusionProof"`
	CanonicalizedBody []byte `json:"canonicalizedBody"`
}

// file is a bundle as JSON, version 0.3 of the format.
type file struct {
	MediaType            string `json:"mediaType"`
	VerificationMaterial struct {
		Certificate *struct {
			RawBytes []byte `json:"rawBytes"`
		} `json:"certificate"`
		PublicKey *struct {
			Hint string `json:"hint"`
		} `json:"publicKey"`
		TlogEntries               []logEntry `json:"tlogEntries"`
		TimestampVerificationData *struct {
			RFC3161Timestamps []struct {
				SignedTimestamp []byte `json:"signedTimestamp"`
			} `json:"rfc3161Timestamps"`
		} `json:"timestampVerificationData"`
	} `json:"verificationMaterial"`
	MessageSignature *messageSignature `json:"messageSignature"`
	DSSEEnvelope     *envelope         `json:"dsseEnvelope"`
}

// members are all names in a bundle. encoding/json takes names in any case, and this reader does not: no
// two of these differ in case only.
const members = " mediaType verificationMaterial certificate rawBytes publicKey hint tlogEntries logIndex logId keyId kindVersion kind version integratedTime inclusionPromise signedEntryTimestamp inclusionProof rootHash treeSize hashes checkpoint envelope canonicalizedBody timestampVerificationData rfc3161Timestamps signedTimestamp messageSignature messageDigest algorithm digest signature dsseEnvelope payload payloadType signatures sig keyid "

// integer is a number of protobuf's JSON, which writes it as text.
type integer int64

// UnmarshalJSON reads digits, with or without quotes.
func (i *integer) UnmarshalJSON(data []byte) error {
	text := string(data)
	if unquoted, ok := strings.CutPrefix(text, `"`); ok {
		text = strings.TrimSuffix(unquoted, `"`)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != text {
		return fmt.Errorf("%.24q is not a number that a bundle may have", text)
	}
	*i = integer(n)
	return nil
}

func parseBundle(data []byte) (*bundle, error) {
	if len(data) > MaxBundleBytes {
		return nil, fmt.Errorf("it has %d bytes, and a bundle has at most %d", len(data), MaxBundleBytes)
	}
	if !utf8.Valid(data) {
		return nil, errors.New("it is not UTF-8")
	}
	tree, duplicate, err := rawjson.Decode(data)
	switch {
	case err != nil:
		return nil, fmt.Errorf("it is not JSON: %w", err)
	case duplicate != "":
		return nil, fmt.Errorf("it has %.40q twice", duplicate)
	}
	if err := exact(tree, 0); err != nil {
		return nil, err
	}
	var f file
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("it is not a bundle: %.200s", err.Error())
	}
	switch f.MediaType {
	case "application/vnd.dev.sigstore.bundle.v0.3+json", "application/vnd.dev.sigstore.bundle+json;version=0.3":
	default:
		return nil, fmt.Errorf("its media type is %.80q, and only version 0.3 of Sigstore bundles is read", f.MediaType)
	}
	return f.bundle()
}

// exact checks the names of all members, and how deep they are.
func exact(value any, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("it nests more than %d deep", maxDepth)
	}
	switch v := value.(type) {
	case nil:
		return errors.New("it has null where a value belongs")
	case map[string]any:
		for name, inner := range v {
			if strings.ContainsRune(name, ' ') || !strings.Contains(members, " "+name+" ") {
				return fmt.Errorf("it has %.40q, which is no part of a bundle", name)
			}
			if err := exact(inner, depth+1); err != nil {
				return err
			}
		}
	case []any:
		for _, inner := range v {
			if err := exact(inner, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *file) bundle() (*bundle, error) {
	m := &f.VerificationMaterial
	b := &bundle{entries: m.TlogEntries, message: f.MessageSignature, envelope: f.DSSEEnvelope}
	switch {
	case (f.MessageSignature == nil) == (f.DSSEEnvelope == nil):
		return nil, errors.New("it needs a signature or an envelope, one of them")
	case (m.Certificate == nil) == (m.PublicKey == nil):
		return nil, errors.New("it needs a certificate or a public key, one of them")
	case len(m.TlogEntries) > maxEntries:
		return nil, fmt.Errorf("it has %d log entries, and at most %d are read", len(m.TlogEntries), maxEntries)
	}
	if t := m.TimestampVerificationData; t != nil {
		if len(t.RFC3161Timestamps) > maxTimestamps {
			return nil, fmt.Errorf("it has %d timestamps, and at most %d are read", len(t.RFC3161Timestamps), maxTimestamps)
		}
		for _, s := range t.RFC3161Timestamps {
			if len(s.SignedTimestamp) > maxTimestamp {
				return nil, fmt.Errorf("a timestamp has %d bytes, and at most %d are read", len(s.SignedTimestamp), maxTimestamp)
			}
			b.timestamps = append(b.timestamps, s.SignedTimestamp)
		}
	}
	if m.Certificate != nil {
		leaf, err := x509.ParseCertificate(m.Certificate.RawBytes)
		if err != nil {
			return nil, fmt.Errorf("its certificate cannot be read: %w", err)
		}
		b.certificate = leaf
	}
	return b, nil
}
