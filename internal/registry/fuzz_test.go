package registry

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/modulefile"
	"github.com/agenthost/agenthost/internal/seams"
)

// FuzzRegistry: a registry that lies in every field gets no more than refusals. What is taken has its digests,
// nobody else is asked, and nobody else gets the credential.
//
// threat: A17, A19, R4
func FuzzRegistry(f *testing.F) {
	a, err := Make(module, "notes", nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(a.manifest, a.config, module, mediaManifest, a.Digest, "", "", []byte(`{"manifests":[]}`), uint16(200))
	f.Add(a.manifest, a.config, module, mediaManifest, "", `Bearer realm="https://10.0.0.1/t",service="s"`, "https://evil.example/b", []byte("{}"), uint16(401))
	f.Add(a.manifest, a.config, module, mediaIndex, "sha256:", `Basic realm="x"`, "http://169.254.169.254/", []byte("["), uint16(307))
	f.Add([]byte(`{"schemaVersion":2,"layers":[{}]}`), []byte("{}"), []byte{}, "", "x", "Bearer", "//", []byte(`{"manifests":[{"mediaType":"`+mediaManifest+`","digest":"`+a.Digest+`","size":9}]}`), uint16(206))
	type lie struct {
		manifest, config, module, list   []byte
		mediaType, digest, asks, leadsTo string
		status                           int
	}
	var now atomic.Pointer[lie]
	var elsewhere atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l := now.Load()
		status := l.status
		switch {
		case strings.Contains(r.URL.Path, "/manifests/"):
			w.Header().Set("Content-Type", l.mediaType)
			w.Header().Set("Docker-Content-Digest", l.digest)
			if l.asks != "" && r.Header.Get("Authorization") == "" {
				w.Header().Set("WWW-Authenticate", l.asks)
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			w.WriteHeader(http.StatusOK)
			_, _ = w.Write(l.manifest)
		case strings.Contains(r.URL.Path, "/referrers/"):
			w.Header().Set("Content-Type", mediaIndex)
			_, _ = w.Write(l.list)
		default:
			if l.leadsTo != "" {
				w.Header().Set("Location", l.leadsTo)
			}
			if status < 200 || status > 599 {
				status = 200
			}
			w.WriteHeader(status)
			if strings.HasSuffix(r.URL.Path, digestOf(l.config)) {
				_, _ = w.Write(l.config)
				return
			}
			_, _ = w.Write(l.module)
		}
	}))
	f.Cleanup(s.Close)
	own := s.Listener.Addr().String()
	f.Fuzz(func(t *testing.T, manifest, config, body []byte, mediaType, digest, asks, leadsTo string, list []byte, status uint16) {
		now.Store(&lie{manifest, config, body, list, mediaType, digest, asks, leadsTo, int(status)})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		client := New(Options{
			Credential: func(_ context.Context, host string) (Credential, error) {
				if host != own {
					t.Errorf("a credential is asked for %s", host)
				}
				return Credential{User: "u", Password: secret.New([]byte("hunter2"))}, nil
			},
			Seams: seams.Seams{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				if address != own {
					elsewhere.Add(1)
					return nil, errors.New("nobody is there")
				}
				return (&net.Dialer{}).DialContext(ctx, network, address)
			}},
		})
		folder := NewCache(t.TempDir())
		got, err := client.Pull(ctx, ref(t, own+"/acme/notes:1"), folder)
		if n := elsewhere.Swap(0); n > 0 && !strings.Contains(leadsTo+asks, ".") {
			t.Errorf("%d connections to elsewhere", n)
		}
		if err != nil {
			if strings.Contains(err.Error(), "hunter2") {
				t.Error("the error has the password")
			}
			return
		}
		data, err := modulefile.Read(ctx, folder.ModulePath(got.Module))
		if err != nil || digestOf(data) != got.Module || digestOf(manifest) != got.Digest {
			t.Errorf("%v: %s is %s", err, got.Module, digestOf(data))
		}
		if _, err := folder.Get(ctx, got.Digest); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(folder.Path()); err != nil {
			t.Error(err)
		}
	})
}
