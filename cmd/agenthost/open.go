package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/approval"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/nearest"
	"github.com/hashicorp/go-hclog"
)

// defaultConfig is read where it exists and nothing else is named.
const defaultConfig = "agenthost.yaml"

// options are the host's options from the configuration, the environment and the flags,
// of which the later ones win.
func (a *app) options() (host.Options, error) {
	c, path, err := a.loadConfig()
	if err != nil {
		return host.Options{}, err
	}
	return a.optionsOf(c, path)
}

// optionsOf are those of a configuration that was read.
func (a *app) optionsOf(c *config.Config, path string) (o host.Options, err error) {
	o = host.FromConfig(c)
	o.FirstParty = firstPartyDigests(firstParty)
	if o.Lock == "" {
		if o.Lock, err = lockPath(path); err != nil {
			return o, err
		}
	}
	o.LookupEnv = a.lookupEnv
	if c.Audit != (config.Audit{}) {
		o.Caller = osUser()
	}
	if self, err := os.Executable(); err == nil {
		o.CompileWorker = []string{self, compileWorkerName}
	}
	if folder, _ := a.lookupEnv("AGENTHOST_PLUGINS"); folder != "" {
		o.Plugins = folder
	}
	if a.plugins != "" {
		o.Plugins = a.plugins
	}
	o.Logger, err = a.logger()
	return o, err
}

// osUser is the name of the user who runs the command, or the number where there is no name.
func osUser() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "uid " + strconv.Itoa(os.Getuid())
}

// lockPath is where the approvals are if the configuration does not say: beside it, or
// without one in the user's configuration folder.
func lockPath(configuration string) (string, error) {
	// What comes through a pipe has no folder of its own.
	if info, err := os.Stat(configuration); err == nil && info.Mode().IsRegular() {
		return filepath.Join(filepath.Dir(configuration), approval.DefaultName), nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", &usageError{message: "there is no folder for the file of approved connectors: " + err.Error(), hint: "set HOME, or write lock: into a configuration"}
	}
	return filepath.Join(dir, "agenthost", approval.DefaultName), nil
}

// configPath is where the configuration is, or empty where there is none.
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

// loadConfig returns the configuration and its path, which is empty where there is none.
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
		return nil, &usageError{message: "there is no log level " + a.logLevel, hint: nearest.Hint(a.logLevel, []string{"trace", "debug", "info", "warn", "error", "off"})}
	}
	return hclog.New(&hclog.LoggerOptions{Name: "agenthost", Level: level, Output: safeLog{a.stderr}}), nil
}

// open opens the host for use.
func (a *app) open(ctx context.Context, use func(h *host.Host) error) error {
	o, err := a.options()
	if err != nil {
		return err
	}
	return openWith(ctx, o, use)
}

// openWith opens a host of these options for use.
func openWith(ctx context.Context, o host.Options, use func(h *host.Host) error) (err error) {
	if o.Plugins == "" {
		return &usageError{
			message: "no folder of connectors is named",
			hint:    "say --plugins DIR, set AGENTHOST_PLUGINS, or write plugins: ./plugins into agenthost.yaml",
		}
	}
	h, err := host.Open(ctx, o)
	if err != nil {
		return err
	}
	defer func() {
		// What an interrupted call leaves behind must go away too.
		if closeErr := h.Close(context.WithoutCancel(ctx)); err == nil {
			err = closeErr
		}
	}()
	return use(h)
}

// marshal is json.Marshal without the escapes that only HTML needs.
func marshal(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}
