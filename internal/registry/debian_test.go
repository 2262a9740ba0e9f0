package registry

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestDebianRegistry moves a connector and a signature through Debian's docker-registry, which does not list
// what refers to an artifact. Without AGENTHOST_TEST_REGISTRY, it is skipped where that is not installed.
func TestDebianRegistry(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("docker-registry")
	switch {
	case err != nil && os.Getenv("AGENTHOST_TEST_REGISTRY") != "":
		t.Fatal("docker-registry is missing (apt-get install docker-registry)")
	case err != nil:
		t.Skip("needs docker-registry (apt-get install docker-registry)")
	}
	free, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := free.Addr().String()
	_ = free.Close()
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yml")
	text := "version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: " + dir + "}}\nhttp: {addr: \"" + at + "\"}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "serve", config)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for { // until it listens
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+at+"/v2/", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = resp.Body.Close()
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("%v\n%s", err, said.String())
		}
		time.Sleep(10 * time.Millisecond)
	}
	r, c, a := ref(t, at+"/acme/notes:1.0.0"), New(Options{}), made(t, module)
	if err := c.Push(ctx, r, a, module); err != nil {
		t.Fatal(err)
	}
	if err := c.Attach(ctx, r, a.Digest, []byte(`{"a":1}`)); err != nil {
		t.Fatal(err)
	}
	if err := c.Attach(ctx, r, a.Digest, []byte(`{"b":2}`)); err != nil {
		t.Fatal(err)
	}
	got, err := c.Pull(ctx, r, NewCache(t.TempDir()))
	if err != nil || got.Digest != a.Digest || len(got.Bundles) != 2 {
		t.Fatal(got, err)
	}
}
