package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/agenthost/agenthost/pdk/abi"
)

func asError(err error) *abi.Error {
	e, _ := errors.AsType[*abi.Error](err)
	return e
}

// liar is a registry that serves what it is told, whatever was asked.
type liar struct {
	manifest  []byte
	mediaType string
	digest    string // the header of the manifest; empty is none
	blobs     map[string][]byte
	// before answers a request in the place of the rest, if it returns true.
	before func(w http.ResponseWriter, r *http.Request) bool

	mu   sync.Mutex
	seen []string // method, path and authorization of each request
}

func (l *liar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	l.seen = append(l.seen, r.Host+" "+r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization"))
	l.mu.Unlock()
	if l.before != nil && l.before(w, r) {
		return
	}
	_, last, _ := strings.Cut(r.URL.Path, "/blobs/")
	switch {
	case strings.Contains(r.URL.Path, "/manifests/sha256-"):
		http.NotFound(w, r)
	case strings.Contains(r.URL.Path, "/manifests/"):
		w.Header().Set("Content-Type", l.mediaType)
		if l.digest != "" {
			w.Header().Set("Docker-Content-Digest", l.digest)
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(l.manifest)))
		_, _ = w.Write(l.manifest)
	case l.blobs[last] != nil:
		_, _ = w.Write(l.blobs[last])
	default:
		http.NotFound(w, r)
	}
}

func (l *liar) requests() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.seen, "\n")
}

// telling is a liar that still tells the truth about an artifact.
func telling(a *Artifact) *liar {
	return &liar{manifest: a.manifest, mediaType: mediaManifest, blobs: map[string][]byte{a.Module: module, a.configAt.Digest: a.config}}
}

// with changes members of the manifest.
func (l *liar) with(t *testing.T, change func(m map[string]any)) {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(l.manifest, &m); err != nil {
		t.Fatal(err)
	}
	change(m)
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	l.manifest = text
}

func layerOf(m map[string]any) map[string]any  { return m["layers"].([]any)[0].(map[string]any) }
func configOf(m map[string]any) map[string]any { return m["config"].(map[string]any) }

