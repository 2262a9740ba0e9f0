package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/spf13/cobra"
)

// checked is the output of check -o json.
type checked struct {
	Connection string `json:"connection"`
	Connector  string `json:"connector"`
	Mode       string `json:"mode"`
	Server     string `json:"server,omitempty"`
	OK         bool   `json:"ok"`
	// Proof is the operation that ran.
	Proof        string  `json:"proof,omitempty"`
	Milliseconds float64 `json:"milliseconds"`
	// Error is what --all writes about a connection that fails.
	Error *abi.Error `json:"error,omitempty"`
}

func (a *app) checkCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "check CONNECTION",
		Short: "Test a connection's credential",
		Long: `Test a connection's credential: run the operation that the connector declares for this.
It changes nothing at the vendor.

--all tests every connection and prints a line for each. The exit code is 1 if one fails.`,
		Example: `  agenthost check support
  agenthost check --all`,
		Args: func(cmd *cobra.Command, given []string) error {
			if all {
				return args(0)(cmd, given)
			}
			return args(1, "CONNECTION")(cmd, given)
		},
		ValidArgsFunction: a.completeConnection,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.open(cmd.Context(), func(h *host.Host) error {
				if all {
					return a.checkAll(cmd.Context(), h)
				}
				return a.checkOne(cmd.Context(), h, args[0])
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "test every connection")
	a.formatFlag(cmd, "`format`: table or json", string(render.Table), string(render.JSON))
	return cmd
}

func (a *app) checkOne(ctx context.Context, h *host.Host, name string) error {
	if err := a.consent(ctx, h, name); err != nil {
		return err
	}
	c := checked{Connection: name}
	connections, err := h.Connections(ctx)
	if err != nil {
		return err
	}
	for i := range connections {
		if connections[i].Name == name {
			c = about(&connections[i])
		}
	}
	if err := a.check(ctx, h, &c); err != nil {
		return err
	}
	if done, err := a.json(c); done {
		return err
	}
	return a.print("%s\n", c)
}

// checksAtOnce is how many connections --all tests at the same time.
const checksAtOnce = 8

// checkAll tests every connection and writes the results in the order of the names. It asks
// for no approval: a connection whose connector is not approved fails.
func (a *app) checkAll(ctx context.Context, h *host.Host) error {
	connections, err := h.Connections(ctx)
	if err != nil {
		return err
	}
	if len(connections) == 0 {
		return &usageError{message: "there are no connections", hint: "name a configuration with --config FILE, or add --environment"}
	}
	results := make([]checked, len(connections))
	turns := make(chan struct{}, checksAtOnce)
	var running sync.WaitGroup
	for i := range connections {
		results[i] = about(&connections[i])
		running.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			if err := a.check(ctx, h, &results[i]); err != nil && !errors.As(err, &results[i].Error) {
				results[i].Error = &abi.Error{Kind: abi.KindInternal, Message: err.Error()}
			}
		})
	}
	running.Wait()
	failed := 0
	for _, c := range results {
		if c.Error != nil {
			failed++
		}
	}
	done, err := a.json(results)
	for i := 0; i < len(results) && !done && err == nil; i++ {
		err = a.print("%s\n", results[i])
	}
	if err == nil && failed > 0 {
		err = fmt.Errorf("%d of %d connections failed", failed, len(results))
	}
	return err
}

// about returns the facts about a connection that are known before a test.
func about(c *host.ConnectionInfo) checked {
	return checked{Connection: c.Name, Connector: c.Connector, Mode: string(c.Mode), Server: c.Server}
}

// check tests the connection of c and completes c. The test ends after --timeout, if it is set.
func (a *app) check(ctx context.Context, h *host.Host, c *checked) error {
	ctx, cancel := a.withTimeout(ctx)
	defer cancel()
	result, err := h.Check(ctx, c.Connection)
	if err != nil {
		return err
	}
	proof, err := h.CheckOperation(ctx, c.Connection)
	if err != nil {
		return err
	}
	c.OK, c.Mode = true, string(result.Mode)
	c.Proof, c.Milliseconds = proof.Entity+" "+proof.Action, milliseconds(result.Stats.Duration)
	return nil
}

// String returns the line about a connection.
func (c checked) String() string {
	if e := c.Error; e != nil {
		line := "failed: " + c.Connection + ": " + e.Error()
		if e.Hint != "" {
			line += " (" + e.Hint + ")"
		}
		return render.Visible(strings.ReplaceAll(line, "\n", "; "))
	}
	through := map[config.Mode]string{config.Hosted: " through the Airbyte API"}[config.Mode(c.Mode)]
	return fmt.Sprintf("ok: %s: credential accepted (%s%s, %.1f ms)",
		render.Visible(c.Connection), render.Visible(strings.Replace(c.Proof, " ", ".", 1)), through, c.Milliseconds)
}
