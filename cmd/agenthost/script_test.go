package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"agenthost": main})
}

// TestScript runs the real command, as a process of its own, against simulated
// vendors. A script starts with a folder of connectors in $PLUGINS, none of the
// variables that agenthost reads, and no vendor.
func TestScript(t *testing.T) {
	plugins := wasmtest.Folder(t, "plugins/pylon", "plugins/ashby", "plugins/incidentio", "internal/demo/overreach")
	badManifest := wasmtest.Build(t, "cmd/agenthost/testdata/badmanifest")
	home := wasmtest.Home(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"vendor":   vendorCommand,
			"requests": requestsCommand,
			"exits":    exitsCommand,
			"expand":   expandCommand,
			"longline": longLineCommand,
			"vault":    vaultCommand,
		},
		Setup: func(e *testscript.Env) error {
			e.Setenv("PLUGINS", plugins)
			// Compiled modules outlive a run of the tests; they are keyed by content.
			e.Setenv("XDG_CACHE_HOME", home)
			// Under the race detector every command would wait a second before it ends.
			e.Setenv("GORACE", "atexit_sleep_ms=0")
			e.Values[vendorKey{}] = &running{}
			return writeBadModules(filepath.Join(e.WorkDir, "bad"), badManifest)
		},
	})
}

// writeBadModules makes files that are no connectors, each for a reason of its own.
func writeBadModules(dir, badManifest string) error {
	manifest, err := os.ReadFile(badManifest)
	if err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	const header = "\x00asm\x01\x00\x00\x00"
	for name, data := range map[string]string{
		"text.wasm":     "this is not Wasm",
		"noexport.wasm": header,
		// One type, func(), and one import of it: evil.fn.
		"imports.wasm":  header + "\x01\x04\x01\x60\x00\x00" + "\x02\x0b\x01\x04evil\x02fn\x00\x00",
		"manifest.wasm": string(manifest),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			return err
		}
	}
	return nil
}
