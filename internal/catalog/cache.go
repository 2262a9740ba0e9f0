package catalog

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/owned"
	"github.com/agenthost/agenthost/internal/sandbox/seal"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// cacheHint tells how to set the cache folder.
const cacheHint = "name a writable folder: cache: in the configuration, --cache or AGENTHOST_CACHE"

// DefaultCache is the default folder for compiled modules: agenthost in the user's cache folder. It
// is empty if the user has none.
func DefaultCache() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "agenthost")
}

// CacheFolder returns a folder for compiled modules: the named one, or [DefaultCache]. If that
// is not writable, it makes a new folder with a random name for this process, which remove
// removes. Other processes cannot find it: a cache has native code, and the key that proves it.
//
// # Errors
//
// An *[abi.Error]: denied if the folder belongs to another user or other users can write to it,
// and internal if there is no folder.
func CacheFolder(named string, log hclog.Logger) (dir string, remove func() error, err error) {
	keep := func() error { return nil }
	if named != "" {
		// A compile worker has another current folder.
		if dir, err = filepath.Abs(named); err != nil {
			return "", nil, cacheError(err)
		}
		return dir, keep, usableCache(dir)
	}
	dir, err = DefaultCache(), errors.New("the user has no cache folder")
	if dir != "" {
		err = usableCache(dir)
	}
	var e *abi.Error
	if err == nil || errors.As(err, &e) && e.Kind == abi.KindDenied {
		return dir, keep, err
	}
	log.Warn("cannot use the cache folder; this process compiles modules for itself", "error", err, "hint", cacheHint)
	dir, err = owned.Temporary("agenthost-")
	if err != nil {
		return "", nil, (&abi.Error{Kind: abi.KindInternal, Field: "cache", Message: "there is no folder for compiled modules", Hint: cacheHint}).WithCause(err)
	}
	return dir, func() error { return os.RemoveAll(dir) }, nil
}

// usableCache makes a folder and its key.
func usableCache(dir string) error {
	if err := owned.Folder(dir); err != nil {
		return cacheError(err)
	}
	if _, err := seal.Open(dir); err != nil {
		return (&abi.Error{Kind: abi.KindInternal, Field: "cache", Message: "cannot read or make the key of the cache folder " + dir, Hint: cacheHint}).WithCause(errors.Join(fault.ErrConfiguration, err))
	}
	return nil
}

func cacheError(err error) error {
	var refused *owned.Error
	if errors.As(err, &refused) {
		return &abi.Error{Kind: abi.KindDenied, Field: "cache", Rule: "private_cache", Message: refused.What, Hint: "the content of a cache runs as native code: " + refused.Hint}
	}
	return (&abi.Error{Kind: abi.KindInternal, Field: "cache", Message: "cannot make the cache folder", Hint: cacheHint}).WithCause(errors.Join(fault.ErrConfiguration, err))
}
