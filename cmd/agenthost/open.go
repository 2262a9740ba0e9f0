package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/approval"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/firstparty"
	"github.com/agenthost/agenthost/internal/modulefile"
	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"
)

// defaultConfig is the configuration file if neither flag nor variable names one.
const defaultConfig = "agenthost.yaml"

// options returns the host's options. Flags win over the environment, which wins over the
// configuration.
func (a *app) options() (host.Options, error) {
	c, path, err := a.loadConfig()
	if err != nil {
		return host.Options{}, err
	}
	return a.optionsOf(c, path)
}

// optionsOf returns the host's options for a configuration that was read from path.
func (a *app) optionsOf(c *config.Config, path string) (o host.Options, err error) {
	o = host.FromConfig(c)
	o.FirstParty, o.Declared = firstParty.Digests(), firstParty.Declared
	if o.Lock == "" {
		if o.Lock, err = lockPath(path); err != nil {
			return o, err
		}
	}
	o.LookupEnv, o.Seams.Now = a.lookupEnv, a.now
	o.Environment = o.Environment || a.environment
	if c.Audit != (config.Audit{}) {
		o.Caller = osUser()
	}
	if folder, err := a.asksOf(c); err == nil { // without one, such a call says that nobody is asked
		o.Asks = folder
	}
	o.CompileWorker = compileWorker()
	o.Cache = a.cacheFolder(c)
	o.OnCompile = a.compiling
	if folder, _ := a.lookupEnv("AGENTHOST_PLUGINS"); folder != "" {
		o.Plugins = folder
	}
	if a.plugins != "" {
		o.Plugins = a.plugins
	}
	o.Logger, err = a.logger()
	return o, err
}

// cacheFolder returns the cache folder of the flag, the environment or the configuration, in
// this order. It may be empty.
func (a *app) cacheFolder(c *config.Config) string {
	if a.cache != "" {
		return a.cache
	}
	if folder, _ := a.lookupEnv("AGENTHOST_CACHE"); folder != "" {
		return folder
	}
	return c.Cache
}

// compiling tells the user why the first use of a connector takes longer.
func (a *app) compiling(connector string) {
	if a.logLevel != "off" {
		a.say("note", "compiling "+connector+", first use on this machine")
	}
}

// osUser returns the name of the user who runs the command, or the number if the name is
// unknown.
func osUser() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "uid " + strconv.Itoa(os.Getuid())
}

// lockPath returns the default path of the lock file: next to the configuration or, without
// one, in the user's configuration folder.
func lockPath(configuration string) (string, error) {
	// A configuration from a pipe has no folder.
	if info, err := os.Stat(configuration); err == nil && info.Mode().IsRegular() {
		return filepath.Join(filepath.Dir(configuration), approval.DefaultName), nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", &usageError{message: "cannot find a folder for agenthost.lock: " + err.Error(), hint: "set HOME, or add lock: to the configuration"}
	}
	return filepath.Join(dir, "agenthost", approval.DefaultName), nil
}

// configPath returns the path of the configuration, or "" without one.
func (a *app) configPath() string {
	if a.config != "" {
		return a.config
	}
	if path, _ := a.lookupEnv("AGENTHOST_CONFIG"); path != "" {
		return path
	}
	if _, err := os.Stat(defaultConfig); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return defaultConfig
}

// loadConfig returns the configuration and its path. Without a configuration, the path is
// empty.
func (a *app) loadConfig() (*config.Config, string, error) {
	path := a.configPath()
	if path == "" {
		return &config.Config{}, "", nil
	}
	c, err := config.Load(path)
	var problems *config.Error
	if err != nil && !errors.As(err, &problems) {
		return nil, "", &usageError{message: err.Error(), hint: "name a configuration with --config FILE or AGENTHOST_CONFIG"}
	}
	return c, path, err
}

func (a *app) logger() (hclog.Logger, error) {
	level := hclog.LevelFromString(a.logLevel)
	if level == hclog.NoLevel {
		return nil, &usageError{message: "unknown log level " + a.logLevel, hint: fault.Hint(a.logLevel, []string{"trace", "debug", "info", "warn", "error", "off"})}
	}
	return hclog.New(&hclog.LoggerOptions{Name: "agenthost", Level: level, Output: safeLog{a.stderr}}), nil
}

// open opens the host, calls use, and closes the host.
func (a *app) open(ctx context.Context, use func(h *host.Host) error) error {
	c, path, err := a.loadConfig()
	if err != nil {
		return err
	}
	o, err := a.optionsOf(c, path)
	if err != nil {
		return err
	}
	return openWith(ctx, o, a.keepCopies(c, &o, nil), use)
}

// openWith is open with options of the caller's, and with the copies that these have, nil for none.
func openWith(ctx context.Context, o host.Options, k *kept, use func(h *host.Host) error) (err error) {
	defer func() {
		if closeErr := k.close(); err == nil {
			err = closeErr
		}
	}()
	if o.Plugins == "" {
		return &usageError{
			message: "the folder of connectors is not set",
			hint:    "add --plugins DIR, set AGENTHOST_PLUGINS, or add plugins: ./plugins to agenthost.yaml",
		}
	}
	h, err := host.Open(ctx, o)
	if err != nil {
		return err
	}
	defer func() {
		k.settle(ctx)
		// An interrupted command must clean up, too.
		if closeErr := h.Close(context.WithoutCancel(ctx)); err == nil {
			err = closeErr
		}
	}()
	return use(h)
}

// marshal is json.Marshal without escapes for HTML.
func marshal(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

const compileWorkerName = "compile-worker"

// compileWorker returns the command line that runs this program as a compile worker. It is
// nil if the path of this program is unknown.
func compileWorker() []string {
	self, err := os.Executable()
	if err != nil {
		return nil
	}
	return []string{self, compileWorkerName}
}

// readModule reads a connector file.
func readModule(ctx context.Context, path string) ([]byte, error) {
	data, err := modulefile.Read(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, err)
	}
	return data, nil
}

// compileWorkerCommand is what agenthost starts to compile a module in a process that it
// can kill.
func (a *app) compileWorkerCommand() *cobra.Command {
	return &cobra.Command{
		Use:                compileWorkerName + " FOLDER BYTES DURATION",
		Short:              "Compile a module for the cache (internal)",
		Hidden:             true,
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return host.ServeCompile(cmd.Context(), args, a.stdin, a.stdout, os.Exit)
		},
	}
}

// firstParty lists the connectors that were built with this command. The file is empty in
// the repository; "make build" replaces it through go build's -overlay. No flag, variable or
// file adds to the list at run time.
//
//go:embed firstparty.txt
var firstParty firstparty.List
