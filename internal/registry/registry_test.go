package registry

import (
	"bytes"
	"context"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/provenance"
	"github.com/agenthost/agenthost/pdk/abi"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
)

var module = []byte("\x00asm\x01\x00\x00\x00 a module that nobody runs here")

// honest starts a registry that keeps to the specification, on loopback.
func honest(t *testing.T, options ...ggcr.Option) string {
	t.Helper()
	s := httptest.NewServer(ggcr.New(append(options, ggcr.Logger(log.New(io.Discard, "", 0)))...))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func ref(t *testing.T, text string) provenance.Reference {
	t.Helper()
	r, err := provenance.ParseReference(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func made(t *testing.T, data []byte) *Artifact {
	t.Helper()
	a, err := Make(data, "notes", map[string]string{"org.opencontainers.image.version": "1.0.0", "org.opencontainers.image.url": ""})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestPushAndPull: what was pushed comes back with the same digests and its signatures, whether the
// registry lists what refers to an artifact or not; from the cache and from a mirror too.
func TestPushAndPull(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]ggcr.Option{"referrers": {ggcr.WithReferrersSupport(true)}, "the tag of referrers": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			r, c, a := ref(t, honest(t, options...)+"/acme/notes:1.0.0"), New(Options{}), made(t, module)
			if err := c.Push(ctx, r, a, module); err != nil {
				t.Fatal(err)
			}
			for _, bundle := range []string{`{"first":1}`, `{"second":2}`} {
				if err := c.Attach(ctx, r, a.Digest, []byte(bundle)); err != nil {
					t.Fatal(err)
				}
			}
			if digest, err := c.Resolve(ctx, r); err != nil || digest != a.Digest {
				t.Fatal(digest, err)
			}
			cache := NewCache(filepath.Join(t.TempDir(), "cache"))
			pulled, err := c.Pull(ctx, r, cache)
			if err != nil {
				t.Fatal(err)
			}
			check := func(got *Artifact, err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
				if got.Digest != a.Digest || got.Module != digestOf(module) || got.Name != "notes" || len(got.Bundles) != 2 {
					t.Errorf("%+v", got)
				}
			}
			check(pulled, nil)
			check(cache.Get(ctx, a.Digest))
			mirror := NewMirror(filepath.Join(t.TempDir(), "mirror"))
			if err := mirror.Copy(ctx, cache, pulled, r); err != nil {
				t.Fatal(err)
			}
			digest, err := mirror.Find(r)
			if err != nil || digest != a.Digest {
				t.Fatal(digest, err)
			}
			check(mirror.Get(ctx, digest))
			if data, err := os.ReadFile(mirror.ModulePath(pulled.Module)); err != nil || !bytes.Equal(data, module) {
				t.Error(err)
			}
		})
	}
}

// TestMakeIsReproducible: the same module makes the same artifact.
func TestMakeIsReproducible(t *testing.T) {
	t.Parallel()
	if a, b := made(t, module), made(t, module); a.Digest != b.Digest {
		t.Error(a.Digest, b.Digest)
	}
}

// TestTamperedFolders: cache bytes changed, a mirror that is incomplete, and one whose list leads elsewhere are
// refused with the reason, and another pull mends the cache.
//
// threat: A19
func TestTamperedFolders(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	r, c, a := ref(t, honest(t)+"/acme/notes:1.0.0"), New(Options{}), made(t, module)
	if err := c.Push(ctx, r, a, module); err != nil {
		t.Fatal(err)
	}
	for name, tamper := range map[string]struct {
		what func(f *Folder) error
		kind abi.Kind
		says string
	}{
		"cache bytes changed: the module": {func(f *Folder) error {
			return os.WriteFile(f.blob(a.Module), []byte(strings.Replace(string(module), "nobody", "anyone", 1)), 0o600)
		}, abi.KindDenied, "were changed"},
		"cache bytes changed: the manifest": {func(f *Folder) error {
			return os.WriteFile(f.blob(a.Digest), append(a.manifest, ' '), 0o600)
		}, abi.KindDenied, "were changed"},
		"cache bytes changed: the config": {func(f *Folder) error {
			return os.WriteFile(f.blob(a.configAt.Digest), []byte("{}"), 0o600)
		}, abi.KindDenied, "were changed"},
		"mirror incomplete: the module":   {func(f *Folder) error { return os.Remove(f.blob(a.Module)) }, abi.KindNotFound, "does not have"},
		"mirror incomplete: the manifest": {func(f *Folder) error { return os.Remove(f.blob(a.Digest)) }, abi.KindNotFound, "does not have"},
		"mirror incomplete: the config":   {func(f *Folder) error { return os.Remove(f.blob(a.configAt.Digest)) }, abi.KindNotFound, "does not have"},
		"a list that is not one":          {func(f *Folder) error { return os.WriteFile(filepath.Join(f.path, indexName), []byte("[]"), 0o600) }, abi.KindDenied, "no index"},
		"a list with a path for a digest": {func(f *Folder) error {
			return os.WriteFile(filepath.Join(f.path, indexName), []byte(`{"manifests":[{"digest":"sha256:../../../etc/passwd"}]}`), 0o600)
		}, abi.KindDenied, "without a digest"},
		"a module that is a folder": {func(f *Folder) error {
			if err := os.Remove(f.blob(a.Module)); err != nil {
				return err
			}
			return os.Mkdir(f.blob(a.Module), 0o700)
		}, abi.KindDenied, "were changed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := NewCache(t.TempDir())
			if _, err := c.Pull(ctx, r, f); err != nil {
				t.Fatal(err)
			}
			if err := tamper.what(f); err != nil {
				t.Fatal(err)
			}
			_, err := f.Get(ctx, a.Digest)
			wants(t, err, tamper.kind, tamper.says)
			if strings.HasPrefix(name, "a ") {
				return
			}
			if _, err := c.Pull(ctx, r, f); err != nil {
				t.Fatal(err)
			}
			if _, err := f.Get(ctx, a.Digest); err != nil {
				t.Error("the next pull does not mend it:", err)
			}
		})
	}
}

// TestMirrorTwice: a reference that a mirror has twice is refused.
func TestMirrorTwice(t *testing.T) {
	t.Parallel()
	f := NewMirror(t.TempDir())
	entries := `{"manifests":[`
	for i, digest := range []string{strings.Repeat("a", 64), strings.Repeat("b", 64)} {
		if i > 0 {
			entries += ","
		}
		entries += `{"digest":"sha256:` + digest + `","annotations":{"org.opencontainers.image.ref.name":"ghcr.io/acme/notes:1"}}`
	}
	if err := os.WriteFile(filepath.Join(f.path, indexName), []byte(entries+"]}"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := f.Find(ref(t, "ghcr.io/acme/notes:1"))
	wants(t, err, abi.KindDenied, "twice")
	_, err = f.Find(ref(t, "ghcr.io/acme/notes:2"))
	wants(t, err, abi.KindNotFound, "does not have")
}

func wants(t *testing.T, err error, kind abi.Kind, says string) {
	t.Helper()
	e := asError(err)
	if e == nil || e.Kind != kind || !strings.Contains(e.Message, says) {
		t.Errorf("%v, want %s: %q", err, kind, says)
	}
}
