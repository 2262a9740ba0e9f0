package host_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/approval"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/provenance"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TestRevokedIsRefusedWhereItIsInstalled: what a configuration revokes does not run, although a person
// approved it before.
//
// threat: A11
func TestRevokedIsRefusedWhereItIsInstalled(t *testing.T) {
	t.Parallel()
	o := options(t, host.StaticConnections{"mine": {Connector: "notes", Credentials: map[string]string{"token": "env:TOKEN"}}})
	o.Plugins, o.Lock = t.TempDir(), filepath.Join(t.TempDir(), approval.DefaultName)
	o.LookupEnv = func(name string) (string, bool) { return token, name == "TOKEN" }
	path := filepath.Join(o.Plugins, "notes.wasm")
	put(t, o.Plugins, "notes.wasm", static("notes", 1))
	review := func(trust *provenance.Trust) (*host.Host, *host.Review) {
		o.Revoked = host.FromConfig(&config.Config{Trust: trust}).Revoked
		h := opened(t, o)
		r, err := h.Review(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		return h, r
	}
	_, r := review(nil)
	manifest, key := "sha256:"+strings.Repeat("ab", 32), "sha256:"+strings.Repeat("cd", 32)
	source := &provenance.Source{Reference: provenance.Reference{Host: "registry.example", Repository: "notes", Tag: "1", Digest: manifest}, Signer: provenance.Signer{Key: key}}
	if err := approval.New(o.Lock, t.TempDir(), time.Now).Install(t.Context(), r.Module, source, "", "ada"); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		revoked provenance.Revocation
		allowed bool
	}{
		"another key":  {provenance.Revocation{Key: manifest}, true},
		"the key":      {provenance.Revocation{Key: key}, false},
		"the artifact": {provenance.Revocation{Digest: manifest}, false},
	} {
		h, r := review(&provenance.Trust{Revoked: []provenance.Revocation{c.revoked}})
		if r.Decision.Allowed != c.allowed || !c.allowed && r.Decision.Rule != "trust.revoked" {
			t.Errorf("%s: %+v", name, r.Decision)
		}
		_, err := h.Execute(t.Context(), "mine", host.Call{Entity: "notes", Action: "list"})
		public, denied := errors.AsType[*abi.Error](err)
		if denied = denied && public.Kind == abi.KindDenied && strings.Contains(public.Message, "is revoked"); denied == c.allowed {
			t.Errorf("%s: %v", name, err)
		}
	}
}
