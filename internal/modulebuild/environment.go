package modulebuild

import (
	"slices"
	"strings"
)

// compilersRead are the variables that a compiler gets: where things are, how the network is reached, and
// options of the compilers. Where somebody builds a connector, tokens of vendors are in the environment too, and
// build scripts of strangers run there. So a variable that is not known here stays out.
var compilersRead = []string{
	"PATH", "HOME", "USER", "SHELL", "TMPDIR", "TZ", "LANG",
	"TMP", "TEMP", "USERPROFILE", "LOCALAPPDATA", "APPDATA", "PROGRAMDATA", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "NUMBER_OF_PROCESSORS",
	"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR",
	"GOROOT", "GOPATH", "GOMODCACHE", "GOCACHE", "GOTMPDIR", "GOENV", "GOFLAGS", "GOTOOLCHAIN", "GOEXPERIMENT", "GOMAXPROCS", "GODEBUG",
	"GOPROXY", "GOSUMDB", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOINSECURE",
	"CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_ENCODED_RUSTFLAGS", "CARGO_NET_OFFLINE", "CARGO_BUILD_JOBS", "RUSTFLAGS", "RUSTC", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN",
	"ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR", "SDKROOT", "DEVELOPER_DIR",
}

// kept are the variables that a compiler gets.
func kept(environment []string) (found []string) {
	for _, variable := range environment {
		name, _, _ := strings.Cut(variable, "=")
		if name = strings.ToUpper(name); slices.Contains(compilersRead, name) || strings.HasPrefix(name, "LC_") || strings.HasPrefix(name, "XDG_") {
			found = append(found, variable)
		}
	}
	return found
}
