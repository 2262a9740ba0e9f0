package main

import (
	"runtime"
	"runtime/debug"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/spf13/cobra"
)

// versions is the output of version -o json.
type versions struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	ABI      int    `json:"abi"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Wazero   string `json:"wazero"`
	Extism   string `json:"extism"`
}

func (a *app) versionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the versions of agenthost and its WebAssembly engine",
		Args:  args(0),
		RunE: func(*cobra.Command, []string) error {
			v := currentVersions()
			if done, err := a.json(v); done {
				return err
			}
			lines := [][2]string{
				{"agenthost", v.Version}, {"abi", "1"}, {"go", v.Go + " " + v.Platform}, {"wazero", v.Wazero}, {"extism", v.Extism},
			}
			if v.Revision != "" {
				lines = append(lines, [2]string{"revision", v.Revision})
			}
			return render.Pairs(a.stdout, a.style(render.Table), lines)
		},
	}
	a.formatFlag(cmd, "`format`: table or json", string(render.Table), string(render.JSON))
	return cmd
}

// currentVersions reads the build information in the program.
func currentVersions() versions {
	v := versions{
		Version: host.Version(), ABI: abi.Version, Go: runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH, Wazero: "unknown", Extism: "unknown",
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	for _, dep := range info.Deps {
		switch dep.Path {
		case "github.com/tetratelabs/wazero":
			v.Wazero = dep.Version
		case "github.com/extism/go-sdk":
			v.Extism = dep.Version
		}
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			v.Revision = setting.Value
		}
	}
	return v
}
