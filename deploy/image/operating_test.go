package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
)

// systemctl stands for systemd: it starts the unit's ExecStart, with its environment, and waits until the
// server is ready.
const systemctl = `#!/bin/sh
set -eu
[ "$*" = 'enable --now agenthost' ] || exit 0
unit=DIR/etc/systemd/system/agenthost.service
export $(sed -n 's/^Environment=//p' $unit)
install -d -m 0700 DIR/var/lib/agenthost
cd DIR/var/lib/agenthost
nohup $(sed -n 's/^ExecStart=//p' $unit | sed 's#%d#DIR/etc/agenthost#') < /dev/null > DIR/log 2>&1 &
echo $! > DIR/pid
until agenthost serve ready --data DIR/var/lib/agenthost/data 2> /dev/null; do kill -0 $(cat DIR/pid); sleep 0.1; done
`

// TestOperatingPage does what docs/operating.md says to somebody who begins, up to the answer of a call and a
// token for an agent. Places of files are in a folder of the test, ports are free ones, and there is neither
// systemd nor a user agenthost.
func TestOperatingPage(t *testing.T) {
	for _, program := range []string{"sh", "curl", "install", "base64"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	page, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	const token = "token-of-the-page"
	vendor, err := vendorsim.Start(t.Context(), pylon.New(pylon.Options{Token: token}), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = vendor.Close() })
	dir := t.TempDir()
	var ports []string
	for range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ports = append(ports, l.Addr().String())
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	moved := func(text string) string {
		for _, place := range []string{"/usr/local/bin/", "/usr/share/", "/etc/", "/var/lib/"} {
			text = strings.ReplaceAll(text, place, dir+place)
		}
		return strings.NewReplacer("127.0.0.1:8080", ports[0], "127.0.0.1:9464", ports[1]).Replace(text)
	}
	write := func(name, text string, mode os.FileMode) {
		t.Helper()
		path := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err == nil {
			err = os.WriteFile(path, []byte(text), mode)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	files := filepath.Join(built(t), "image-files")
	for from, to := range map[string]string{
		filepath.Join(files, runtime.GOARCH): "build/agenthost", filepath.Join(files, "plugins", "pylon.wasm"): "build/plugins/pylon.wasm",
		"../agenthost.yaml": "deploy/agenthost.yaml", "../agenthost.service": "deploy/agenthost.service",
	} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(to, "deploy/") {
			text = []byte(moved(string(text)))
		}
		if strings.HasSuffix(to, ".yaml") {
			text = fmt.Appendf(text, "serve:\n  connectors:\n    pylon: {server: %s}\n", vendor.URL)
		}
		write(to, string(text), 0o755)
	}
	write("bin/systemctl", strings.ReplaceAll(systemctl, "DIR", dir), 0o755)
	write("bin/useradd", "#!/bin/sh\n", 0o755)
	for _, folder := range []string{"etc/systemd/system", "usr/local/bin", "var/lib"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if pid, err := os.ReadFile(filepath.Join(dir, "pid")); err == nil {
			_ = exec.Command("kill", strings.TrimSpace(string(pid))).Run()
			time.Sleep(500 * time.Millisecond) // it still writes to the folder that is removed next
		}
	})
	script := ""
	for _, heading := range []string{"### As a service of systemd", "### The first call"} {
		_, section, found := strings.Cut(string(page), "\n"+heading+"\n")
		if !found {
			t.Fatalf("there is no section %s", heading)
		}
		section, _, _ = strings.Cut(section, "\n## ")
		section, _, _ = strings.Cut(section, "\n### ")
		blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(section, -1)
		if len(blocks) == 0 {
			t.Fatalf("%s has no commands", heading)
		}
		for _, b := range blocks {
			script += b[1] + "\n"
		}
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-eu", "-c", moved(script))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+dir+"/bin:"+dir+"/usr/local/bin:"+os.Getenv("PATH"), "PYLON_API_TOKEN="+token, "NO_PROXY=*", "no_proxy=*")
	var printed, failed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &printed, &failed
	if err := cmd.Run(); err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "log"))
		t.Fatalf("%v\n%s\n%s\n%s", err, &printed, &failed, log)
	}
	for _, want := range []string{`"status":"success"`, "ahw_"} {
		if !strings.Contains(printed.String(), want) {
			t.Errorf("the page does not lead to %s:\n%.3000s\n%s", want, &printed, &failed)
		}
	}
}
