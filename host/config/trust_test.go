package config_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/provenance"
	"github.com/google/go-cmp/cmp"
)

func TestParseTrust(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "agenthost.yaml")
	digest := "sha256:" + strings.Repeat("ab", 32)
	const workflow = "https://github.com/acme/notes/.github/workflows/release.yml@refs/tags/v*"
	got, err := config.Parse(file, []byte(`
trust:
  root: trusted_root.json
  max_age: 720h
  signers:
    notes:
      - identity: `+workflow+`
        issuer: https://token.actions.githubusercontent.com
      - key: ./acme.pub
  revoked:
    - digest: `+digest+`
    - key: `+digest+`
    - identity: eve@acme.example
`))
	if err != nil {
		t.Fatal(err)
	}
	want := &provenance.Trust{
		Root: filepath.Join(filepath.Dir(file), "trusted_root.json"), MaxAge: 720 * time.Hour,
		Signers: map[string][]provenance.TrustedSigner{"notes": {
			{Identity: workflow, Issuer: "https://token.actions.githubusercontent.com"}, {KeyFile: filepath.Join(filepath.Dir(file), "acme.pub")},
		}},
		Revoked: []provenance.Revocation{{Digest: digest}, {Key: digest}, {Identity: "eve@acme.example"}},
	}
	if diff := cmp.Diff(want, got.Trust); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if empty, err := config.Parse(file, []byte("plugins: .\n")); err != nil || empty.Trust != nil {
		t.Errorf("%+v, %v", empty, err)
	}
}
