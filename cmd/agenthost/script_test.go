package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/firstparty"
	"github.com/agenthost/agenthost/internal/oauthsim"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/internal/wasmtest/warm"
	"github.com/rogpeppe/go-internal/testscript"
)

// firstPartyVariable names the file that takes the place of the one in the real command. Only
// this test binary reads it.
const firstPartyVariable = "TEST_FIRST_PARTY"

// interpreterVariable names the interpreter of tables in the same way.
const interpreterVariable = "TEST_INTERPRETER"

// scaffoldsVariable names the sources of new connectors in the same way.
const scaffoldsVariable = "TEST_SCAFFOLDS"

// clockVariable is by how much the clock of the command is wrong, in the same way.
const clockVariable = "TEST_CLOCK"

// rateVariable is how many times faster that clock goes, in the same way.
const rateVariable = "TEST_CLOCK_RATE"

func TestMain(m *testing.M) {
	testscript.Main(tests{m}, map[string]func(){
		"agenthost": func() {
			list, _ := os.ReadFile(os.Getenv(firstPartyVariable))
			firstParty = firstparty.List(list)
			interpreter, _ = os.ReadFile(os.Getenv(interpreterVariable))
			scaffolds, _ = os.ReadFile(os.Getenv(scaffoldsVariable))
			if file := os.Getenv(signersVariable); file != "" {
				verifierOf = signersIn(file)
			}
			wrong, _ := time.ParseDuration(os.Getenv(clockVariable))
			rate, _ := strconv.Atoi(os.Getenv(rateVariable))
			begun := time.Now()
			now := func() time.Time { return time.Now().Add(wrong + time.Duration(max(rate-1, 0))*time.Since(begun)) }
			os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, now))
		},
		"terminal": terminalMain,
	})
}

// asFirstParty lists the modules of a folder in a file for firstPartyVariable.
func asFirstParty(t *testing.T, folder string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.wasm"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d modules in %s, %v", len(files), folder, err)
	}
	list, err := firstparty.Make(t.Context(), wasmtest.Cache(t), files...)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "firstparty.txt")
	if err := os.WriteFile(file, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// compiled has the modules of some folders in the cache, so that no script is told that one is
// being compiled.
func compiled(t *testing.T, folders ...string) {
	t.Helper()
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(folder, "*.wasm"))
		if err != nil {
			t.Fatal(err)
		}
		if err := warm.Modules(t.Context(), wasmtest.Cache(t), files...); err != nil {
			t.Fatal(err)
		}
	}
}

// TestScript runs the real command, as a process of its own, against simulated
// vendors. A script starts with a folder of connectors in $PLUGINS, none of the
// variables that agenthost reads, and no vendor. The race detector watches the command only in
// some, see [plainFolder].
func TestScript(t *testing.T) {
	plugins := wasmtest.Folder(t, "plugins/pylon", "plugins/ashby", "plugins/incidentio", "internal/demo/overreach")
	// With a connector that would spread a credential if it got one.
	login := wasmtest.Folder(t, "cmd/agenthost/testdata/oauthcrm")
	spread := wasmtest.Folder(t, "plugins/pylon", "host/testdata/spread")
	home := wasmtest.Home(t)
	firstParty, interpreter := asFirstParty(t, plugins), wasmtest.Build(t, "internal/table/interpreter")
	scaffolds, err := firstparty.Scaffolds(t.Context(), "../..", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	goCache, err := exec.CommandContext(t.Context(), "go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	plain := plainFolder(t)
	compiled(t, plugins, login, spread)
	tables, err := filepath.Abs("../../docs/tables.md")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"askid":      askIDCommand,
			"vendor":     vendorCommand,
			"airbyte":    airbyteCommand,
			"requests":   requestsCommand,
			"exits":      exitsCommand,
			"expand":     expandCommand,
			"longline":   longLineCommand,
			"tenants":    tenantsCommand,
			"vault":      vaultCommand,
			"oauth":      oauthCommand,
			"browse":     browseCommand,
			"issuer":     issuerCommand,
			"module":     moduleCommand,
			"talk":       talkCommand,
			"firstparty": firstPartyCommand,
			"spy":        spyCommand,
			"registry":   registryCommand,

			"instrumented": instrumentedCommand,
		},
		Setup: func(e *testscript.Env) error {
			e.Setenv("IMPORT", filepath.Join(filepath.Dir(tables), "import.md"))
			e.Setenv("PLUGINS", plugins)
			e.Setenv("LOGINPLUGINS", login)
			e.Setenv("SPREAD", spread)
			e.Setenv(firstPartyVariable, firstParty)
			e.Setenv(interpreterVariable, interpreter)
			e.Setenv(scaffoldsVariable, scaffolds)
			e.Setenv("GOCACHE", strings.TrimSpace(string(goCache)))
			e.Setenv("GOFLAGS", os.Getenv("GOFLAGS")) // so that the cache has what a script compiles
			e.Setenv("TABLES", tables)
			// Compiled modules outlive a run of the tests; they are keyed by content.
			e.Setenv("XDG_CACHE_HOME", home)
			// Under the race detector every command would wait a second before it ends.
			e.Setenv("GORACE", "atexit_sleep_ms=0")
			setPlain(e, plain)
			e.Values[vendorKey{}] = &running{}
			e.Values[oauthKey{}] = &oauthsim.Server{ClientID: "crm", ClientSecret: "CANARYsecret", Prefix: "CANARY", Lifetime: time.Hour}
			e.Setenv("CRM_ID", "crm")
			e.Setenv("CRM_WRONG", "CANARYwrong")
			e.Values[issuerKey{}] = &runningIssuer{}
			e.Values[airbyteKey{}] = &simulatedAirbyte{}
			return writeBadModules(filepath.Join(e.WorkDir, "bad"))
		},
	})
}

// badManifest is wrong in one field: the effect of its only operation.
const badManifest = `{
	"abi": 1, "name": "badmanifest", "title": "Bad manifest", "version": "0.1.0", "description": "Declares an effect that does not exist.",
	"servers": [{"id": "main", "url": "https://api.example.com"}],
	"operations": [{
		"entity": "things", "action": "list", "effect": "explode", "description": "Lists things.",
		"params": {"type": "object"}, "requests": [{"method": "GET", "path": "/things"}]
	}]
}`

// writeBadModules makes files that are no connectors, each for a reason of its own.
func writeBadModules(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	const header = "\x00asm\x01\x00\x00\x00"
	for name, data := range map[string]string{
		"text.wasm":     "this is not Wasm",
		"noexport.wasm": header,
		// One type, func(), and one import of it: evil.fn.
		"imports.wasm":  header + "\x01\x04\x01\x60\x00\x00" + "\x02\x0b\x01\x04evil\x02fn\x00\x00",
		"manifest.wasm": string(wasmtest.Static(badManifest, `{"schemes":[]}`, "{}")),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			return err
		}
	}
	return nil
}
