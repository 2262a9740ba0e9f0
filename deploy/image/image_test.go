package main

import (
	"archive/tar"
	"bytes"
	"context"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// TestImage makes the image, pushes it to a registry, pulls it, and starts the server out of its layers.
func TestImage(t *testing.T) {
	out := built(t)
	// The same files make the same bytes.
	again := filepath.Join(t.TempDir(), "again")
	files := filepath.Join(out, "image-files")
	if err := run(t.Context(), []string{"make", again, "../agenthost.yaml", filepath.Join(files, "plugins"), "amd64=" + filepath.Join(files, "amd64"), "arm64=" + filepath.Join(files, "arm64")}); err != nil {
		t.Fatal(err)
	}
	one, two := content(t, filepath.Join(out, "image")), content(t, again)
	if !reflect.DeepEqual(one, two) || len(one) < 8 {
		t.Errorf("%d files, and %d that are not the same", len(one), len(two))
	}
	store := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(store.Close)
	reference := strings.TrimPrefix(store.URL, "http://") + "/agenthost:test"
	if err := run(t.Context(), []string{"push", filepath.Join(out, "image"), reference}); err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Index(ref, remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	for _, arch := range []string{"amd64", "arm64"} {
		image, err := remote.Image(ref, remote.WithContext(t.Context()), remote.WithPlatform(v1.Platform{OS: "linux", Architecture: arch}))
		if err != nil {
			t.Fatal(err)
		}
		c, err := image.ConfigFile()
		if err != nil || c.Architecture != arch {
			t.Fatalf("%s: %+v, %v", arch, c, err)
		}
		folder := unpack(t, image)
		checkStatic(t, filepath.Join(folder, "usr", "bin", "agenthost"), arch)
		if arch == runtime.GOARCH {
			serveFrom(t, folder, c.Config)
		}
	}
}

// image is made once for all tests.
var image struct {
	once   sync.Once
	folder string
	err    error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if image.folder != "" {
		_ = os.RemoveAll(image.folder) // a folder of the system for temporary files
	}
	os.Exit(code)
}

// built runs make image, and returns the folder of what it makes.
func built(t *testing.T) string {
	t.Helper()
	image.once.Do(func() {
		if image.folder, image.err = os.MkdirTemp("", "agenthost-image"); image.err != nil { //nolint:usetesting // it is for several tests
			return
		}
		build := exec.CommandContext(context.WithoutCancel(t.Context()), "make", "-C", "../..", "image", "OUT="+image.folder)
		build.Env = append(os.Environ(), "GOFLAGS=-buildvcs=false")
		if text, err := build.CombinedOutput(); err != nil {
			image.err = fmt.Errorf("%w: %s", err, text)
		}
	})
	if image.err != nil {
		t.Fatal(image.err)
	}
	return image.folder
}

// content has the bytes of the files in a folder.
func content(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		found[strings.TrimPrefix(path, dir)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// unpack writes the files of an image into a folder, and checks whose they are.
func unpack(t *testing.T, image v1.Image) string {
	t.Helper()
	dir := t.TempDir()
	r := mutate.Extract(image)
	defer r.Close()
	for entries := tar.NewReader(r); ; {
		h, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		data := strings.TrimSuffix(h.Name, "/") == "var/lib/agenthost"
		if (h.Uid != 0 || h.Gid != 0) != data || h.Mode&0o022 != 0 || h.Mode&0o7000 != 0 || !h.ModTime.Equal(time.Unix(0, 0)) {
			t.Errorf("%s: of %d:%d, mode %o, time %s", h.Name, h.Uid, h.Gid, h.Mode, h.ModTime)
		}
		switch h.Typeflag {
		case tar.TypeDir:
			err = os.MkdirAll(path, os.FileMode(h.Mode))
		case tar.TypeReg:
			var text []byte
			if text, err = io.ReadAll(entries); err == nil {
				err = os.WriteFile(path, text, os.FileMode(h.Mode))
			}
		default:
			t.Errorf("%s is neither a file nor a folder", h.Name)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// checkStatic reads a program: it is for a processor, and needs no other file.
func checkStatic(t *testing.T, path, arch string) {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if want := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[arch]; f.Machine != want {
		t.Errorf("%s: %s", arch, f.Machine)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Errorf("%s is linked dynamically", arch)
		}
	}
}

// serveFrom starts the server out of the files of an image, as a container would, but for the places
// of its files, and calls an operation.
func serveFrom(t *testing.T, dir string, c v1.Config) {
	t.Helper()
	const token = "token-of-the-image"
	vendor, err := vendorsim.Start(t.Context(), pylon.New(pylon.Options{Token: token}), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = vendor.Close() })
	config := filepath.Join(dir, "etc", "agenthost", "agenthost.yaml")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	moved := strings.NewReplacer(" /usr/share/", " "+dir+"/usr/share/", " /var/lib/", " "+dir+"/var/lib/").Replace(string(text)) +
		fmt.Sprintf("serve:\n  connectors:\n    pylon: {server: %s}\n", vendor.URL)
	if err := os.WriteFile(config, []byte(moved), 0o600); err != nil {
		t.Fatal(err)
	}
	var env []string
	for _, variable := range c.Env {
		name, value, _ := strings.Cut(variable, "=")
		env = append(env, name+"="+strings.Replace(value, "/", dir+"/", 1))
	}
	start := func(args ...string) *exec.Cmd {
		words := append(slices.Clone(c.Entrypoint), args...)
		cmd := exec.CommandContext(context.WithoutCancel(t.Context()), filepath.Join(dir, words[0]), words[1:]...)
		cmd.Dir, cmd.Env = filepath.Join(dir, c.WorkingDir), env
		return cmd
	}
	if os.Geteuid() == 0 { // nothing but what is in the image
		cmd := start("version")
		cmd.Path, cmd.Dir, cmd.Env = c.Entrypoint[0], c.WorkingDir, c.Env
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: dir}
		if printed, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(printed, []byte("agenthost")) {
			t.Errorf("%v: %s", err, printed)
		}
	}
	logged := filepath.Join(t.TempDir(), "log")
	out, err := os.Create(logged)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := start(append(slices.Clone(c.Cmd), "--http", "127.0.0.1:0", "--metrics", "127.0.0.1:0")...)
	cmd.Stderr = out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	said := func(pattern string) string {
		t.Helper()
		for until := time.Now().Add(2 * time.Minute); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
			text, _ := os.ReadFile(logged)
			if m := regexp.MustCompile(pattern).FindSubmatch(text); m != nil {
				return string(m[1])
			}
		}
		text, _ := os.ReadFile(logged)
		t.Fatalf("the server does not say %s: %s", pattern, text)
		return ""
	}
	url := said(`serving (http://[^,]*),`)
	get := func(url string) string {
		t.Helper()
		resp, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %s %v", url, resp.StatusCode, text, err)
		}
		return string(text)
	}
	if got := get(url + "/readyz"); got != "ok\n" {
		t.Error(got)
	}
	health := start(c.Healthcheck.Test[2:]...)
	if printed, err := health.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, printed)
	}
	post := func(path, bearer string, body, into any) {
		t.Helper()
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+path, bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if bearer != "" {
			r.Header.Set("Authorization", "Bearer "+bearer)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err == nil && resp.StatusCode >= 300 {
			err = fmt.Errorf("%d %s", resp.StatusCode, answer)
		}
		if err == nil {
			err = json.Unmarshal(answer, into)
		}
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	var first struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	bootstrap, err := os.ReadFile(filepath.Join(dir, c.WorkingDir, "agenthost-data", "bootstrap.json"))
	if err == nil {
		err = json.Unmarshal(bootstrap, &first)
	}
	if err != nil {
		t.Fatal(err)
	}
	var access airbyteapi.Token
	post(airbyteapi.TokenPath, "", airbyteapi.TokenRequest{ClientID: first.ID, ClientSecret: first.Secret}, &access)
	var made airbyteapi.Record
	post(airbyteapi.ConnectorsPath, access.AccessToken, map[string]any{"workspace_name": "acme", "connector_type": "Pylon", "credentials": map[string]string{"api_token": token}}, &made)
	var got struct{ Result []any }
	post(strings.Replace(airbyteapi.ExecutePath, "{connector_id}", made.ID, 1), access.AccessToken, map[string]any{"entity": "users", "action": "list"}, &got)
	if len(got.Result) == 0 {
		t.Error("the call has no users")
	}
	checkMetrics(t, get(said(`metrics are at ([^,]*),`)))
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		text, _ := os.ReadFile(logged)
		t.Errorf("the server ends with %v: %s", err, text)
	}
}

// TestContainerfile compares deploy/Containerfile with what make image makes.
func TestContainerfile(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	_, last, found := strings.Cut(string(text), "\nFROM scratch\n")
	if !found {
		t.Fatal("the image is not made from scratch")
	}
	said := make(map[string][]string)
	for line := range strings.Lines(last) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		said[word] = append(said[word], rest)
	}
	c := settings()
	list := func(words []string) string {
		text, _ := json.Marshal(words)
		return strings.ReplaceAll(string(text), `","`, `", "`)
	}
	ports := make([]string, 0, len(c.ExposedPorts))
	for p := range c.ExposedPorts {
		ports = append(ports, p)
	}
	slices.Sort(ports)
	for word, want := range map[string][]string{
		"USER": {c.User}, "WORKDIR": {c.WorkingDir}, "ENV": c.Env, "EXPOSE": ports, "STOPSIGNAL": {c.StopSignal}, "VOLUME": {"/var/lib/agenthost"},
		"ENTRYPOINT": {list(c.Entrypoint)}, "CMD": {list(c.Cmd)}, "HEALTHCHECK": {"CMD " + list(c.Healthcheck.Test[1:])},
	} {
		if !reflect.DeepEqual(said[word], want) {
			t.Errorf("%s: %q, want %q", word, said[word], want)
		}
	}
}
