package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// Serve runs the simulated vendor until ctx ends, and prints how to use it.
func Serve(ctx context.Context, o Options) error {
	v, err := startVendors(ctx)
	if err != nil {
		return err
	}
	defer v.Close()
	plugins, err := filepath.Abs(o.Plugins)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "agenthost-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "agenthost.yaml")
	text := v.configuration(plugins)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	// The token is worth nothing but for this vendor, and whoever pastes it needs it.
	_, err = fmt.Fprintf(o.Out, `A simulated Pylon is at %s, an Ashby at %s
and an incident.io at %s, until you press Ctrl-C.
%s holds their configuration:

%s
In another terminal:

  export AGENTHOST_CONFIG=%[4]s
`, v.pylon.URL, v.ashby.URL, v.incidentIO.URL, file, text)
	if err != nil {
		return err
	}
	for _, one := range v.all() {
		if _, err := fmt.Fprintf(o.Out, "  export %s=%s\n", one.variable, one.token); err != nil {
			return err
		}
	}
	_, err = fmt.Fprint(o.Out, `  agenthost check support
  agenthost exec support accounts list --limit 5
  agenthost exec hiring candidates list --limit 5
  agenthost exec oncall incidents list --limit 5
`)
	if err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}
