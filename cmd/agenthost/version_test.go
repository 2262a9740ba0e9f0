package main

import (
	"runtime/debug"
	"strings"
	"testing"
)

// TestVersionSaysHowItWasBuilt: a program is called reproducible where nothing says that it is not, and each
// thing that does is named.
func TestVersionSaysHowItWasBuilt(t *testing.T) {
	t.Parallel()
	connectors := map[string]string{"pylon": strings.Repeat("a", 64)}
	for name, test := range map[string]struct {
		without     map[string]string // settings that differ from those of a release
		interpreter string
		connectors  map[string]string
		says        string
	}{
		"a release":           {nil, "x", connectors, "reproducible"},
		"a local build":       {map[string]string{"vcs.revision": ""}, "x", connectors, "not reproducible: the commit is not known"},
		"a changed file":      {map[string]string{"vcs.modified": "true"}, "x", connectors, "not reproducible: files differ from the commit"},
		"paths":               {map[string]string{"-trimpath": ""}, "x", connectors, "not reproducible: without -trimpath"},
		"cgo":                 {map[string]string{"CGO_ENABLED": "1"}, "x", connectors, "not reproducible: with a C compiler"},
		"go install":          {nil, "", nil, "not reproducible: without the connectors and the interpreter"},
		"without interpreter": {nil, "", connectors, "not reproducible: without the connectors and the interpreter"},
		"two reasons":         {map[string]string{"-trimpath": "", "CGO_ENABLED": "1"}, "x", connectors, "not reproducible: without -trimpath, with a C compiler"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			info := &debug.BuildInfo{Deps: []*debug.Module{{Path: "github.com/tetratelabs/wazero", Version: "v1.2.3"}}}
			for key, value := range map[string]string{"vcs.revision": "0123abcd", "vcs.time": "2026-12-01T09:00:00Z", "vcs.modified": "false", "-trimpath": "true", "CGO_ENABLED": "0"} {
				if other, changed := test.without[key]; changed {
					value = other
				}
				info.Settings = append(info.Settings, debug.BuildSetting{Key: key, Value: value})
			}
			v := versionsOf(info, []byte(test.interpreter), test.connectors)
			said := make(map[string]string)
			for _, line := range v.lines() {
				said[line[0]] = line[1]
			}
			if said["build"] != test.says || v.Reproducible != (test.says == "reproducible") {
				t.Errorf("it says %q", said["build"])
			}
			_, unknown := test.without["vcs.revision"]
			if said["wazero"] != "v1.2.3" || said["extism"] != "unknown" || unknown == (said["commit"] == "0123abcd 2026-12-01T09:00:00Z") {
				t.Errorf("%q", said)
			}
			if (test.connectors != nil) != (said["pylon"] == "sha256:"+strings.Repeat("a", 64)) ||
				(test.interpreter != "") != (said["interpreter"] == "sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881") {
				t.Errorf("%q", said)
			}
		})
	}
	if v := versionsOf(nil, nil, nil); v.Reproducible || len(v.Unreproducible) < 3 {
		t.Errorf("%+v", v)
	}
}
