package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestUnit reads deploy/agenthost.service, and asks systemd about it where that is there.
func TestUnit(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../agenthost.service")
	if err != nil {
		t.Fatal(err)
	}
	unit := string(text)
	for _, want := range []string{
		"User=agenthost", "NoNewPrivileges=yes", "ProtectSystem=strict", "StateDirectory=agenthost", "StateDirectoryMode=0700", "UMask=0077",
		"LimitCORE=0", "CapabilityBoundingSet=", "SystemCallFilter=@system-service", "LoadCredential=master.key:/etc/agenthost/master.key",
		"MemoryDenyWriteExecute=no", "PrivateTmp=yes", "ProtectHome=yes", "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
	} {
		if !strings.Contains(unit, "\n"+want+"\n") {
			t.Errorf("the unit does not say %s", want)
		}
	}
	systemd, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd-analyze")
	}
	// The program is not installed here.
	installed := filepath.Join(t.TempDir(), "agenthost.service")
	if err := os.WriteFile(installed, []byte(strings.ReplaceAll(unit, "/usr/local/bin/agenthost", "/bin/true")), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), systemd, "verify", "--man=no", installed).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), systemd, "security", "--offline=true", "--no-pager", installed).CombinedOutput()
	if err != nil && strings.Contains(string(out), "unrecognized option") {
		t.Skip("this systemd-analyze reads no files")
	}
	m := regexp.MustCompile(`Overall exposure level for agenthost.service: ([0-9.]+)`).FindSubmatch(out)
	if m == nil {
		t.Fatalf("%v: %s", err, out)
	}
	if level, err := strconv.ParseFloat(string(m[1]), 64); err != nil || level > 1.5 {
		t.Errorf("exposure %v, more than 1.5: %v\n%s", level, err, out)
	}
}