// TestLies: a registry lies in one thing at a time, and nothing of it is taken.
//
// threat: A13, A19, A6
func TestLies(t *testing.T) {
	t.Parallel()
	a := made(t, module)
	other := made(t, append(bytes.Clone(module), '2'))
	for name, c := range map[string]struct {
		lie  func(t *testing.T, l *liar)
		at   string // the end of the reference; :1 without
		kind abi.Kind
		says string
	}{
		"another digest behind a tag":       {func(_ *testing.T, l *liar) { l.manifest = other.manifest }, "@" + a.Digest, abi.KindDenied, "another manifest"},
		"another digest in the header":      {func(_ *testing.T, l *liar) { l.digest = other.Digest }, "", abi.KindDenied, "another manifest"},
		"a header that agrees with the lie": {func(_ *testing.T, l *liar) { l.manifest, l.digest = other.manifest, a.Digest }, "@" + a.Digest, abi.KindDenied, "another manifest"},
		"a header that is no digest":        {func(_ *testing.T, l *liar) { l.digest = "sha256:../../x" }, "", abi.KindNetwork, "cannot fetch"},
		"config and layer swapped": {func(t *testing.T, l *liar) {
			l.with(t, func(m map[string]any) { c := m["config"]; m["config"] = layerOf(m); m["layers"] = []any{c} })
		}, "", abi.KindDenied, `its config is "application/wasm"`},
		"config and layer swapped in digest": {func(t *testing.T, l *liar) {
			l.with(t, func(m map[string]any) {
				configOf(m)["digest"], layerOf(m)["digest"] = layerOf(m)["digest"], configOf(m)["digest"]
				configOf(m)["size"], layerOf(m)["size"] = layerOf(m)["size"], configOf(m)["size"]
			})
		}, "", abi.KindDenied, "its config"},
		"config of another module": {func(t *testing.T, l *liar) {
			l.blobs[other.configAt.Digest] = other.config
			l.with(t, func(m map[string]any) { configOf(m)["digest"] = other.configAt.Digest })
		}, "", abi.KindDenied, "names another module"},
		"config for another machine": {func(t *testing.T, l *liar) {
			text := []byte(`{"architecture":"amd64","os":"linux"}`)
			l.blobs[digestOf(text)] = text
			l.with(t, func(m map[string]any) { configOf(m)["digest"] = digestOf(text); configOf(m)["size"] = len(text) })
		}, "", abi.KindDenied, `for "amd64"`},
		"config with other bytes": {func(_ *testing.T, l *liar) { l.blobs[a.configAt.Digest] = bytes.Repeat([]byte(" "), len(a.config)) }, "", abi.KindDenied, "other bytes"},
		"config is the layer": {func(t *testing.T, l *liar) {
			l.with(t, func(m map[string]any) {
				configOf(m)["digest"] = layerOf(m)["digest"]
				configOf(m)["size"] = layerOf(m)["size"]
			})
		}, "", abi.KindDenied, "not a module"},
		"media type: of the answer":   {func(_ *testing.T, l *liar) { l.mediaType = "application/json" }, "", abi.KindDenied, `it is "application/json"`},
		"media type: of Docker":       {func(_ *testing.T, l *liar) { l.mediaType = "application/vnd.docker.distribution.manifest.v2+json" }, "", abi.KindDenied, "docker.distribution"},
		"media type: in the manifest": {func(t *testing.T, l *liar) { l.with(t, func(m map[string]any) { m["mediaType"] = mediaIndex }) }, "", abi.KindDenied, "its mediaType"},
		"media type: of the layer": {func(t *testing.T, l *liar) {
			l.with(t, func(m map[string]any) { layerOf(m)["mediaType"] = "application/vnd.oci.image.layer.v1.tar+gzip" })
		}, "", abi.KindDenied, "its layer is"},
		"media type: with a parameter": {func(t *testing.T, l *liar) {
			l.with(t, func(m map[string]any) { layerOf(m)["mediaType"] = "application/wasm; x=1" })
		}, "", abi.KindDenied, "its layer is"},
		"media type: of the config": {func(t *testing.T, l *liar) {
			l.with(t, func(m map[string]any) { configOf(m)["mediaType"] = "application/vnd.oci.image.config.v1+json" })
		}, "", abi.KindDenied, "its config is"},
		"media type: another artifact type": {func(t *testing.T, l *liar) {
			l.with(t, func(m map[string]any) { m["artifactType"] = "application/vnd.acme" })
		}, "", abi.KindDenied, "artifactType"},
		"two layers": {func(t *testing.T, l *liar) {
			l.with(t, func(m map[string]any) { m["layers"] = []any{layerOf(m), layerOf(m)} })
		}, "", abi.KindDenied, "2 layers"},
		"no layer": {func(t *testing.T, l *liar) { l.with(t, func(m map[string]any) { m["layers"] = []any{} }) }, "", abi.KindDenied, "0 layers"},
		"an index instead of a manifest": {func(_ *testing.T, l *liar) {
			l.mediaType = mediaIndex
			l.manifest = []byte(`{"schemaVersion":2,"manifests":[]}`)
		}, "", abi.KindDenied, "index of several"},
		"an index within a manifest": {func(t *testing.T, l *liar) { l.with(t, func(m map[string]any) { m["manifests"] = []any{} }) }, "", abi.KindDenied, "index of several"},
		"layers twice": {func(_ *testing.T, l *liar) {
			l.manifest = bytes.Replace(l.manifest, []byte(`"layers"`), []byte(`"layers":[],"layers"`), 1)
		}, "", abi.KindDenied, "a member twice"},
		"Layers for layers": {func(_ *testing.T, l *liar) {
			l.manifest = bytes.Replace(l.manifest, []byte(`"layers"`), []byte(`"Layers"`), 1)
		}, "", abi.KindDenied, "0 layers"},
		"a manifest that is not JSON": {func(_ *testing.T, l *liar) { l.manifest = []byte("<html>") }, "", abi.KindDenied, "not JSON"},
		"a digest that is a path": {func(t *testing.T, l *liar) {
			l.with(t, func(m map[string]any) { layerOf(m)["digest"] = "sha256:../../../../tmp/x" })
		}, "", abi.KindDenied, "not sha256"},
		"a digest of another kind": {func(t *testing.T, l *liar) {
			l.with(t, func(m map[string]any) { layerOf(m)["digest"] = "md5:" + strings.Repeat("a", 32) })
		}, "", abi.KindDenied, "not sha256"},
		"a layer that is elsewhere": {func(t *testing.T, l *liar) {
			l.with(t, func(m map[string]any) { layerOf(m)["urls"] = []string{"https://evil.example/x"} })
		}, "", abi.KindDenied, "elsewhere"},
		"a layer within its descriptor": {func(t *testing.T, l *liar) { l.with(t, func(m map[string]any) { layerOf(m)["data"] = "AGFzbQ==" }) }, "", abi.KindDenied, "elsewhere"},
		"a size below nothing":          {func(t *testing.T, l *liar) { l.with(t, func(m map[string]any) { layerOf(m)["size"] = -1 }) }, "", abi.KindDenied, "the limit is"},
		"a size above everything":       {func(t *testing.T, l *liar) { l.with(t, func(m map[string]any) { layerOf(m)["size"] = int64(1) << 60 }) }, "", abi.KindDenied, "the limit is"},
		"a size that is a bomb": {func(_ *testing.T, l *liar) {
			l.manifest = bytes.Replace(l.manifest, []byte(`"size":`), []byte(`"size":1e99999999,"was":`), 1)
		}, "", abi.KindDenied, "not"},
		"a size that is too small": {func(t *testing.T, l *liar) {
			l.with(t, func(m map[string]any) { layerOf(m)["size"] = len(module) - 1 })
		}, "", abi.KindNetwork, "Content-Length"},
		"a huge manifest":            {func(_ *testing.T, l *liar) { l.manifest = bytes.Repeat([]byte(" "), maxManifest+1) }, "", abi.KindNetwork, "more than"},
		"a huge config":              {func(t *testing.T, l *liar) { l.with(t, func(m map[string]any) { configOf(m)["size"] = maxConfig + 1 }) }, "", abi.KindDenied, "the limit is"},
		"other bytes for the module": {func(_ *testing.T, l *liar) { l.blobs[a.Module] = bytes.Repeat([]byte("x"), len(module)) }, "", abi.KindDenied, "not the one that its manifest names"},
		"fewer bytes for the module": {func(_ *testing.T, l *liar) {
			l.before = func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, "/blobs/"+a.Module) {
					return false
				}
				w.(http.Flusher).Flush()
				_, _ = w.Write(module[:4])
				return true
			}
		}, "", abi.KindDenied, "another size"},
		"an endless blob": {func(_ *testing.T, l *liar) {
			l.before = func(w http.ResponseWriter, r *http.Request) bool {
				for strings.HasSuffix(r.URL.Path, "/blobs/"+a.Module) {
					if _, err := w.Write(make([]byte, 1<<16)); err != nil {
						return true
					}
				}
				return false
			}
		}, "", abi.KindDenied, "another size"},
		"an endless manifest": {func(_ *testing.T, l *liar) {
			l.before = func(w http.ResponseWriter, r *http.Request) bool {
				w.Header().Set("Content-Type", mediaManifest)
				for r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/manifests/1") {
					if _, err := w.Write(make([]byte, 1<<16)); err != nil {
						return true
					}
				}
				return false
			}
		}, "", abi.KindNetwork, ""},
		"an endless list of signatures": {func(_ *testing.T, l *liar) {
			l.before = func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.Contains(r.URL.Path, "/referrers/") {
					return false
				}
				w.Header().Set("Content-Type", mediaIndex)
				_, _ = w.Write([]byte(`{"manifests":[`))
				for {
					if _, err := w.Write(bytes.Repeat([]byte(`{"digest":"sha256:`+strings.Repeat("a", 64)+`"},`), 100)); err != nil {
						return true
					}
				}
			}
		}, "", abi.KindNetwork, "list the signatures"},
		"redirects in a circle": {func(_ *testing.T, l *liar) {
			l.before = func(w http.ResponseWriter, r *http.Request) bool {
				http.Redirect(w, r, r.URL.Path, http.StatusTemporaryRedirect)
				return true
			}
		}, "", abi.KindDenied, "too many redirects"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := telling(a)
			c.lie(t, l)
			s := httptest.NewServer(l)
			t.Cleanup(s.Close)
			at := c.at
			if at == "" {
				at = ":1"
			}
			home := t.TempDir()
			cache := NewCache(filepath.Join(home, "cache"))
			_, err := New(Options{}).Pull(t.Context(), ref(t, strings.TrimPrefix(s.URL, "http://")+"/acme/notes"+at), cache)
			wants(t, err, c.kind, c.says)
			nothing(t, home, a.Module)
		})
	}
}

