package trust

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/agenthost/agenthost/internal/provenance"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/sigstore/sigstore-go/pkg/bundle"
)

// The most that one bundle may have.
const (
	maxDepth      = 16
	maxEntries    = 4
	maxTimestamps = 4
	maxTimestamp  = 16 << 10
)

// mediaTypes are those of version 0.3 of bundles, which cosign and GitHub make.
var mediaTypes = []string{provenance.BundleType, "application/vnd.dev.sigstore.bundle+json;version=0.3"}

// readBundle reads a bundle, of which nothing is checked then. What it may have is bounded before sigstore-go reads it.
func readBundle(data []byte) (*bundle.Bundle, error) {
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
	case depth(tree) > maxDepth:
		return nil, fmt.Errorf("it nests more than %d deep", maxDepth)
	}
	var b bundle.Bundle
	if err := b.UnmarshalJSON(data); err != nil {
		return nil, fmt.Errorf("it is not a bundle: %.200s", err.Error())
	}
	m := b.GetVerificationMaterial()
	stamps := m.GetTimestampVerificationData().GetRfc3161Timestamps()
	switch signatures := b.GetDsseEnvelope().GetSignatures(); {
	case !slices.Contains(mediaTypes, b.GetMediaType()):
		return nil, fmt.Errorf("its media type is %.80q, and only version 0.3 of Sigstore bundles is read", b.GetMediaType())
	case len(m.GetTlogEntries()) > maxEntries:
		return nil, fmt.Errorf("it has %d log entries, and at most %d are read", len(m.GetTlogEntries()), maxEntries)
	case len(stamps) > maxTimestamps:
		return nil, fmt.Errorf("it has %d timestamps, and at most %d are read", len(stamps), maxTimestamps)
	case b.GetDsseEnvelope() != nil && len(signatures) != 1:
		return nil, fmt.Errorf("its envelope has %d signatures, and needs one", len(signatures))
	}
	for _, s := range stamps {
		if n := len(s.GetSignedTimestamp()); n > maxTimestamp {
			return nil, fmt.Errorf("a timestamp has %d bytes, and at most %d are read", n, maxTimestamp)
		}
	}
	return &b, nil
}

func depth(value any) int {
	deepest := 0
	switch v := value.(type) {
	case map[string]any:
		for _, inner := range v {
			deepest = max(deepest, 1+depth(inner))
		}
	case []any:
		for _, inner := range v {
			deepest = max(deepest, 1+depth(inner))
		}
	}
	return deepest
}
