package host

import "runtime/debug"

const modulePath = "github.com/agenthost/agenthost"

// Version is the version of agenthost that is linked into the program, or "devel".
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	version := info.Main.Version
	if info.Main.Path != modulePath {
		for _, dep := range info.Deps {
			if dep.Path == modulePath {
				version = dep.Version
			}
		}
	}
	if version == "" || version == "(devel)" {
		return "devel"
	}
	return version
}

// UserAgent is what vendors see.
func UserAgent() string { return "agenthost/" + Version() }
