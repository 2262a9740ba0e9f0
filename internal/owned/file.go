package owned

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
)

// ReadFile reads a file with secrets. It returns an [*Error] for one that belongs to another user,
// that others may read, or that is no regular file, such as a link, and otherwise errors of the
// file system. A file of more than most bytes is refused. Where there are no Unix permissions,
// every regular file passes.
func ReadFile(path string, most int64) (text []byte, err error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // where the system does not know noFollow
		return nil, &Error{path, path + " is not a regular file", "put the file itself there"}
	}
	file, err := os.OpenFile(path, os.O_RDONLY|noFollow, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if info, err = file.Stat(); err != nil {
		return nil, err
	}
	owner, mode := ownerOf(info), info.Mode().Perm()
	switch {
	case !info.Mode().IsRegular():
		return nil, &Error{path, path + " is not a regular file", "put the file itself there"}
	case info.Size() > most:
		return nil, &Error{path, fmt.Sprintf("%s has more than %d bytes", path, most), "put the right file there"}
	case runtime.GOOS == "windows":
	case owner >= 0 && owner != os.Geteuid():
		return nil, &Error{path, fmt.Sprintf("%s belongs to another user (uid %d, and this is %d)", path, owner, os.Geteuid()), fmt.Sprintf("chown %d %s", os.Geteuid(), path)}
	case mode&0o077 != 0:
		return nil, &Error{path, fmt.Sprintf("other users can read or write %s (mode %04o)", path, mode), "chmod 600 " + path}
	}
	return io.ReadAll(io.LimitReader(file, most))
}
