package main

import (
	"context"
	"fmt"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/spf13/cobra"
)

// checked is what check prints.
type checked struct {
	Connection string `json:"connection"`
	Connector  string `json:"connector"`
	Mode       string `json:"mode"`
	Server     string `json:"server,omitempty"`
	OK         bool   `json:"ok"`
	// Proof is the operation that the vendor answered.
	Proof        string  `json:"proof,omitempty"`
	Milliseconds float64 `json:"milliseconds"`
}

func (a *app) checkCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "check CONNECTION",
		Short:             "Prove that a connection works",
		Long:              "Prove that a connection works, by the operation that its connector names for this.\nIt changes nothing at the vendor.",
		Args:              args(1, "CONNECTION"),
		ValidArgsFunction: a.completeConnection,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.open(cmd.Context(), func(h *host.Host) error { return a.check(cmd.Context(), h, args[0]) })
		},
	}
	a.formatFlag(cmd, "`format`: table or json", string(render.Table), string(render.JSON))
	return cmd
}

func (a *app) check(ctx context.Context, h *host.Host, name string) error {
	if err := a.consent(ctx, h, name); err != nil {
		return err
	}
	if a.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, a.timeout)
		defer cancel()
	}
	result, err := h.Check(ctx, name)
	if err != nil {
		return err
	}
	c := checked{Connection: name, OK: true, Mode: string(result.Mode), Milliseconds: float64(result.Stats.Duration.Microseconds()) / 1000}
	connections, err := h.Connections(ctx)
	if err != nil {
		return err
	}
	for _, known := range connections {
		if known.Name != name {
			continue
		}
		c.Connector, c.Server = known.Connector, known.Server
		info, err := h.Connector(ctx, known.Connector)
		if err != nil {
			return err
		}
		if proof := info.CheckOperation(result.Mode); proof != nil {
			c.Proof = proof.Entity + " " + proof.Action
		}
	}
	if done, err := a.json(c); done {
		return err
	}
	through := ""
	if result.Mode == config.Hosted {
		through = " through the Airbyte API"
	}
	return a.print("ok: %s works; the vendor knows the credential and answered %s%s in %.1f ms\n",
		render.Visible(c.Connection), render.Visible(fmt.Sprintf("%s of %s", c.Proof, c.Connector)), through, c.Milliseconds)
}