// nothing checks that no module is in a cache, and no file beside it.
func nothing(t *testing.T, home, module string) {
	t.Helper()
	err := filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			t.Errorf("%s is there", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestPathTricksInTitles: titles, names and annotations lead to no file.
//
// threat: A10, A13
func TestPathTricksInTitles(t *testing.T) {
	t.Parallel()
	l := telling(made(t, module))
	l.with(t, func(m map[string]any) {
		evil := map[string]any{"org.opencontainers.image.title": "../../../evil.wasm", "org.opencontainers.image.ref.name": "/etc/evil", Annotation: "../evil", "io.deis.oras.content.unpack": "true"}
		m["annotations"], layerOf(m)["annotations"], configOf(m)["annotations"] = evil, evil, evil
	})
	s := httptest.NewServer(l)
	t.Cleanup(s.Close)
	home := t.TempDir()
	a, err := New(Options{}).Pull(t.Context(), ref(t, strings.TrimPrefix(s.URL, "http://")+"/acme/notes:1"), NewCache(filepath.Join(home, "a", "b", "cache")))
	if err != nil || a.Name != "../evil" {
		t.Fatal(a, err)
	}
	err = filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		if strings.Contains(path, "evil") || !d.IsDir() && !strings.HasPrefix(path, filepath.Join(home, "a", "b", "cache")) {
			t.Errorf("%s is there", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// names is a network of names: each has an address, and all addresses lead to one server.
type names struct {
	addresses map[string]string
	server    *httptest.Server

	mu     sync.Mutex
	dialed []string
}

func (n *names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if a := n.addresses[strings.TrimSuffix(host, ".")]; a != "" {
		return []netip.Addr{netip.MustParseAddr(a)}, nil
	}
	return nil, &net.DNSError{Name: host, IsNotFound: true}
}

func (n *names) dial(ctx context.Context, network, address string) (net.Conn, error) {
	n.mu.Lock()
	n.dialed = append(n.dialed, address)
	n.mu.Unlock()
	return (&net.Dialer{}).DialContext(ctx, network, n.server.Listener.Addr().String())
}

// TestElsewhere: a registry sends to other places, for a token and for a blob. Nothing but what belongs to
// the same people is asked, and the credential goes nowhere else.
//
// threat: A17, N1, N2, N6
func TestElsewhere(t *testing.T) {
	t.Parallel()
	const basic = "Basic dXNlcjpodW50ZXIy"
	a := made(t, module)
	for name, c := range map[string]struct {
		realm, blobs string // where it sends to
		manifests    string
		kind         abi.Kind // empty: it works
		says         string
		sees         string // a request that is sent, with what it has
	}{
		"token realm at the registry itself":      {realm: "https://registry.vendor.example/token", sees: "registry.vendor.example GET /token " + basic},
		"token realm of the same people":          {realm: "https://auth.vendor.example/token", sees: "auth.vendor.example GET /token " + basic},
		"token realm at another host":             {realm: "https://auth.evil.example/token", kind: abi.KindDenied, says: "which is not its own"},
		"token realm at a private address":        {realm: "https://10.0.0.1/token", kind: abi.KindDenied, says: "which is not its own"},
		"token realm of the same people, private": {realm: "https://inside.vendor.example/token", kind: abi.KindDenied, says: "private address"},
		"token realm at a metadata service":       {realm: "http://169.254.169.254/latest", kind: abi.KindDenied, says: "uses http"},
		"token realm on this machine":             {realm: "https://127.0.0.1/token", kind: abi.KindDenied, says: "which is not its own"},
		"token realm without TLS":                 {realm: "http://auth.vendor.example/token", kind: abi.KindDenied, says: "uses http"},
		"token realm without TLS at the registry": {realm: "http://registry.vendor.example/token", kind: abi.KindDenied, says: "uses http"},
		"blob redirect of the same people":        {blobs: "https://cdn.vendor.example/blob", sees: "cdn.vendor.example GET /blob "},
		"blob redirect that the operator named":   {blobs: "https://bucket.storage.example/blob", sees: "bucket.storage.example GET /blob "},
		"blob redirect to another host":           {blobs: "https://evil.example/blob", kind: abi.KindDenied, says: "another host"},
		"blob redirect to a private address":      {blobs: "https://10.0.0.1/blob", kind: abi.KindDenied, says: "another host"},
		"blob redirect to a private name":         {blobs: "https://inside.vendor.example/blob", kind: abi.KindDenied, says: "private address"},
		"blob redirect to a metadata service":     {blobs: "http://169.254.169.254/latest", kind: abi.KindDenied, says: "not https"},
		"blob redirect without TLS":               {blobs: "http://cdn.vendor.example/blob", kind: abi.KindDenied, says: "not https"},
		"blob redirect with a user":               {blobs: "https://user:pw@cdn.vendor.example/blob", kind: abi.KindDenied, says: "user name"},
		"manifest redirect to another host":       {manifests: "https://evil.example/m", kind: abi.KindDenied, says: "only a blob"},
		"manifest redirect of the same people":    {manifests: "https://cdn.vendor.example/m", kind: abi.KindDenied, says: "only a blob"},
		"credentials asked by another origin":     {blobs: "https://cdn.vendor.example/asks", kind: abi.KindAuthFailed, says: "does not let"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := telling(a)
			l.before = func(w http.ResponseWriter, r *http.Request) bool {
				switch {
				case r.URL.Path == "/token":
					_, _ = w.Write([]byte(`{"token":"tok"}`))
				case r.URL.Path == "/blob":
					_, _ = w.Write(module)
				case r.URL.Path == "/asks":
					w.Header().Set("WWW-Authenticate", `Basic realm="evil"`)
					w.WriteHeader(http.StatusUnauthorized)
				case c.realm != "" && r.Header.Get("Authorization") == "":
					w.Header().Set("WWW-Authenticate", `Bearer realm="`+c.realm+`",service="s",scope="repository:acme/notes:pull"`)
					w.WriteHeader(http.StatusUnauthorized)
				case c.blobs != "" && strings.HasSuffix(r.URL.Path, "/blobs/"+a.Module):
					if r.Header.Get("Authorization") == "" {
						w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
						w.WriteHeader(http.StatusUnauthorized)
						return true
					}
					http.Redirect(w, r, c.blobs, http.StatusTemporaryRedirect)
				case c.manifests != "" && strings.Contains(r.URL.Path, "/manifests/"):
					http.Redirect(w, r, c.manifests, http.StatusTemporaryRedirect)
				default:
					return false
				}
				return true
			}
			n := &names{addresses: map[string]string{
				"registry.vendor.example": "93.184.216.1", "auth.vendor.example": "93.184.216.2", "cdn.vendor.example": "93.184.216.3", "bucket.storage.example": "93.184.216.4",
				"evil.example": "93.184.216.5", "auth.evil.example": "93.184.216.6", "inside.vendor.example": "10.0.0.1",
			}}
			n.server = httptest.NewUnstartedServer(l)
			n.server.StartTLS()
			t.Cleanup(n.server.Close)
			// The certificate of the test server is for example.com and 127.0.0.1; names are not what this test is about.
			client := New(Options{
				Credential: func(_ context.Context, host string) (Credential, error) {
					if host != "registry.vendor.example" {
						t.Errorf("a credential is asked for %s", host)
					}
					return Credential{User: "user", Password: secret.New([]byte("hunter2"))}, nil
				},
				Blobs: map[string][]string{"registry.vendor.example": {"bucket.storage.example"}},
				Seams: seams.Seams{Resolver: n, Dial: n.dial, RootCAs: rootsFor(t, n)},
			})
			_, err := client.Pull(t.Context(), ref(t, "registry.vendor.example/acme/notes:1"), NewCache(t.TempDir()))
			seen := l.requests()
			if c.kind == "" && err != nil {
				t.Error(err, seen)
			}
			if c.kind != "" {
				wants(t, err, c.kind, c.says)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Error("the error has the password")
			}
			if !strings.Contains(seen+"\n", c.sees+"\n") && c.sees != "" {
				t.Errorf("no request %q in\n%s", c.sees, seen)
			}
			for _, line := range strings.Split(seen, "\n") {
				host, rest, _ := strings.Cut(line, " ")
				if strings.Contains(host, "evil") || strings.HasSuffix(rest, basic) && host != "registry.vendor.example" && host != "auth.vendor.example" {
					t.Errorf("%s was asked: %s", host, line)
				}
			}
			for _, address := range n.dialed {
				if !strings.HasPrefix(address, "93.184.216.") {
					t.Errorf("%s was dialled", address)
				}
			}
		})
	}
}

// TestInterrupted: a registry that sends nothing is left when the person interrupts.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 1)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	t.Cleanup(s.Close)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	_, err := New(Options{}).Pull(ctx, ref(t, strings.TrimPrefix(s.URL, "http://")+"/acme/notes:1"), NewCache(t.TempDir()))
	wants(t, err, abi.KindNetwork, "interrupted")
	slow := New(Options{})
	slow.limits.within = time.Millisecond
	_, err = slow.Pull(t.Context(), ref(t, strings.TrimPrefix(s.URL, "http://")+"/acme/notes:1"), NewCache(t.TempDir()))
	wants(t, err, abi.KindTimeout, "too slow")
}

// TestMostRequests: a registry cannot make a client ask without end.
func TestMostRequests(t *testing.T) {
	t.Parallel()
	a := made(t, module)
	l := telling(a)
	list := `{"schemaVersion":2,"manifests":[`
	for i := range 60 {
		if i > 0 {
			list += ","
		}
		list += fmt.Sprintf(`{"mediaType":%q,"digest":"sha256:%064x","size":1,"artifactType":"application/vnd.dev.sigstore.bundle.v0.3+json"}`, mediaManifest, i)
	}
	l.before = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/referrers/") {
			w.Header().Set("Content-Type", mediaIndex)
			_, _ = w.Write([]byte(list + "]}"))
			return true
		}
		return false
	}
	s := httptest.NewServer(l)
	t.Cleanup(s.Close)
	few := New(Options{})
	few.limits.requests = 3
	_, err := few.Pull(t.Context(), ref(t, strings.TrimPrefix(s.URL, "http://")+"/acme/notes:1"), NewCache(t.TempDir()))
	if e := asError(err); e == nil || e.Kind != abi.KindLimitExceeded && e.Kind != abi.KindDenied {
		t.Error(err)
	}
	if n := strings.Count(l.requests(), "\n") + 1; n > 3 {
		t.Errorf("%d requests", n)
	}
}

// TestDockerLogins: a login is read from Docker's file or its helper, for the registry that asks only.
func TestDockerLogins(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write := func(name, text string, mode fs.FileMode) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("config.json", `{"auths":{"https://index.docker.io/v1/":{"auth":"aHViOnB3"},"ghcr.io":{"auth":"dXNlcjpodW50ZXIy"},"id.example":{"identitytoken":"tok"},"bad.example":{"auth":"*"}},
		"credHelpers":{"helped.example":"fake","loud.example":"loud","path.example":"../fake","unknown.example":"fails"}}`, 0o600)
	write("docker-credential-fake", "#!/bin/sh\nread host\nprintf '{\"ServerURL\":\"%s\",\"Username\":\"%s\",\"Secret\":\"s3cret\"}' \"$host\" \"$host-$1\"\n", 0o700)
	write("docker-credential-loud", "#!/bin/sh\nwhile :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done\n", 0o700)
	write("docker-credential-fails", "#!/bin/sh\necho credentials not found in native keychain\nexit 1\n", 0o700)
	logins := DockerLogins(func(name string) (string, bool) {
		switch name {
		case "DOCKER_CONFIG":
			return folder, true
		case "PATH":
			return folder + string(os.PathListSeparator) + os.Getenv("PATH"), true
		}
		return "", false
	})
	for host, want := range map[string]string{
		"ghcr.io": "user:hunter2:", "docker.io": "hub:pw:", "id.example": "::tok", "evil.example": "::", "ghcr.io.evil.example": "::",
	} {
		c, err := logins(t.Context(), host)
		if err != nil {
			t.Error(host, err)
		}
		if got := c.User + ":" + open(c.Password) + ":" + open(c.Token); got != want {
			t.Errorf("%s: %s, want %s", host, got, want)
		}
		if strings.Contains(fmt.Sprintf("%v %+v", c, c), "hunter2") {
			t.Error("a printed credential shows its password")
		}
	}
	for host, says := range map[string]string{"bad.example": "not base64", "path.example": "not the end of a program's name"} {
		_, err := logins(t.Context(), host)
		wants(t, err, abi.KindAuthFailed, says)
	}
}

func open(v secret.Value) (text string) {
	if !v.IsZero() {
		_ = v.Reveal(func(b []byte) error { text = string(b); return nil })
	}
	return text
}
