// Package owned makes folders that are this user's, and tells folders and files that are not: what
// somebody else may put there would be run, or believed.
package owned

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
)

// Error is why a folder or a file is not to be used.
type Error struct {
	Path string
	// What is wrong with it, and what to do about it.
	What, Hint string
}

// Error implements error.
func (e *Error) Error() string { return e.What }

// Folder makes a folder with mode 0700 where it is missing. It returns an [*Error] for one that
// belongs to another user or that others may write to, and otherwise errors of the file system.
// Where there are no Unix permissions, every folder passes.
func Folder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return Check(dir)
}

// Check is [Folder] for a folder that has to be there.
func Check(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	owner := ownerOf(info)
	switch {
	case !info.IsDir():
		return fmt.Errorf("%s is not a folder", dir)
	case runtime.GOOS == "windows":
	case owner >= 0 && owner != os.Geteuid():
		return &Error{dir, fmt.Sprintf("the folder %s belongs to another user (uid %d, and this is %d)", dir, owner, os.Geteuid()), "use your own folder, or set HOME to the home folder of the user that runs agenthost"}
	case info.Mode().Perm()&0o022 != 0:
		return &Error{dir, fmt.Sprintf("other users can write to the folder %s (mode %04o)", dir, info.Mode().Perm()), "chmod 700 " + dir}
	}
	return nil
}

// Temporary makes a folder of a random name, which only this user may look into, among the
// temporary files. Whoever made it removes it.
func Temporary(prefix string) (dir string, err error) {
	among := os.TempDir()
	info, err := os.Stat(among)
	if err != nil {
		return "", err
	}
	// Without the sticky bit others could put a folder of theirs into its place.
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o022 != 0 && info.Mode()&fs.ModeSticky == 0 {
		return "", fmt.Errorf("other users can rename files in %s: it has no sticky bit", among)
	}
	if dir, err = os.MkdirTemp(among, prefix); err != nil { // mode 0700
		return "", err
	}
	if err = Check(dir); err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	return dir, nil
}
