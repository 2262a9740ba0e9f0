package main

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/spf13/cobra"
)

// versions is the output of version -o json.
type versions struct {
	Version string `json:"version"`
	// Revision is the commit, and Committed its time.
	Revision  string `json:"revision,omitempty"`
	Committed string `json:"committed,omitempty"`
	// Reproducible says that who builds this commit with this version of Go gets the same program, bit for bit. If not,
	// Unreproducible has the reasons.
	Reproducible   bool     `json:"reproducible"`
	Unreproducible []string `json:"unreproducible,omitempty"`
	ABI            int      `json:"abi"`
	Go             string   `json:"go"`
	Platform       string   `json:"platform"`
	Wazero         string   `json:"wazero"`
	Extism         string   `json:"extism"`
	// Interpreter is the digest of the interpreter of tables, and Connectors has those of the connectors that
	// are used without asking.
	Interpreter string            `json:"interpreter,omitempty"`
	Connectors  map[string]string `json:"connectors"`
}

func (a *app) versionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the versions of agenthost and its WebAssembly engine",
		Long: `Print the versions of agenthost and its WebAssembly engine, how it was built, and the digests of
the connectors that it uses without asking.`,
		Args: args(0),
		RunE: func(*cobra.Command, []string) error {
			info, _ := debug.ReadBuildInfo()
			v := versionsOf(info, interpreter, firstParty.Digests())
			if done, err := a.json(v); done {
				return err
			}
			return render.Pairs(a.stdout, a.style(render.Table), v.lines())
		},
	}
	a.formatFlag(cmd, "`format`: table or json", string(render.Table), string(render.JSON))
	return cmd
}

// lines are what people read.
func (v *versions) lines() [][2]string {
	lines := [][2]string{{"agenthost", v.Version}}
	if v.Revision != "" {
		lines = append(lines, [2]string{"commit", strings.TrimSpace(v.Revision + " " + v.Committed)})
	}
	built := "reproducible"
	if !v.Reproducible {
		built = "not reproducible: " + strings.Join(v.Unreproducible, ", ")
	}
	lines = append(lines, [][2]string{{"build", built}, {"abi", "1"}, {"go", v.Go + " " + v.Platform}, {"wazero", v.Wazero}, {"extism", v.Extism}}...)
	if v.Interpreter != "" {
		lines = append(lines, [2]string{"interpreter", v.Interpreter})
	}
	for _, name := range slices.Sorted(maps.Keys(v.Connectors)) {
		lines = append(lines, [2]string{name, v.Connectors[name]})
	}
	return lines
}

// versionsOf reads the build information in the program, which may be nil, and looks at what is embedded in it.
func versionsOf(info *debug.BuildInfo, interpreter []byte, connectors map[string]string) *versions {
	v := &versions{
		Version: host.Version(), ABI: abi.Version, Go: runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH, Wazero: "unknown", Extism: "unknown", Connectors: make(map[string]string, len(connectors)),
	}
	for name, digest := range connectors {
		v.Connectors[name] = "sha256:" + digest
	}
	if len(interpreter) > 0 {
		digest := sha256.Sum256(interpreter)
		v.Interpreter = "sha256:" + hex.EncodeToString(digest[:])
	}
	settings := make(map[string]string)
	if info != nil {
		for _, dep := range info.Deps {
			switch dep.Path {
			case "github.com/tetratelabs/wazero":
				v.Wazero = dep.Version
			case "github.com/extism/go-sdk":
				v.Extism = dep.Version
			}
		}
		for _, setting := range info.Settings {
			settings[setting.Key] = setting.Value
		}
	}
	v.Revision, v.Committed = settings["vcs.revision"], settings["vcs.time"]
	for _, reason := range []struct {
		holds bool
		text  string
	}{
		{v.Revision == "", "the commit is not known"},
		{settings["vcs.modified"] == "true", "files differ from the commit"},
		{settings["-trimpath"] != "true", "without -trimpath"},
		{settings["CGO_ENABLED"] != "0", "with a C compiler"},
		{len(interpreter) == 0 || len(connectors) == 0, "without the connectors and the interpreter"},
	} {
		if reason.holds {
			v.Unreproducible = append(v.Unreproducible, reason.text)
		}
	}
	v.Reproducible = len(v.Unreproducible) == 0
	return v
}
