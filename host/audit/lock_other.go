//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package audit

import "os"

// renamesOpenFiles says whether the system can rename open files.
const renamesOpenFiles = false

// excludes says whether lock excludes other processes.
const excludes = false

// lock does nothing: this system cannot rename a file that another process has open.
func lock(*os.File) (unlock func(), ok bool) { return func() {}, true }
