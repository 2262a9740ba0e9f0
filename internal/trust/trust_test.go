package trust

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/provenance"
	"github.com/agenthost/agenthost/pdk/abi"
	intoto "github.com/in-toto/attestation/go/v1"
	"github.com/sigstore/sigstore-go/pkg/bundle"
)

// The files in testdata are those of a virtual Sigstore: go test ./internal/trust -update makes them.
const (
	ada      = "ada@acme.example"
	accounts = "https://accounts.acme.example"
)

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func manifestDigest(t testing.TB) string {
	sum := sha256.Sum256(testdata(t, "manifest"))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// key is a pair of keys in files.
type key struct {
	*PrivateKey
	public string
}

func newKey(t testing.TB) key {
	t.Helper()
	private, public, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for name, data := range map[string][]byte{"key": private, "key.pub": public} {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	k, err := ReadPrivateKey(filepath.Join(folder, "key"))
	if err != nil {
		t.Fatal(err)
	}
	return key{k, filepath.Join(folder, "key.pub")}
}

// made is about when the bundles of testdata were made.
func made(t testing.TB) time.Time {
	t.Helper()
	return time.Unix(parsed(t, testdata(t, "statement")).GetVerificationMaterial().GetTlogEntries()[0].GetIntegratedTime(), 0)
}

func byIdentity(identity, issuer string) *provenance.Trust {
	return &provenance.Trust{Root: filepath.Join("testdata", "root.json"), Signers: map[string][]provenance.TrustedSigner{"notes": {{Identity: identity, Issuer: issuer}}}}
}

func byKey(keys ...key) *provenance.Trust {
	trust := &provenance.Trust{Signers: make(map[string][]provenance.TrustedSigner)}
	for _, k := range keys {
		trust.Signers["notes"] = append(trust.Signers["notes"], provenance.TrustedSigner{KeyFile: k.public})
	}
	return trust
}

func check(t testing.TB, policy *provenance.Trust, now time.Time, artifact, name string, bundles ...[]byte) (Signature, error) {
	t.Helper()
	v, err := New(policy, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	return v.Check(t.Context(), artifact, name, bundles)
}

// refused fails unless an error is a refusal that says why.
func refused(t testing.TB, err error, why string) {
	t.Helper()
	public, ok := errors.AsType[*abi.Error](err)
	if !ok || public.Kind != abi.KindDenied || public.Rule == "" || public.Hint == "" || !strings.Contains(public.Message, why) {
		t.Errorf("%v, want a refusal that says %q", err, why)
	}
}

// changed is a bundle in which the value at a path is another. A nil value removes it.
func changed(t testing.TB, data []byte, path string, value any) []byte {
	t.Helper()
	var tree any
	if err := json.Unmarshal(data, &tree); err != nil {
		t.Fatal(err)
	}
	at := tree
	names := strings.Split(path, ".")
	for i, name := range names {
		if list, ok := at.([]any); ok {
			at = list[0]
		}
		object, ok := at.(map[string]any)
		if !ok {
			t.Fatalf("no %s in the bundle", path)
		}
		switch {
		case i < len(names)-1:
			at = object[name]
		case value == nil:
			delete(object, name)
		default:
			object[name] = value
		}
	}
	out, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestSignatures: one bundle of each kind that is read.
//
// threat: A11
func TestSignatures(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"statement", "provenance", "digest", "second"} {
		s, err := check(t, byIdentity(ada, accounts), made(t).Add(time.Hour), manifestDigest(t), "notes", testdata(t, name))
		if err != nil || s.Signer != (provenance.Signer{Identity: ada, Issuer: accounts}) || s.At.Sub(made(t)).Abs() > time.Hour {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	policy := byIdentity(ada, accounts)
	policy.Root = filepath.Join("testdata", "root_without_logs.json")
	if _, err := check(t, policy, made(t), manifestDigest(t), "notes", changed(t, testdata(t, "second"), "verificationMaterial.tlogEntries", nil)); err != nil {
		t.Errorf("a timestamp, where the root has no log: %v", err)
	}
	k := newKey(t)
	at := time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)
	signed, err := k.Sign(manifestDigest(t), "notes", at)
	if err != nil {
		t.Fatal(err)
	}
	s, err := check(t, byKey(newKey(t), k), at.Add(time.Hour), manifestDigest(t), "notes", []byte("{}"), signed)
	if err != nil || s.Signer != (provenance.Signer{Key: k.ID()}) || !s.At.Equal(at) {
		t.Errorf("a key: %+v, %v", s, err)
	}
}

// TestEntryOf: who signs each version as another tag is one signer, the entry of the policy.
//
// threat: A11
func TestEntryOf(t *testing.T) {
	t.Parallel()
	const workflow, actions = "https://github.com/acme/notes/.github/workflows/release.yml@refs/tags/v", "https://token.actions.githubusercontent.com"
	signers := []provenance.TrustedSigner{{KeyFile: "acme.pub"}, {Identity: ada, Issuer: accounts}, {Identity: workflow + "*", Issuer: actions}}
	for by, want := range map[provenance.Signer]provenance.Signer{
		{Identity: ada, Issuer: accounts}:                                               {Identity: ada, Issuer: accounts},
		{Identity: workflow + "1", Issuer: actions}:                                     {Identity: workflow + "*", Issuer: actions},
		{Identity: workflow + "2.0", Issuer: actions}:                                   {Identity: workflow + "*", Issuer: actions},
		{Identity: ada, Issuer: actions}:                                                {},
		{Identity: workflow + "1", Issuer: accounts}:                                    {},
		{Identity: "eve@acme.example", Issuer: accounts}:                                {},
		{Identity: strings.Replace(workflow, "acme", "evil", 1) + "1", Issuer: actions}: {},
		{Key: "sha256:x"}: {},
	} {
		if got, err := entryOf(signers, by); got != want || (err == nil) != (want != provenance.Signer{}) {
			t.Errorf("%s: %s, %v", by, got, err)
		}
	}
}

// TestNoPolicy: without an entry for a name a person decides, whoever signed.
func TestNoPolicy(t *testing.T) {
	t.Parallel()
	for _, bundles := range [][][]byte{nil, {testdata(t, "statement")}, {[]byte("nonsense")}} {
		if s, err := check(t, byIdentity(ada, accounts), made(t), manifestDigest(t), "others", bundles...); err != nil || s.Signer != (provenance.Signer{}) {
			t.Errorf("%+v, %v", s, err)
		}
	}
}

// TestTampering: each way to get another artifact, or another signer, past the policy.
//
// threat: A11
func TestTampering(t *testing.T) {
	t.Parallel()
	statement, digest, second := testdata(t, "statement"), testdata(t, "digest"), testdata(t, "second")
	now := made(t).Add(time.Hour)
	other := "sha256:" + strings.Repeat("ab", 32)
	zeros := make([]byte, 64)
	const material, entries = "verificationMaterial.", "verificationMaterial.tlogEntries."
	with := func(change func(*provenance.Trust)) *provenance.Trust {
		policy := byIdentity(ada, accounts)
		change(policy)
		return policy
	}
	revoke := func(r provenance.Revocation) *provenance.Trust {
		return with(func(p *provenance.Trust) { p.Revoked = []provenance.Revocation{r} })
	}
	e := field(t, testdata(t, "statement"), "verificationMaterial").(map[string]any)["tlogEntries"].([]any)[0]
	deep := []byte(strings.Repeat(`{"mediaType":`, 40) + "1" + strings.Repeat("}", 40))
	for name, c := range map[string]struct {
		policy   *provenance.Trust // by identity, if nil
		artifact string            // the one of testdata, if empty
		bundle   []byte
		why      string
	}{
		"bundle of another artifact":           {artifact: other, bundle: statement, why: "does not match any digest in statement"},
		"digest of another artifact":           {artifact: other, bundle: digest, why: "artifact does not match digest"},
		"digest changed to another artifact":   {artifact: other, bundle: changed(t, digest, "messageSignature.messageDigest.digest", bytes.Repeat([]byte{0xab}, 32)), why: "does not match artifact"},
		"wrong identity":                       {policy: byIdentity("eve@acme.example", accounts), bundle: statement, why: `"ada@acme.example" of "https://accounts.acme.example" is no signer of the policy`},
		"wrong issuer":                         {policy: byIdentity(ada, "https://accounts.evil.example"), bundle: statement, why: "the issuer \"https://accounts.acme.example\" is not its"},
		"expired certificate":                  {bundle: testdata(t, "expired"), why: "outside certificate validity"},
		"unknown root":                         {policy: with(func(p *provenance.Trust) { p.Root = filepath.Join("testdata", "root_of_others.json") }), bundle: statement, why: "not enough verified log entries"},
		"no root":                              {policy: with(func(p *provenance.Trust) { p.Root = "" }), bundle: statement, why: "no root that could vouch for it"},
		"no log entry":                         {bundle: changed(t, statement, "verificationMaterial.tlogEntries", nil), why: "not enough verified log entries"},
		"no proof":                             {bundle: changed(t, statement, entries+"inclusionProof", nil), why: "inclusion proof missing"},
		"no promise and no timestamp":          {bundle: changed(t, statement, entries+"inclusionPromise", nil), why: "failed to verify timestamps"},
		"log entry with another time":          {bundle: changed(t, statement, entries+"integratedTime", fmt.Sprint(now.Unix()-3500)), why: "not enough verified log entries"},
		"log entry with another place":         {bundle: changed(t, statement, entries+"logIndex", "7"), why: "not enough verified log entries"},
		"log entry with another body":          {bundle: changed(t, statement, entries+"canonicalizedBody", []byte(`{"kind":"dsse","apiVersion":"0.0.1"}`)), why: "not a recognizable Rekor"},
		"log entry of another signature":       {bundle: swapped(t, statement, testdata(t, "scan"), "verificationMaterial", "tlogEntries"), why: "log signature does not match"},
		"checkpoint of another root":           {bundle: changed(t, statement, entries+"inclusionProof.rootHash", zeros[:32]), why: "calculated root"},
		"checkpoint not signed":                {bundle: changed(t, statement, entries+"inclusionProof.checkpoint.envelope", unsigned(t, statement)), why: "signature on checkpoint did not verify"},
		"proof that leads elsewhere":           {bundle: changed(t, changed(t, statement, entries+"inclusionProof.hashes", [][]byte{zeros[:32]}), entries+"inclusionProof.treeSize", "2"), why: "calculated root"},
		"log entry of the second Rekor":        {bundle: swapped(t, second, statement, "verificationMaterial", "tlogEntries"), why: "log signature does not match"},
		"timestamp of another signature":       {bundle: swapped(t, second, testdata(t, "provenance"), "verificationMaterial", "timestampVerificationData"), why: "failed to verify timestamps"},
		"no timestamp for the second Rekor":    {bundle: changed(t, second, "verificationMaterial.timestampVerificationData", nil), why: "failed to verify timestamps"},
		"certificate of another signature":     {bundle: swapped(t, statement, digest, "verificationMaterial", "certificate"), why: "log certificate does not match"},
		"certificate of another digest":        {bundle: swapped(t, digest, statement, "verificationMaterial", "certificate"), why: "log certificate does not match"},
		"certificate of another, second Rekor": {bundle: swapped(t, second, statement, "verificationMaterial", "certificate"), why: "failed to verify log inclusion"},
		"signature of another envelope":        {bundle: swapped(t, statement, testdata(t, "scan"), "dsseEnvelope", "signatures"), why: "log signature does not match"},
		"statement that is no consent":         {bundle: testdata(t, "scan"), why: "neither a signature nor how it was built"},
		"digest of another algorithm":          {bundle: changed(t, digest, "messageSignature.messageDigest.algorithm", "SHA2_512"), why: "digest algorithm mismatch"},
		"digest of another length":             {bundle: changed(t, digest, "messageSignature.messageDigest.digest", zeros), why: "does not match artifact"},
		"two kinds of content":                 {bundle: changed(t, statement, "messageSignature", map[string]any{"signature": zeros}), why: "is already set"},
		"two kinds of signer":                  {bundle: changed(t, statement, material+"publicKey", map[string]any{"hint": ""}), why: "is already set"},
		"a key in the place of an identity":    {bundle: changed(t, changed(t, statement, material+"certificate", nil), material+"publicKey", map[string]any{"hint": ""}), why: "the policy names identities"},
		"media type of the first version":      {bundle: changed(t, statement, "mediaType", "application/vnd.dev.sigstore.bundle+json;version=0.1"), why: "only version 0.3"},
		"media type of a later version":        {bundle: changed(t, statement, "mediaType", "application/vnd.dev.sigstore.bundle.v0.30+json"), why: "not yet supported"},
		"media type with a parameter":          {bundle: changed(t, statement, "mediaType", provenance.BundleType+"; charset=utf-8"), why: "unsupported media type"},
		"no media type":                        {bundle: changed(t, statement, "mediaType", nil), why: "unsupported media type"},
		"payload of another type":              {bundle: changed(t, statement, "dsseEnvelope.payloadType", "application/json"), why: "could not verify envelope"},
		"two signatures in an envelope":        {bundle: changed(t, statement, "dsseEnvelope.signatures", []any{map[string]any{"sig": zeros}, map[string]any{"sig": zeros}}), why: "has 2 signatures"},
		"a chain of certificates":              {bundle: changed(t, statement, material+"x509CertificateChain", map[string]any{"certificates": []any{}}), why: "is already set"},
		"a member in other letters":            {bundle: bytes.Replace(statement, []byte(`"payload":`), []byte(`"Payload":`), 1), why: "unknown field"},
		"a member twice":                       {bundle: bytes.Replace(statement, []byte(`"mediaType":`), []byte(`"mediaType": "x", "mediaType":`), 1), why: "twice"},
		"text behind the bundle":               {bundle: append(bytes.Clone(statement), "{}"...), why: "not JSON"},
		"huge bundle":                          {bundle: bytes.Repeat([]byte(" "), MaxBundleBytes+1), why: "and a bundle has at most"},
		"deep JSON":                            {bundle: deep, why: "deep"},
		"deeper JSON":                          {bundle: bytes.Repeat([]byte("["), 100_000), why: "not JSON"},
		"five log entries":                     {bundle: changed(t, statement, "verificationMaterial.tlogEntries", []any{e, e, e, e, e}), why: "at most 4"},
		"a log entry twice":                    {bundle: doubled(t, statement), why: "duplicate tlog entries"},
		"huge timestamp":                       {bundle: changed(t, second, material+"timestampVerificationData.rfc3161Timestamps", []any{map[string]any{"signedTimestamp": make([]byte, maxTimestamp+1)}}), why: "at most 16384"},
		"revoked artifact":                     {policy: revoke(provenance.Revocation{Digest: manifestDigest(t)}), bundle: statement, why: "is revoked"},
		"revoked signer":                       {policy: revoke(provenance.Revocation{Identity: ada}), bundle: statement, why: "is revoked"},
		"revoked signer of the issuer":         {policy: revoke(provenance.Revocation{Identity: ada, Issuer: accounts}), bundle: statement, why: "is revoked"},
		"signature that is too old for freeze": {policy: with(func(p *provenance.Trust) { p.MaxAge = time.Minute }), bundle: statement, why: "trust.max_age is 1m0s"},
		"trust entry for another name":         {policy: &provenance.Trust{Signers: map[string][]provenance.TrustedSigner{"notes": {{Identity: "bob@acme.example", Issuer: accounts}}, "others": {{Identity: ada, Issuer: accounts}}}, Root: filepath.Join("testdata", "root.json")}, bundle: statement, why: "no signer of the policy"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.policy == nil {
				c.policy = byIdentity(ada, accounts)
			}
			if c.artifact == "" {
				c.artifact = manifestDigest(t)
			}
			s, err := check(t, c.policy, now, c.artifact, "notes", c.bundle)
			if s != (Signature{}) {
				t.Errorf("accepted: %+v", s)
			}
			refused(t, err, c.why)
		})
	}
	_, err := check(t, byIdentity(ada, accounts), now, manifestDigest(t), "notes")
	refused(t, err, "connector notes has no signature")
	_, err = check(t, byIdentity(ada, accounts), made(t).Add(-time.Hour), manifestDigest(t), "notes", statement)
	refused(t, err, "from the future")
}

// swapped is a bundle with a member of another one.
func swapped(t testing.TB, data, other []byte, outer, inner string) []byte {
	t.Helper()
	var from map[string]map[string]any
	if err := json.Unmarshal(bytes.Replace(other, []byte(`"mediaType": "`+provenance.BundleType+`",`), nil, 1), &from); err != nil {
		t.Fatal(err)
	}
	return changed(t, data, outer+"."+inner, from[outer][inner])
}

// doubled is a bundle with its log entry twice.
func doubled(t testing.TB, data []byte) []byte {
	t.Helper()
	var tree map[string]any
	if err := json.Unmarshal(data, &tree); err != nil {
		t.Fatal(err)
	}
	list := tree["verificationMaterial"].(map[string]any)["tlogEntries"].([]any)
	return changed(t, data, "verificationMaterial.tlogEntries", append(list, list...))
}

// unsigned is the checkpoint of a bundle with a signature of nobody.
func unsigned(t testing.TB, data []byte) string {
	t.Helper()
	text, _, _ := strings.Cut(checkpoint(t, data), "\n\n")
	return text + "\n\n\u2014 rekor.localhost AAAAAAAAAAAAAAAA\n"
}

// checkpoint is the note of the log in a bundle's proof.
func checkpoint(t testing.TB, data []byte) string {
	t.Helper()
	return parsed(t, data).GetVerificationMaterial().GetTlogEntries()[0].GetInclusionProof().GetCheckpoint().GetEnvelope()
}

// TestRootsThatSayLess: what vouches for a bundle counts in its own time, and under its own name.
//
// threat: A11
func TestRootsThatSayLess(t *testing.T) {
	t.Parallel()
	now := made(t).Add(time.Hour)
	past := map[string]any{"start": "2020-01-01T00:00:00Z", "end": "2020-02-01T00:00:00Z"}
	second, trusted := testdata(t, "second"), testdata(t, "root")
	const at = "verificationMaterial.tlogEntries.inclusionProof.checkpoint.envelope"
	stamp := bytes.Clone(parsed(t, second).GetVerificationMaterial().GetTimestampVerificationData().GetRfc3161Timestamps()[0].GetSignedTimestamp())
	stamp[len(stamp)-1] ^= 1
	note := checkpoint(t, second)
	for name, c := range map[string]struct {
		bundle, root []byte
		why          string // empty for a bundle that is good
	}{
		"as it is":                  {second, trusted, ""},
		"a line of another name":    {changed(t, second, at, strings.Replace(note, "\u2014 rekor.localhost", "\u2014 other.example", 1)), trusted, "log inclusion"},
		"a line of a witness":       {changed(t, second, at, strings.Replace(note, "\u2014 ", "\u2014 witness.example AAAAAAAAAAAA\n\u2014 ", 1)), trusted, ""},
		"a log that was not in use": {testdata(t, "statement"), changed(t, trusted, "tlogs.publicKey.validFor", past), "log inclusion"},
		"an authority that was not": {second, changed(t, trusted, "certificateAuthorities.validFor", past), "leaf certificate"},
		"no authority":              {second, changed(t, trusted, "certificateAuthorities", nil), "leaf certificate"},
		"a clock that was not":      {second, changed(t, trusted, "timestampAuthorities.validFor", past), "timestamps"},
		"no clock":                  {second, changed(t, trusted, "timestampAuthorities", nil), "timestamps"},
		"logs of certificates":      {second, changed(t, trusted, "ctlogs", field(t, trusted, "tlogs")), "certificate timestamp"},
		"a timestamp that changed":  {changed(t, second, "verificationMaterial.timestampVerificationData.rfc3161Timestamps.signedTimestamp", stamp), trusted, "timestamps"},
	} {
		file := filepath.Join(t.TempDir(), "root.json")
		if err := os.WriteFile(file, c.root, 0o600); err != nil {
			t.Fatal(err)
		}
		policy := byIdentity(ada, accounts)
		policy.Root = file
		s, err := check(t, policy, now, manifestDigest(t), "notes", c.bundle)
		if c.why != "" {
			if s != (Signature{}) {
				t.Errorf("%s is taken", name)
			}
			refused(t, err, c.why)
		} else if err != nil || s.At.IsZero() {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

func field(t testing.TB, data []byte, name string) any {
	t.Helper()
	var tree map[string]any
	if err := json.Unmarshal(data, &tree); err != nil {
		t.Fatal(err)
	}
	return tree[name]
}

func parsed(t testing.TB, data []byte) *bundle.Bundle {
	t.Helper()
	b, err := readBundle(data)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestKeys: what a key signs, and the rule for a signature of which nobody says when it was made.
//
// threat: A11
func TestKeys(t *testing.T) {
	t.Parallel()
	k, stranger := newKey(t), newKey(t)
	at := time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)
	artifact := manifestDigest(t)
	sign := func(by key, at time.Time) []byte {
		data, err := by.Sign(artifact, "notes", at)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	timeless, err := k.seal(fmt.Appendf(nil, `{"_type":%q,"predicateType":%q,"subject":[{"digest":{"sha256":%q}}],"predicate":{"a":[1]}}`, intoto.StatementTypeUri, predicateSign, artifact[len("sha256:"):]))
	if err != nil {
		t.Fatal(err)
	}
	_, err = check(t, byKey(k), at, artifact, "notes", sign(stranger, at))
	refused(t, err, "no key of the policy has made it")
	_, err = check(t, byKey(k), at, artifact, "notes", testdata(t, "statement"))
	refused(t, err, "no root that could vouch for it")
	revoked := byKey(k)
	revoked.Revoked = []provenance.Revocation{{Key: k.ID()}}
	_, err = check(t, revoked, at, artifact, "notes", sign(k, at))
	refused(t, err, "is revoked")
	_, err = check(t, byKey(k), at.Add(-time.Hour), artifact, "notes", sign(k, at))
	refused(t, err, "from the future")

	if s, err := check(t, byKey(k), at, artifact, "notes", timeless); err != nil || !s.At.IsZero() {
		t.Errorf("without a time: %+v, %v", s, err)
	}
	fresh := byKey(k)
	fresh.MaxAge = time.Hour
	_, err = check(t, fresh, at, artifact, "notes", timeless)
	refused(t, err, "nobody says when it was made")
	_, err = check(t, fresh, at.Add(2*time.Hour), artifact, "notes", sign(k, at))
	refused(t, err, "trust.max_age is 1h0m0s")
	if s, err := check(t, fresh, at.Add(30*time.Minute), artifact, "notes", sign(k, at.Add(-time.Hour)), sign(k, at), timeless); err != nil || !s.At.Equal(at) {
		t.Errorf("an older signature beside the newer: %+v, %v", s, err)
	}
	subject := func(predicate, more string) string {
		return fmt.Sprintf(`{"_type":%q,"predicateType":%q,"subject":[{"digest":{"sha256":%q}%s}]}`, intoto.StatementTypeUri, predicate, artifact[7:], more)
	}
	for statement, why := range map[string]string{
		`[]`: "unable to extract statement",
		`{"_type":"` + intoto.StatementTypeUri + `","predicateType":"` + predicateSign + `","subject":[]}`:                                             "digests",
		`{"_type":"` + intoto.StatementTypeUri + `","predicateType":"` + predicateSign + `","subject":[{"digest":{"sha512":"` + artifact[7:] + `"}}]}`: "digest",
		subject("https://x.example", ""): "neither a signature",
		subject(predicateSign, `},{"digest":{"sha256":"`+strings.Repeat("0", 64)+`"}`+strings.Repeat(`},{"digest":{"sha256":"`+strings.Repeat("0", 64)+`"}`, maxSubjects)): "subjects",
		subject(predicateSign, `,"annotations":{"`+signedAt+`":"now"}`):              "not the time of a signature",
		subject(predicateSign, `,"annotations":{},"annotations":{}`):                 "decoding json",
		strings.Replace(subject(predicateSign, ""), intoto.StatementTypeUri, "x", 1): "statement",
	} {
		data, err := k.seal([]byte(statement))
		if err != nil {
			t.Fatal(err)
		}
		_, err = check(t, byKey(k), at, artifact, "notes", data)
		refused(t, err, why)
	}
}

// TestThousandBundles: a registry that lists very many costs no more than one that lists a few.
//
// threat: A11
func TestThousandBundles(t *testing.T) {
	t.Parallel()
	many := make([][]byte, 1000)
	for i := range many {
		many[i] = testdata(t, "statement")
	}
	start := time.Now()
	_, err := check(t, byIdentity("eve@acme.example", accounts), made(t), manifestDigest(t), "notes", many...)
	refused(t, err, "and 13 more")
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("%d bundles took %s", len(many), took)
	}
}

// TestPanicIsAnError: what a parser cannot stand is the refusal of one bundle.
func TestPanicIsAnError(t *testing.T) {
	t.Parallel()
	v := &Verifier{root: &trustedRoot{}} // without a verifier
	if _, err := v.guarded(nil, nil, testdata(t, "statement")); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("%v", err)
	}
}

// TestFilesOfThePolicy: an error names the key of the configuration.
func TestFilesOfThePolicy(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	k := newKey(t)
	for name, c := range map[string]struct {
		policy *provenance.Trust
		field  string
	}{
		"no root":         {&provenance.Trust{Root: filepath.Join(folder, "none")}, "trust.root"},
		"a folder":        {&provenance.Trust{Root: folder}, "trust.root"},
		"no JSON":         {&provenance.Trust{Root: file("a", "x")}, "trust.root"},
		"a bundle":        {&provenance.Trust{Root: filepath.Join("testdata", "statement.json")}, "trust.root"},
		"an empty root":   {&provenance.Trust{Root: file("b", `{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}`)}, "trust.root"},
		"a root too big":  {&provenance.Trust{Root: file("c", strings.Repeat(" ", maxRoot+1))}, "trust.root"},
		"no key":          {byKey(key{public: filepath.Join(folder, "none")}), "trust.signers.notes.key"},
		"no PEM":          {byKey(key{public: file("d", "x")}), "trust.signers.notes.key"},
		"the private key": {byKey(key{public: strings.TrimSuffix(k.public, ".pub")}), "trust.signers.notes.key"},
	} {
		_, err := New(c.policy, time.Now)
		if public, ok := errors.AsType[*abi.Error](err); !ok || public.Field != c.field || public.Hint == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzBundle: no bundle panics, none but the good ones is taken for somebody's, and each takes little time.
//
// threat: A11
func FuzzBundle(f *testing.F) {
	for _, name := range []string{"statement", "provenance", "digest", "second", "expired", "scan"} {
		f.Add(testdata(f, name))
	}
	v, err := New(byIdentity("eve@acme.example", accounts), time.Now)
	if err != nil {
		f.Fatal(err)
	}
	artifact, _ := hex.DecodeString(manifestDigest(f)[len("sha256:"):])
	f.Fuzz(func(t *testing.T, data []byte) {
		start := time.Now()
		if _, err := v.guarded(artifact, v.policy.Signers["notes"], data); err == nil || strings.Contains(err.Error(), "it cannot be read:") {
			t.Fatalf("%v", err)
		}
		if took := time.Since(start); took > time.Second {
			t.Fatalf("it took %s", took)
		}
	})
}
