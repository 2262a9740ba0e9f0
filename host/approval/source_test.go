package approval

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/provenance"
	"github.com/agenthost/agenthost/pdk/abi"
)

func sourceOf(manifest string, by provenance.Signer) *provenance.Source {
	return &provenance.Source{
		Reference: provenance.Reference{Host: "ghcr.io", Repository: "acme/notes", Tag: "1", Digest: "sha256:" + strings.Repeat(manifest, 64)}, Signer: by,
	}
}

func numbered(digit, version string) grant.Module {
	m := module("notes")
	m.Digest, m.Version = strings.Repeat(digit, 64), version
	return m
}

// TestSourceIsKept: the file has where a connector came from, who signed it and what came before, and every
// changed byte of that is found out.
//
// threat: A19, C10
func TestSourceIsKept(t *testing.T) {
	t.Parallel()
	f := &File{}
	s := sourceOf("2", provenance.Signer{Identity: "ada@acme.example", Issuer: "https://issuer.example"})
	s.Previous = []provenance.Version{{Module: strings.Repeat("1", 64), Version: "0.9.0", Manifest: "sha256:" + strings.Repeat("1", 64), At: now()}}
	s.Left = []string{strings.Repeat("3", 64)}
	f.Set(grant.Approval{Module: numbered("2", "1.0.0"), At: now(), By: "ada", Source: s})
	f.Set(grant.Approval{Module: module("other"), At: now(), By: "ada"})
	text := f.Format()
	for _, line := range []string{
		"  from ghcr.io/acme/notes:1@sha256:" + strings.Repeat("2", 64) + "\n", "  signer \"ada@acme.example\" issuer \"https://issuer.example\"\n",
		"  previous sha256:" + strings.Repeat("1", 64) + " 0.9.0 sha256:" + strings.Repeat("1", 64) + " 2026-01-31T09:00:00Z\n", "  left sha256:" + strings.Repeat("3", 64) + "\n",
	} {
		if !bytes.Contains(text, []byte(line)) {
			t.Errorf("no %q in\n%s", line, text)
		}
	}
	again, err := Parse("agenthost.lock", text)
	if err != nil || !bytes.Equal(again.Format(), text) {
		t.Fatalf("%v\n%s", err, again.Format())
	}
	for at := bytes.Index(text, []byte("  from")); at < bytes.Index(text, []byte("  server")); at++ {
		changed := bytes.Clone(text)
		changed[at] ^= 1
		if _, err := Parse("agenthost.lock", changed); err == nil {
			t.Errorf("byte %d: %q", at, changed[max(0, at-20):at+20])
		}
	}
	for name, bad := range map[string]string{
		"not a single line of the form from": "  from ghcr.io/acme/notes:1\n",
		"without a line from before it":      "  signer key \"k\"\n",
	} {
		block := strings.Replace(string(text), "  from ghcr.io/acme/notes:1@sha256:"+strings.Repeat("2", 64)+"\n", bad, 1)
		if _, err := Parse("agenthost.lock", []byte(block)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestInstalledFilesAreExact: in the place of a file that came from a registry no other one is used, not
// even an older one that needs less, nor one that the same person approved once.
//
// threat: A19, A2, A11
func TestInstalledFilesAreExact(t *testing.T) {
	t.Parallel()
	f := &File{}
	a := grant.Approval{Module: numbered("2", "1.0.0"), At: now(), By: "ada", Source: sourceOf("2", provenance.Signer{Key: "k"})}
	a.Updates = []grant.Update{{Digest: strings.Repeat("3", 64), Version: "1.1.0", At: now()}}
	f.Set(a)
	for digit, want := range map[string]grant.Standing{"1": grant.StandingUpdate, "2": grant.StandingUpdate, "3": grant.StandingApproved, "4": grant.StandingUpdate} {
		j := f.Judge(numbered(digit, "9.9.9"), grant.UpdatesSameReach)
		if j.Standing != want || j.Decision.Allowed != (want == grant.StandingApproved) {
			t.Errorf("%s: %s, %+v", digit, j.Standing, j.Decision)
		}
	}
	if j := f.Judge(numbered("3", "1.1.0"), grant.UpdatesNever); !j.Decision.Allowed {
		t.Error(j.Decision)
	}
}

// TestUpdateByItself: what the policy of signatures lets through is recorded only if it is signed, newer,
// needs no further access, was not there before, and takes the place of the file that it was compared with.
//
// threat: A11, A19, C10
func TestUpdateByItself(t *testing.T) {
	t.Parallel()
	signed := provenance.Signer{Key: "k"}
	dir := t.TempDir()
	s := New(filepath.Join(dir, DefaultName), filepath.Join(dir, "cache"), now)
	ctx := t.Context()
	if err := s.Update(ctx, numbered("1", "1.0.0"), sourceOf("1", signed), ""); !denied(err) {
		t.Error("a new connector is installed without a person:", err)
	}
	first := sourceOf("1", signed)
	if err := s.Install(ctx, numbered("1", "1.0.0"), first, "", "ada"); err != nil {
		t.Fatal(err)
	}
	if err := s.Install(ctx, numbered("2", "1.0.0"), first, "", "ada"); !denied(err) {
		t.Error("it takes the place of something that nobody was shown:", err)
	}
	step := func(digit, version string, by provenance.Signer, change func(*grant.Module)) (grant.Module, *provenance.Source, string) {
		f, err := s.Load()
		if err != nil {
			t.Fatal(err)
		}
		a := f.Find("notes")
		current, was := a.Current()
		m := numbered(digit, version)
		if change != nil {
			change(&m)
		}
		return m, a.Source.Next(sourceOf(digit, by).Reference, by, provenance.Version{Module: current, Version: was, Manifest: a.Source.Reference.Digest, At: now()}), current
	}
	for name, c := range map[string]struct {
		digit, version string
		by             provenance.Signer
		change         func(*grant.Module)
		from           string
	}{
		"unsigned":            {digit: "2", version: "1.1.0"},
		"downgrade":           {digit: "2", version: "0.9.0", by: signed},
		"the same version":    {digit: "2", version: "1.0.0", by: signed},
		"another signer":      {digit: "2", version: "1.1.0", by: provenance.Signer{Key: "other"}},
		"wider":               {digit: "2", version: "1.1.0", by: signed, change: func(m *grant.Module) { m.Reach.Servers[0].URL = "https://evil.example" }},
		"of another one":      {digit: "2", version: "1.1.0", by: signed, from: strings.Repeat("9", 64)},
		"of an unsigned file": {digit: "2", version: "1.1.0", by: signed, from: "unsigned"},
	} {
		m, source, from := step(c.digit, c.version, c.by, c.change)
		if c.from != "" {
			from = c.from
		}
		if err := s.Update(ctx, m, source, from); !denied(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	m, source, from := step("2", "1.1.0", signed, nil)
	if err := s.Update(ctx, m, source, from); err != nil {
		t.Fatal(err)
	}
	m, source, from = step("1", "1.2.0", signed, nil)
	if err := s.Update(ctx, m, source, from); !denied(err) {
		t.Error("it goes back by itself:", err)
	}
	f, err := s.Load()
	if err != nil {
		t.Fatal(err)
	}
	a := f.Find("notes")
	if digest, version := a.Current(); digest != strings.Repeat("2", 64) || version != "1.1.0" || a.By != "ada" || len(a.Source.Previous) != 1 {
		t.Errorf("%+v", a)
	}
	// A person goes back; nothing goes on again by itself.
	to, back, _ := a.Source.Back(strings.Repeat("2", 64))
	if err := s.Install(ctx, numbered(to.Module[:1], to.Version), back, strings.Repeat("2", 64), "ada"); err != nil {
		t.Fatal(err)
	}
	back.Signer = signed
	m, source, from = step("2", "1.1.0", signed, nil)
	if err := s.Update(ctx, m, source, from); !denied(err) {
		t.Error("it goes on by itself to what a person left:", err)
	}
}

func denied(err error) bool {
	e, ok := errors.AsType[*abi.Error](err)
	return ok && e.Kind == abi.KindDenied
}
