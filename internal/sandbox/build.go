package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/agenthost/agenthost/internal/sandbox/wasm"
	"golang.org/x/sys/cpu"
)

// engineVersions are the versions of wazero and go-sdk. They are constants because the build
// information of a program may lack them; a test compares them with go.mod.
const (
	wazeroVersion = "v1.12.0"
	extismVersion = "v1.7.1"
)

// cacheFormat is the version of the form of cache entries.
const cacheFormat = 4

// build names all that native code in the cache depends on besides its module.
func build() string {
	var all bytes.Buffer
	fmt.Fprintln(&all, cacheFormat, wasm.RewriteVersion, wazeroVersion, extismVersion)
	if info, ok := debug.ReadBuildInfo(); ok {
		// The embedding program may use newer ones.
		for _, dep := range info.Deps {
			switch dep.Path {
			case "github.com/tetratelabs/wazero", "github.com/extism/go-sdk":
				if dep.Replace != nil {
					dep = dep.Replace
				}
				fmt.Fprintln(&all, dep.Path, dep.Version, dep.Sum)
			}
		}
	}
	fmt.Fprintln(&all, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	// What wazero's compiler asks of the processor.
	fmt.Fprintln(&all, cpu.X86.HasSSE41, cpu.X86.HasBMI1, cpu.X86.HasBMI2, cpu.X86.HasPOPCNT, cpu.ARM64.HasATOMICS)
	// Maps are printed in order of their keys.
	fmt.Fprintln(&all, wasm.DefaultLimits(), knownImports(), renamedImports())
	sum := sha256.Sum256(all.Bytes())
	return hex.EncodeToString(sum[:8])
}
