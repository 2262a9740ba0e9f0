package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Serve runs the simulations, and a server over them, until ctx ends, and prints how to use them.
func Serve(ctx context.Context, o Options) (err error) {
	v, err := startVendors(ctx, o)
	if err != nil {
		return err
	}
	defer v.close(ctx)
	plugins, err := filepath.Abs(o.Plugins)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "agenthost-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	served, err := startAgents(ctx, o, v, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, served.close(ctx)) }()
	file := filepath.Join(dir, "agenthost.yaml")
	text := v.configuration(plugins)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	// Printing the tokens is safe: only these simulations accept them.
	_, err = fmt.Fprintf(o.Out, `A simulated Pylon is at %s, an Ashby at %s,
an incident.io at %s and an Airbyte API at %s, until you press Ctrl-C.
Their configuration is in %s:

%s
In another terminal:

  export AGENTHOST_CONFIG=%[5]s
`, v.pylon.URL, v.ashby.URL, v.incidentIO.URL, v.airbyte.URL, file, text)
	if err != nil {
		return err
	}
	for _, one := range v.all() {
		if _, err := fmt.Fprintf(o.Out, "  export %s=%s\n", one.variable, one.token); err != nil {
			return err
		}
	}
	for _, variable := range v.airbyte.variables() {
		if _, err := fmt.Fprintf(o.Out, "  export %s=%s\n", variable[0], variable[1]); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(o.Out, `  agenthost check support
  agenthost exec support accounts list --limit 5
  agenthost exec hiring candidates list --limit 5
  agenthost exec oncall incidents list --limit 5
  agenthost hosted create hosted --name support --replication start_date=2026-01-01T00:00:00Z
  agenthost exec hosted me get
  %s
  agenthost hosted list
`, shellLine(searchLine()))
	if err == nil {
		err = served.show(o)
	}
	if err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}
