package main

import (
	"context"
	"fmt"

	"github.com/agenthost/agenthost/host"
	"github.com/spf13/cobra"
)

func (a *app) loginCommand() *cobra.Command {
	var port int
	cmd := &cobra.Command{
		Use:   "login CONNECTION",
		Short: "Log in to a vendor with a browser",
		Long: `Log in to a vendor that wants OAuth 2.0. The command prints an address, which you open
in a browser on this machine, and waits up to five minutes for the vendor's answer on
127.0.0.1. What the login brings is kept encrypted; nothing is opened or started.`,
		Args:              args(1, "CONNECTION"),
		ValidArgsFunction: a.completeConnection,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withDeadline(cmd.Context(), func(ctx context.Context) error {
				return a.open(ctx, func(h *host.Host) error {
					err := h.Login(ctx, args[0], host.Login{Port: port, Show: a.showAddress})
					if err != nil {
						return err
					}
					a.say("note", "logged in to "+args[0]+"; agenthost check "+args[0]+" proves it")
					return nil
				})
			})
		},
	}
	cmd.Flags().IntVar(&port, "port", 0, "`port` of 127.0.0.1 for the answer, where the vendor wants a registered one (default a free one)")
	return cmd
}

// showAddress prints an address on a line of its own, for a program as for a person.
func (a *app) showAddress(address string) {
	a.say("note", "open this address in a browser on this machine:")
	if err := a.print("%s\n", address); err != nil {
		a.say("error", fmt.Sprintf("the address cannot be printed: %v", err))
	}
}

func (a *app) logoutCommand() *cobra.Command {
	var local bool
	cmd := &cobra.Command{
		Use:   "logout CONNECTION",
		Short: "End a login, at the vendor and here",
		Long: `End a login. Where the connector declares how, the vendor is told, and it is tried out
that the vendor no longer accepts the token. Then the login is forgotten here.`,
		Args:              args(1, "CONNECTION"),
		ValidArgsFunction: a.completeConnection,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withDeadline(cmd.Context(), func(ctx context.Context) error {
				return a.open(ctx, func(h *host.Host) error { return a.logout(ctx, h, args[0], local) })
			})
		},
	}
	cmd.Flags().BoolVar(&local, "local", false, "forget the login here, and tell the vendor nothing")
	return cmd
}

func (a *app) logout(ctx context.Context, h *host.Host, name string, local bool) error {
	ended, err := h.Logout(ctx, name, local)
	if err != nil {
		return err
	}
	switch {
	case !ended.Was:
		a.say("note", name+" was not logged in")
	case ended.Vendor:
		a.say("note", "the vendor no longer accepts the login of "+name+", and it is forgotten here")
	default:
		a.say("note", "the login of "+name+" is forgotten here; the vendor was not told, so revoke the access in its settings")
	}
	return nil
}

// withDeadline runs f within --timeout, where that is given.
func (a *app) withDeadline(ctx context.Context, f func(context.Context) error) error {
	if a.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, a.timeout)
		defer cancel()
	}
	return f(ctx)
}
