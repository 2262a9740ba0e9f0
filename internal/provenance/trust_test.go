package provenance

import (
	"strings"
	"testing"
)

// threat: A11
func TestCheckIdentity(t *testing.T) {
	t.Parallel()
	const workflow = "https://github.com/acme/notes/.github/workflows/release.yml@refs/"
	for _, good := range []string{
		"ada@acme.example", "https://accounts.acme.example/robots/1", workflow + "tags/v1.2.0", workflow + "heads/main",
		workflow + "tags/*", workflow + "tags/v*", workflow + "heads/release-*", "https://gitlab.example:8443/acme/notes//.gitlab-ci.yml@refs/tags/v*",
	} {
		if err := CheckIdentity(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "*", ".*", "https://*", "https://github.com/*", "https://github.com/acme/*", "https://*/acme/notes/w.yml@refs/tags/v1",
		"https://github.com/*/notes/.github/workflows/release.yml@refs/tags/v1", workflow + "*", workflow + "heads/*", workflow + "tags/v*.*",
		"https://github.com/acme@refs/tags/*", "https://github.com@refs/tags/*", "https://github.com/acme/notes/*@refs/tags/v1", "*@acme.example", "ada@*", "ada", "http://acme.example/x",
		"https://acme.example/" + strings.Repeat("a", 1100), "https://acme.example/a b",
	} {
		if CheckIdentity(bad) == nil {
			t.Errorf("%q is taken for an identity", bad)
		}
	}
	for issuer, good := range map[string]bool{"https://token.actions.githubusercontent.com": true, "https://*": false, "http://a.example": false, "": false, "accounts": false} {
		if (CheckIssuer(issuer) == nil) != good {
			t.Errorf("issuer %q", issuer)
		}
	}
}

// threat: A11
func TestIdentifies(t *testing.T) {
	t.Parallel()
	const at = "https://github.com/acme/notes/.github/workflows/release.yml@refs/tags/v"
	for _, c := range []struct {
		pattern, identity string
		want              bool
	}{
		{at + "1", at + "1", true},
		{at + "*", at + "1.2.0", true},
		{at + "*", at, false},
		{at + "*", at + "1/x", false},
		{at + "*", at + "1@refs", false},
		{at + "*", "https://github.com/evil/notes/.github/workflows/release.yml@refs/tags/v1", false},
		{at + "1", at + "1.0", false},
		{"", "", false},
	} {
		if got := Identifies(c.pattern, c.identity); got != c.want {
			t.Errorf("%q fits %q: %v", c.identity, c.pattern, got)
		}
	}
}

// threat: A11
func TestRevokes(t *testing.T) {
	t.Parallel()
	trust := &Trust{Revoked: []Revocation{
		{Digest: "sha256:bad"}, {Key: "sha256:old"}, {Identity: "eve@acme.example"}, {Identity: "bob@acme.example", Issuer: "https://a.example"},
		{Identity: "https://a.example/b/c@refs/tags/v*"},
	}}
	for _, c := range []struct {
		artifact string
		signer   Signer
		says     string
	}{
		{"sha256:bad", Signer{}, "the artifact sha256:bad is revoked"},
		{"sha256:x", Signer{Key: "sha256:old"}, "the key sha256:old is revoked"},
		{"sha256:x", Signer{Identity: "eve@acme.example", Issuer: "https://b.example"}, "is revoked"},
		{"sha256:x", Signer{Identity: "bob@acme.example", Issuer: "https://a.example"}, "is revoked"},
		{"sha256:x", Signer{Identity: "bob@acme.example", Issuer: "https://b.example"}, ""},
		{"sha256:x", Signer{Key: "sha256:new"}, ""},
		{"sha256:x", Signer{Identity: "https://a.example/b/c@refs/tags/v1", Issuer: "https://a.example"}, "is revoked"},
		{"sha256:x", Signer{Identity: "https://a.example/b/c@refs/tags/v*", Issuer: "https://a.example"}, "is revoked"},
		{"sha256:x", Signer{Identity: "https://a.example/b/c@refs/tags/v1.*", Issuer: "https://a.example"}, "is revoked"},
		{"sha256:x", Signer{Identity: "https://a.example/b/c@refs/tags/*", Issuer: "https://a.example"}, ""},
		{"sha256:x", Signer{Identity: "https://a.example/b/d@refs/tags/v*", Issuer: "https://a.example"}, ""},
		{"sha256:x", Signer{}, ""},
	} {
		if got := trust.Revokes(c.artifact, c.signer); !strings.Contains(got, c.says) || c.says == "" && got != "" {
			t.Errorf("%s of %s: %q, want %q", c.artifact, c.signer, got, c.says)
		}
	}
}
