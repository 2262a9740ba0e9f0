//go:build unix

package source

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// exposed says who else may use an open file, and what to do about it. It checks the open file,
// which cannot be swapped for another.
func exposed(path string, info fs.FileInfo) (who, hint string) {
	owned := true
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		owned = int(stat.Uid) == os.Geteuid()
	}
	if who = ModeProblem(info.Mode(), owned); who != "" {
		hint = fmt.Sprintf("chmod 600 %s; an orchestrator that mounts it has a setting for the mode, such as defaultMode: 0400", path)
	}
	return who, hint
}
