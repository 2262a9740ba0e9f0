package main

import (
	"context"
	"strconv"
	"time"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/contextstore/copies"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/spf13/cobra"
)

// copiedLine is what sync status -o json writes about an entity.
type copiedLine struct {
	Connection string     `json:"connection"`
	Entity     string     `json:"entity"`
	Records    int        `json:"records"`
	SyncedAt   *time.Time `json:"synced_at"`
	Complete   bool       `json:"complete"`
	// Next is when the next pass is due. It is missing if the pass is due now, or if the entity is not copied.
	Next            *time.Time `json:"next,omitempty"`
	IntervalSeconds int        `json:"interval_seconds"`
	// LeftOut are the keys of records that cannot be kept, and LeftOutMore says that there are others.
	LeftOut     []string `json:"left_out,omitempty"`
	LeftOutMore bool     `json:"left_out_more,omitempty"`
	// Bytes is how many bytes the records have.
	Bytes int64 `json:"bytes"`
	// OverLimit says that records are missing, because the connection has as many copies as it may have.
	OverLimit bool `json:"over_limit,omitempty"`
	// Error is how the last pass failed.
	Error *abi.Error `json:"error,omitempty"`
	// NotCopied is why there are no copies.
	NotCopied *abi.Error `json:"not_copied,omitempty"`
}

func (a *app) syncStatusCommand() *cobra.Command {
	return a.tableOrJSON(&cobra.Command{
		Use:   "status [CONNECTION]",
		Short: "Show what is copied, and how fresh it is",
		Long: `Show what is copied of a connection, or of all direct connections: how many records there are of each
entity, since when they are up to date, when the next pass is due, and how the last one failed. An entity that is not copied has
the reason. It also removes the copies of connections that the configuration does not have any more.`,
		Args:              args(0, "CONNECTION"),
		ValidArgsFunction: a.completeDirect,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withCopies(cmd.Context(), func(h *host.Host, k *kept) error {
				return a.syncStatus(cmd.Context(), h, k, args)
			})
		},
	})
}

func (a *app) syncStatus(ctx context.Context, h *host.Host, k *kept, names []string) error {
	var lines []copiedLine
	if len(names) == 0 {
		all, err := h.Connections(ctx)
		if err != nil {
			return err
		}
		for _, c := range all {
			if c.Mode == config.Direct {
				names = append(names, c.Name)
			}
		}
	}
	for _, name := range names {
		found, err := k.Status(ctx, "", name)
		if err != nil {
			return err
		}
		for i := range found {
			lines = append(lines, copiedLineOf(name, &found[i]))
		}
	}
	return showList(a, lines, []string{"CONNECTION", "ENTITY", "RECORDS", "SYNCED AT", "NEXT", "INTERVAL", "STATE"}, a.copiedRow, "nothing is copied")
}

func copiedLineOf(connection string, s *copies.Status) copiedLine {
	return copiedLine{
		Connection: connection, Entity: s.Entity, Records: s.State.Count, SyncedAt: momentOf(s.State.Synced), Complete: s.State.Complete && !s.Over,
		Next: momentOf(s.Next), IntervalSeconds: int(s.Interval.Seconds()), NotCopied: publicError(s.Refused),
		LeftOut: s.LeftOut, LeftOutMore: s.LeftMore, Bytes: s.State.Bytes, OverLimit: s.Over, Error: publicError(s.Err),
	}
}

func (a *app) copiedRow(l *copiedLine) []string {
	state := "complete"
	next := "now"
	switch {
	case l.NotCopied != nil:
		return []string{l.Connection, l.Entity, "", "", "", "", "not copied: " + l.NotCopied.Message}
	case l.OverLimit:
		state = "not complete: the connection has as many copies as it may have"
	case !l.Complete && l.Records == 0:
		state = "not copied yet"
	case !l.Complete:
		state = "not complete"
	}
	state += without(l.LeftOut, l.LeftOutMore)
	if l.Error != nil && !l.OverLimit {
		state += "; the last pass failed: " + l.Error.Message
	}
	if l.Next != nil {
		next = l.Next.Local().Format(time.DateTime)
	}
	synced := ""
	if l.SyncedAt != nil {
		synced = l.SyncedAt.Local().Format(time.DateTime)
	}
	return []string{l.Connection, l.Entity, strconv.Itoa(l.Records), synced, next, (time.Duration(l.IntervalSeconds) * time.Second).String(), state}
}

func (a *app) syncRemoveCommand() *cobra.Command {
	all := false
	cmd := &cobra.Command{
		Use:   "remove CONNECTION | --all",
		Short: "Remove the copies of a connection",
		Long: `Remove the copies of a connection, also of one that the configuration does not have any more. The
records at the vendor stay. Searches and agenthost sync make copies again.

--all removes the copies of all connections of the configuration, also those that cannot be read, because they are
sealed with another key or are of a newer agenthost.`,
		Args:              args(0, "CONNECTION"),
		ValidArgsFunction: a.completeDirect,
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) > 0) {
				return &usageError{message: "name a connection, or use --all", hint: "usage: " + cmd.UseLine()}
			}
			if all {
				return a.removeAllCopies(cmd.Context())
			}
			return a.withCopies(cmd.Context(), func(_ *host.Host, k *kept) error {
				if err := k.Remove(cmd.Context(), "", args[0]); err != nil {
					return err
				}
				return a.print("removed: the copies of connection %s\n", render.Visible(args[0]))
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "remove the copies of all connections, also those that cannot be read")
	return cmd
}

func (a *app) removeAllCopies(ctx context.Context) error {
	return a.openCopies(ctx, func(_ *config.Config, _ *host.Host, k *kept) error {
		if err := k.RemoveAll(ctx, ""); err != nil {
			return err
		}
		return a.print("removed: the copies of all connections\n")
	})
}
