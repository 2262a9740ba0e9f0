package sigstoretest

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/provenance"
	"github.com/agenthost/agenthost/internal/trust"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

var (
	update = flag.Bool("update", false, "write internal/trust/testdata anew")
	cases  = flag.Int("mutations", 300, "how many changes of each bundle are compared")
	seed   = flag.Uint64("seed", 1, "of the changes")
)

// ours checks a bundle with internal/trust.
func ours(t testing.TB, trustedRoot []byte) func(data []byte) error {
	t.Helper()
	file := filepath.Join(t.TempDir(), "root.json")
	if err := os.WriteFile(file, trustedRoot, 0o600); err != nil {
		t.Fatal(err)
	}
	v := must[*trust.Verifier](t)(trust.New(&provenance.Trust{Root: file, Signers: map[string][]provenance.TrustedSigner{"notes": {{Identity: identity, Issuer: issuer}}}}, func() time.Time { return time.Now().Add(time.Hour) }))
	return func(data []byte) error {
		_, err := v.Verify(t.Context(), digestOf(artifact), "notes", [][]byte{data})
		return err
	}
}

// theirs checks a bundle with sigstore-go.
func theirs(t testing.TB, trustedRoot []byte, logs bool) func(data []byte) error {
	t.Helper()
	material := must[*root.TrustedRoot](t)(root.NewTrustedRootFromJSON(trustedRoot))
	options := []verify.VerifierOption{verify.WithObserverTimestamps(1)}
	if logs {
		options = append(options, verify.WithTransparencyLog(1))
	}
	v := must[*verify.Verifier](t)(verify.NewVerifier(material, options...))
	id := must[verify.CertificateIdentity](t)(verify.NewShortCertificateIdentity(issuer, "", identity, ""))
	sum := sha256.Sum256(artifact)
	return func(data []byte) error {
		var b bundle.Bundle
		if err := b.UnmarshalJSON(data); err != nil {
			return err
		}
		_, err := v.Verify(&b, verify.NewPolicy(verify.WithArtifactDigest("sha256", sum[:]), verify.WithCertificateIdentity(id)))
		return err
	}
}

// TestAgreement: what sigstore-go accepts of the kinds that are read, internal/trust accepts too.
//
// threat: A11
func TestAgreement(t *testing.T) {
	v := newVirtual(t)
	made := v.bundles(time.Now().Add(time.Minute))
	with, without := v.root(true), v.root(false)
	for name, data := range made {
		we, they := ours(t, with)(data), theirs(t, with, true)(data)
		stricter := name == "scan" // a statement that is no consent
		if (we == nil) != (they == nil) && !stricter || stricter && (we == nil || they != nil) || (name == "expired") != (they != nil) {
			t.Errorf("%s: internal/trust says %v, sigstore-go %v", name, we, they)
		}
	}
	if *update {
		write(t, v, made, with, without)
	}
}

// TestChangedBundles: no change of a bundle that sigstore-go refuses is accepted by internal/trust.
//
// threat: A11
func TestChangedBundles(t *testing.T) {
	v := newVirtual(t)
	trustedRoot := v.root(true)
	we, they := ours(t, trustedRoot), theirs(t, trustedRoot, true)
	source := rand.New(rand.NewPCG(*seed, 0))
	accepted := 0
	made := v.bundles(time.Now().Add(time.Minute))
	all := slices.Collect(maps.Values(made))
	for name, data := range made {
		for range *cases {
			changed := mutate(source, data)
			if source.IntN(2) == 0 {
				changed = exchange(t, source, data, all[source.IntN(len(all))])
			}
			if we(changed) != nil {
				continue
			}
			accepted++
			if err := they(changed); err != nil {
				t.Errorf("seed %d, %s: internal/trust accepts what sigstore-go refuses: %v\n%s", *seed, name, err, changed)
			}
		}
	}
	t.Logf("%d changed bundles were accepted by both", accepted)
}

// mutate changes a few bytes, mostly to others that a bundle has.
func mutate(source *rand.Rand, data []byte) []byte {
	changed := bytes.Clone(data)
	for range 1 + source.IntN(3) {
		at, other := source.IntN(len(changed)), source.IntN(len(changed))
		switch source.IntN(4) {
		case 0:
			changed[at] = byte(source.IntN(256))
		case 1:
			changed[at] = changed[other]
		case 2:
			changed = append(changed[:at], changed[at+1:]...)
		default:
			end := min(len(data), other+source.IntN(40))
			changed = append(changed[:at:at], append(bytes.Clone(data[min(other, end):end]), changed[at:]...)...)
		}
	}
	return changed
}

// exchange takes some members of a bundle from another one, or leaves them out.
func exchange(t *testing.T, source *rand.Rand, data, other []byte) []byte {
	t.Helper()
	var tree, from any
	if err := errors.Join(json.Unmarshal(data, &tree), json.Unmarshal(other, &from)); err != nil {
		t.Fatal(err)
	}
	for range 1 + source.IntN(3) {
		tree = replace(source, tree, from)
	}
	return must[[]byte](t)(json.Marshal(tree))
}

func replace(source *rand.Rand, into, from any) any {
	if source.IntN(6) == 0 {
		return from
	}
	switch v := into.(type) {
	case map[string]any:
		names := slices.Sorted(maps.Keys(v))
		if len(names) == 0 {
			return from
		}
		name := names[source.IntN(len(names))]
		other, _ := from.(map[string]any)
		if inner, ok := other[name]; ok {
			v[name] = replace(source, v[name], inner)
		} else if source.IntN(4) == 0 {
			delete(v, name)
		}
		return v
	case []any:
		other, _ := from.([]any)
		if len(v) == 0 || len(other) == 0 {
			return from
		}
		v[0] = replace(source, v[0], other[0])
		return v
	case string:
		if other, ok := from.(string); ok && len(v) > 0 && source.IntN(3) == 0 {
			at := source.IntN(len(v))
			return v[:at] + other[min(at, len(other)):]
		}
	}
	return from
}

// write writes what the tests of internal/trust read.
func write(t *testing.T, v *virtual, made map[string][]byte, with, without []byte) {
	t.Helper()
	folder := filepath.Join("..", "trust", "testdata")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	made["root"], made["root_without_logs"], made["root_of_others"] = with, without, newVirtual(t).root(true)
	for name, data := range made {
		if err := os.WriteFile(filepath.Join(folder, name+".json"), append(compact(t, data), '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "manifest.json"), artifact, 0o644); err != nil {
		t.Fatal(err)
	}
}
