package trust

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/testing/ca"
	"github.com/sigstore/sigstore-go/pkg/tlog"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"google.golang.org/protobuf/encoding/protojson"
)

// artifact is the manifest that all bundles sign.
var artifact = []byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json"}`)

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// virtual is a Sigstore in memory.
type virtual struct {
	*ca.VirtualSigstore
	t testing.TB
}

func newVirtual(t testing.TB) *virtual {
	t.Helper()
	v, err := ca.NewVirtualSigstore()
	if err != nil {
		t.Fatal(err)
	}
	return &virtual{v, t}
}

func must[T any](t testing.TB) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// root is the trusted root, with the logs or without them.
func (v *virtual) root(logs bool) []byte {
	all := map[string]*root.TransparencyLog{}
	if logs {
		for id, log := range v.RekorLogs() {
			log.ID = must[[]byte](v.t)(hex.DecodeString(id))
			all[id] = log
		}
	}
	r := must[*root.TrustedRoot](v.t)(root.NewTrustedRoot(root.TrustedRootMediaType01, v.FulcioCertificateAuthorities(), nil, v.TimestampingAuthorities(), all))
	return must[[]byte](v.t)(r.MarshalJSON())
}

// stated is an in-toto statement about the artifact.
func stated(predicate string, of []byte) []byte {
	return fmt.Appendf(nil, `{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"notes","digest":{"sha256":%q}}],"predicateType":%q,"predicate":{}}`, digestOf(of)[len("sha256:"):], predicate)
}

// bundle writes what was signed as a bundle.
func (v *virtual) bundle(entity *ca.TestEntity, kind, version string, stamped bool) []byte {
	signature := must[verify.SignatureContent](v.t)(entity.SignatureContent())
	content := must[verify.VerificationContent](v.t)(entity.VerificationContent())
	b := &protobundle.Bundle{
		MediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
		VerificationMaterial: &protobundle.VerificationMaterial{Content: &protobundle.VerificationMaterial_Certificate{
			Certificate: &protocommon.X509Certificate{RawBytes: content.Certificate().Raw},
		}},
	}
	if m := signature.MessageSignatureContent(); m != nil {
		b.Content = &protobundle.Bundle_MessageSignature{MessageSignature: &protocommon.MessageSignature{
			MessageDigest: &protocommon.HashOutput{Algorithm: protocommon.HashAlgorithm_SHA2_256, Digest: m.Digest()}, Signature: m.Signature(),
		}}
	} else {
		e := signature.EnvelopeContent().RawEnvelope()
		b.Content = &protobundle.Bundle_DsseEnvelope{DsseEnvelope: &protodsse.Envelope{
			Payload: must[[]byte](v.t)(base64.StdEncoding.DecodeString(e.Payload)), PayloadType: e.PayloadType,
			Signatures: []*protodsse.Signature{{Sig: signature.Signature()}},
		}}
	}
	for _, entry := range must[[]*tlog.Entry](v.t)(entity.TlogEntries()) {
		b.VerificationMaterial.TlogEntries = append(b.VerificationMaterial.TlogEntries, v.entry(entry, kind, version))
	}
	if stamped {
		data := &protobundle.TimestampVerificationData{}
		for _, timestamp := range must[[][]byte](v.t)(entity.Timestamps()) {
			data.Rfc3161Timestamps = append(data.Rfc3161Timestamps, &protocommon.RFC3161SignedTimestamp{SignedTimestamp: timestamp})
		}
		b.VerificationMaterial.TimestampVerificationData = data
	}
	return must[[]byte](v.t)(protojson.Marshal(b))
}

// entry completes an entry: the promise of the virtual log is not to be had, so it is asked for again.
func (v *virtual) entry(entry *tlog.Entry, kind, version string) *protorekor.TransparencyLogEntry {
	e := entry.TransparencyLogEntry()
	if entry.IsRekorV2() {
		return e
	}
	e.KindVersion = &protorekor.KindVersion{Kind: kind, Version: version}
	promise := must[[]byte](v.t)(v.RekorSignPayload(tlog.RekorPayload{Body: entry.Body(), IntegratedTime: e.IntegratedTime, LogIndex: e.LogIndex, LogID: hex.EncodeToString(e.LogId.KeyId)}))
	e.InclusionPromise = &protorekor.InclusionPromise{SignedEntryTimestamp: promise}
	if e.InclusionProof == nil {
		proof, err := v.GetInclusionProof(e.CanonicalizedBody)
		if err != nil {
			v.t.Fatal(err)
		}
		e.InclusionProof = &protorekor.InclusionProof{LogIndex: *proof.LogIndex, TreeSize: *proof.TreeSize, RootHash: must[[]byte](v.t)(hex.DecodeString(*proof.RootHash)), Checkpoint: &protorekor.Checkpoint{Envelope: *proof.Checkpoint}}
	}
	return e
}

// bundles are one of each kind that is read, and one that is too old.
func (v *virtual) bundles(now time.Time) map[string][]byte {
	const sign = "https://sigstore.dev/cosign/sign/v1"
	entity := must[*ca.TestEntity](v.t)
	return map[string][]byte{
		"statement":  v.bundle(entity(v.AttestAtTime(ada, accounts, stated(sign, artifact), now, true)), "dsse", "0.0.1", false),
		"provenance": v.bundle(entity(v.AttestAtTime(ada, accounts, stated("https://slsa.dev/provenance/v1", artifact), now, true)), "dsse", "0.0.1", true),
		"digest":     v.bundle(entity(v.SignAtTime(ada, accounts, artifact, now)), "hashedrekord", "0.0.1", false),
		"second":     v.bundle(entity(v.AttestAtTimeHashedRekordV2(ada, accounts, stated(sign, artifact), now)), "", "", true),
		"expired":    v.bundle(entity(v.AttestAtTime(ada, accounts, stated(sign, artifact), now.Add(50*time.Minute), true)), "dsse", "0.0.1", false),
		"scan":       v.bundle(entity(v.AttestAtTime(ada, accounts, stated("https://cosign.sigstore.dev/attestation/vuln/v1", artifact), now, true)), "dsse", "0.0.1", false),
	}
}

func compact(t testing.TB, data []byte) []byte {
	t.Helper()
	var value any
	if err := json.Unmarshal(data, &value); err != nil {
		t.Fatal(err)
	}
	return must[[]byte](t)(json.MarshalIndent(value, "", " "))
}

var update = flag.Bool("update", false, "write the bundles in testdata anew")

// TestFreshBundles: bundles of each kind that a Sigstore makes now are read, and the expired one and the scan are refused.
//
// threat: A11
func TestFreshBundles(t *testing.T) {
	t.Parallel()
	v := newVirtual(t)
	all := v.bundles(time.Now().Add(time.Minute))
	all["root"], all["root_without_logs"], all["root_of_others"] = v.root(true), v.root(false), newVirtual(t).root(true)
	folder := t.TempDir()
	if *update {
		folder = "testdata"
		all["manifest"] = artifact
	}
	for name, data := range all {
		if name != "manifest" {
			data = append(compact(t, data), '\n')
		}
		if err := os.WriteFile(filepath.Join(folder, name+".json"), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	policy := byIdentity(ada, accounts)
	policy.Root = filepath.Join(folder, "root.json")
	for _, name := range []string{"statement", "provenance", "digest", "second", "expired", "scan"} {
		_, err := check(t, policy, time.Now().Add(time.Hour), digestOf(artifact), "notes", all[name])
		if (err == nil) != (name != "expired" && name != "scan") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
