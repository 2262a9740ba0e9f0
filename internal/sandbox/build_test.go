package sandbox

import (
	"os"
	"strings"
	"testing"
)

// The cache is keyed by the versions of the engine, which are constants.
func TestEngineVersions(t *testing.T) {
	data, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for path, version := range map[string]string{"github.com/tetratelabs/wazero": wazeroVersion, "github.com/extism/go-sdk": extismVersion} {
		if !strings.Contains(string(data), path+" "+version+"\n") && !strings.Contains(string(data), path+" "+version+" //") {
			t.Errorf("go.mod requires another version of %s than %s: change the constant", path, version)
		}
	}
}

func TestBuildIsStable(t *testing.T) {
	if a, b := build(), build(); a != b || len(a) != 16 {
		t.Errorf("build says %q and %q", a, b)
	}
}
