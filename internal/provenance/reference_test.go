package provenance

import (
	"strings"
	"testing"
)

func TestParseReference(t *testing.T) {
	t.Parallel()
	digest := "sha256:" + strings.Repeat("ab", 32)
	for _, good := range []string{
		"ghcr.io/acme/notes:1.2.0", "localhost:5000/notes:latest", "127.0.0.1:5000/a/b/c_d__e-f.g:T_1.x-y",
		"registry.example.com/notes@" + digest, "registry.example.com/notes:1@" + digest, "[::1]:5000/notes:1",
	} {
		r, err := ParseReference(good)
		if err != nil || r.String() != good {
			t.Errorf("%s: %v, %v", good, r, err)
		}
	}
	for bad, says := range map[string]string{
		"":                             "begin with the host",
		"notes":                        "begin with the host",
		"acme/notes:1":                 "begin with the host",
		"ghcr.io/acme/notes":           "no tag and no digest",
		"ghcr.io/Acme/notes:1":         "not a repository",
		"ghcr.io/acme/../notes:1":      "not a repository",
		"ghcr.io/acme//notes:1":        "not a repository",
		"ghcr.io/acme/notes:":          "not a tag",
		"ghcr.io/acme/notes:a/b":       "not a tag",
		"ghcr.io/acme/notes:1:2":       "not a tag",
		"ghcr.io/acme/notes:1@sha1:ab": "not a digest",
		"ghcr.io/acme/notes@" + strings.ToUpper(digest): "not a digest",
		"user:pw@ghcr.io/acme/notes:1":                  "not a digest",
		"gh_cr.io:x/acme/notes:1":                       "host of a registry",
		"ghcr.io/acme/notes\n:1":                        "not a repository",
		"ghcr.io/" + strings.Repeat("a", 600) + ":1":    "at most 512 bytes",
	} {
		if r, err := ParseReference(bad); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, %v; want %q", bad, r, err, says)
		}
	}
}

func TestParseSignerRefuses(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "key", "key k", `key ""`, `"a"`, `"a" issuer`, `"a" issuer ""`, `"" issuer "b"`, `"a" issuer "b" `, "`a` issuer `b`"} {
		if s, err := ParseSigner(bad); err == nil {
			t.Errorf("%s is %+v", bad, s)
		}
	}
}

func TestSourceGoesBackInOrder(t *testing.T) {
	t.Parallel()
	r := Reference{Host: "ghcr.io", Repository: "acme/notes", Tag: "1"}
	var s *Source
	s = s.Next(r.At("m1"), Signer{}, Version{})
	s = s.Next(r.At("m2"), Signer{Key: "k"}, Version{Module: "1", Manifest: "m1"})
	s = s.Next(r.At("m3"), Signer{Key: "k"}, Version{Module: "2", Manifest: "m2"})
	for _, want := range []string{"2", "1"} {
		to, back, ok := s.Back("left of " + want)
		if !ok || to.Module != want || back.Reference.Digest != "m"+want || !back.Was("left of "+want) || back.Was(want) {
			t.Fatalf("%+v, %+v", to, back)
		}
		s = back
	}
	if _, _, ok := s.Back("1"); ok {
		t.Error("it goes back beyond the first version")
	}
	for range 50 {
		s = s.Next(r, Signer{}, Version{Module: strings.Repeat("a", len(s.Previous)+1)})
	}
	if len(s.Previous) > MaxPrevious || len(s.Left) > MaxLeft {
		t.Error(len(s.Previous), len(s.Left))
	}
}

func TestSignerString(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		signer Signer
		want   string
	}{
		{Signer{}, ""},
		{Signer{Identity: "a@b.example", Issuer: "https://issuer.example"}, `"a@b.example" issuer "https://issuer.example"`},
		{Signer{Key: "k\n1"}, `key "k\n1"`},
	} {
		if got := c.signer.String(); got != c.want {
			t.Errorf("%+v: %s, want %s", c.signer, got, c.want)
		}
		if back, err := ParseSigner(c.want); c.want != "" && (err != nil || back != c.signer) {
			t.Errorf("%s: %+v, %v", c.want, back, err)
		}
	}
}
