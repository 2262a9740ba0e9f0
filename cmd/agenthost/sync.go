package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/contextstore/copies"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/spf13/cobra"
)

// syncedLine is what sync -o json writes about an entity.
type syncedLine struct {
	Entity string `json:"entity"`
	// Records is how many copies there are, Changed how many the run wrote, and Removed how many it removed.
	Records      int     `json:"records"`
	Changed      int     `json:"changed"`
	Removed      int     `json:"removed"`
	Pages        int     `json:"pages"`
	Milliseconds float64 `json:"milliseconds"`
	// Full says that the run looked at all records, and Complete that all are copied.
	Full     bool       `json:"full"`
	Complete bool       `json:"complete"`
	SyncedAt *time.Time `json:"synced_at"`
	// Next is when the copies are to be brought up to date again.
	Next *time.Time `json:"next,omitempty"`
	// LeftOut are the keys of records that cannot be kept, and LeftOutMore says that there are others.
	LeftOut     []string   `json:"left_out,omitempty"`
	LeftOutMore bool       `json:"left_out_more,omitempty"`
	Error       *abi.Error `json:"error,omitempty"`
}

type syncFlags struct{ full, watch bool }

func (a *app) syncCommand() *cobra.Command {
	var f syncFlags
	cmd := a.tableOrJSON(&cobra.Command{
		Use:   "sync CONNECTION [ENTITY]",
		Short: "Copy the records of a connection, for searches",
		Long: `Copy the records of a connection, or those of one entity, into the folder of context_store: in the
configuration. agenthost exec CONNECTION ENTITY context_store_search finds them there, and agents have a
tool for it. Only direct connections have copies here, and only entities whose list the connection may
run, without conditions.

The first run reads everything. Each further one reads what changed, where the vendor can tell, and
everything from time to time; --full reads everything now. The connector's own operations read, under
the grant of the connection, and use at most a fifth of the rate that the vendor documents.

Ctrl-C stops after a page. The next run goes on there. --watch goes on until it is stopped, and reads
each entity again after its interval; with -o json it writes a line for each pass.`,
		Example: `  agenthost sync support
  agenthost sync support issues --full
  agenthost sync support --watch
  agenthost sync status support
  agenthost exec support issues context_store_search --params '{"query": {"filter": {"eq": {"state": "new"}}}}'`,
		Args:              args(1, "CONNECTION", "ENTITY"),
		ValidArgsFunction: a.completeCopied,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.full && f.watch {
				return &usageError{message: "--full and --watch cannot be used together", hint: "run agenthost sync --full first"}
			}
			connection, entity := args[0], ""
			if len(args) > 1 {
				entity = args[1]
			}
			return a.withCopies(cmd.Context(), func(h *host.Host, k *kept) error {
				if err := a.consent(cmd.Context(), h, connection); err != nil {
					return err
				}
				if f.watch {
					return a.watch(cmd.Context(), k, connection, entity)
				}
				return a.sync(cmd.Context(), k, connection, entity, f.full)
			})
		},
	})
	cmd.Flags().BoolVar(&f.full, "full", false, "read all records, and not only what changed")
	cmd.Flags().BoolVar(&f.watch, "watch", false, "go on until stopped, and keep the copies up to date")
	cmd.AddCommand(a.syncStatusCommand(), a.syncRemoveCommand())
	return cmd
}

// withCopies opens the host with the copies of the configuration, removes those of connections that are gone, and
// calls use.
func (a *app) withCopies(ctx context.Context, use func(h *host.Host, k *kept) error) error {
	return a.openCopies(ctx, func(c *config.Config, h *host.Host, k *kept) error {
		if err := a.removeUnconfigured(ctx, c, h, k); err != nil {
			return err
		}
		return use(h, k)
	})
}

// openCopies opens the host with the copies of the configuration, and calls use.
func (a *app) openCopies(ctx context.Context, use func(c *config.Config, h *host.Host, k *kept) error) error {
	c, path, err := a.loadConfig()
	if err != nil {
		return err
	}
	if c.ContextStore.Folder == "" {
		return &usageError{message: "the configuration keeps no copies of records", hint: "add context_store: {folder: ./context} to agenthost.yaml"}
	}
	o, err := a.optionsOf(c, path)
	if err != nil {
		return err
	}
	k := a.keepCopies(c, &o, nil)
	return openWith(ctx, o, k, func(h *host.Host) error { return use(c, h, k) })
}

// removeUnconfigured removes the copies of connections that are gone, and says so.
func (a *app) removeUnconfigured(ctx context.Context, c *config.Config, h *host.Host, k *kept) error {
	all, err := h.Connections(ctx)
	if err != nil {
		return err
	}
	removed, err := k.Retain(ctx, "", func(name string) bool {
		one, configured := c.Connections[name]
		return configured && one.Mode == config.Direct || slices.ContainsFunc(all, func(c host.ConnectionInfo) bool {
			return c.Name == name && c.Mode == config.Direct
		})
	})
	for _, name := range removed {
		a.say("note", "removed the copies of connection "+name+", which the configuration does not have any more")
	}
	return err
}

// sync makes one run, and shows what it did.
func (a *app) sync(ctx context.Context, k *kept, connection, entity string, full bool) error {
	progress := a.syncProgress()
	done, err := a.passes(ctx, k, connection, entity, copies.SyncOptions{Full: full, Progress: progress.show}, progress)
	progress.clear()
	if len(done) == 0 && err != nil {
		return fault.Configuration(err) // a pass has no parameters that could be wrong
	}
	lines := make([]syncedLine, len(done))
	failed := 0
	for i := range done {
		lines[i] = syncedLineOf(&done[i], progress.took[done[i].Entity])
		if done[i].Err != nil && ctx.Err() == nil {
			failed++
		}
	}
	if err := a.showSynced(lines); err != nil {
		return err
	}
	for _, l := range lines {
		if l.state() == "failed" && len(lines) > 1 {
			a.complain(l.Entity+": "+l.Error.Error(), l.Error.Hint)
		}
	}
	switch {
	case ctx.Err() != nil:
		a.say("note", "stopped; the next run goes on here")
		return fault.Ended(ctx)
	case err != nil:
		return err
	case failed == 1 && len(done) == 1:
		return done[0].Err
	case failed > 0:
		return fmt.Errorf("%d of %d entities failed", failed, len(done))
	}
	return nil
}

// mostTries is how often a pass that the vendor holds up goes on without a further page.
const mostTries = 5

// passes makes a pass over each entity. Where the vendor holds one up, it goes on when the vendor may be asked
// again.
func (a *app) passes(ctx context.Context, k *kept, connection, entity string, o copies.SyncOptions, progress *syncing) ([]copies.Synced, error) {
	done, err := k.Sync(ctx, "", connection, entity, o)
	for i := range done {
		one := &done[i]
		for tries := 0; one.More && ctx.Err() == nil && tries < mostTries; tries++ {
			if wait := one.Next.Sub(a.now()); wait > 0 {
				progress.wait(one, wait)
				select {
				case <-time.After(wait):
				case <-ctx.Done():
					return done, err
				}
			}
			again, err := k.Sync(ctx, "", connection, one.Entity, o)
			if err != nil || len(again) != 1 {
				return done, err
			}
			if again[0].Result.Pages > 0 {
				tries = -1
			}
			before := one.Result
			*one = again[0]
			one.Result.Pages += before.Pages
			one.Result.Changed += before.Changed
			one.Result.Removed += before.Removed
		}
	}
	return done, err
}

func syncedLineOf(s *copies.Synced, took time.Duration) syncedLine {
	left, more := s.LeftOut()
	return syncedLine{
		LeftOut: left, LeftOutMore: more, Entity: s.Entity, Records: s.Result.State.Count, Changed: s.Result.Changed, Removed: s.Result.Removed, Pages: s.Result.Pages,
		Milliseconds: milliseconds(took), Full: s.Result.Full, Complete: s.Result.State.Complete,
		SyncedAt: momentOf(s.Result.State.Synced), Next: momentOf(s.Next), Error: publicError(s.Err),
	}
}

// publicError is an error as -o json shows it, nil for no error.
func publicError(err error) *abi.Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*abi.Error](err); ok {
		return e
	}
	return &abi.Error{Kind: abi.KindInternal, Message: err.Error()}
}

// momentOf is a time in an answer, nil if it is unknown.
func momentOf(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Millisecond)
	return &t
}

// state says in words how a pass ended.
func (l *syncedLine) state() string {
	switch {
	case l.Error != nil && l.Error.Kind == abi.KindCancelled:
		return "stopped"
	case l.Error != nil:
		return "failed"
	case !l.Complete:
		return "not complete"
	}
	return "complete" + without(l.LeftOut, l.LeftOutMore)
}

// without says how many records are left out, "" for none.
func without(keys []string, more bool) string {
	switch {
	case more:
		return fmt.Sprintf(", without more than %d that cannot be kept", len(keys))
	case len(keys) > 0:
		return fmt.Sprintf(", without %d that cannot be kept", len(keys))
	}
	return ""
}

func (a *app) showSynced(lines []syncedLine) error {
	return showList(a, lines, []string{"ENTITY", "RECORDS", "CHANGED", "REMOVED", "PAGES", "STATE", "TIME"}, func(l *syncedLine) []string {
		return []string{
			l.Entity, strconv.Itoa(l.Records), strconv.Itoa(l.Changed), strconv.Itoa(l.Removed), strconv.Itoa(l.Pages),
			l.state(), fmt.Sprintf("%.1f ms", l.Milliseconds),
		}
	}, "there is nothing to copy")
}

// watch keeps copies up to date until ctx ends.
func (a *app) watch(ctx context.Context, k *kept, connection, entity string) error {
	var failure error
	watching, stop := context.WithCancel(ctx)
	defer stop()
	var progress *syncing
	keep := newKeeper(a.now, func(ctx context.Context, connection, entity string) ([]copies.Synced, error) {
		progress = a.syncProgress()
		defer progress.clear()
		return k.Sync(ctx, "", connection, entity, copies.SyncOptions{DueOnly: true, Progress: progress.show})
	})
	keep.report = func(_ string, done []copies.Synced, err error) {
		if err == nil {
			err = a.showPasses(done, progress)
		}
		if err = fault.Configuration(err); err != nil {
			failure = err
			stop()
		}
	}
	keep.add(connection, entity, true)
	keep.run(watching)
	return failure
}

// showPasses writes a line for each pass that a watch made.
func (a *app) showPasses(done []copies.Synced, progress *syncing) error {
	for i := range done {
		line := syncedLineOf(&done[i], progress.took[done[i].Entity])
		if a.format == string(render.JSON) {
			if err := a.jsonLine(line); err != nil {
				return err
			}
			continue
		}
		text := fmt.Sprintf("%s %s: %d changed, %d removed, %d records, %s", a.now().Format(time.TimeOnly), render.Visible(line.Entity), line.Changed, line.Removed, line.Records, render.Visible(line.state()))
		if err := a.print("%s\n", text); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) jsonLine(v any) error {
	line, err := marshal(v)
	if err != nil {
		return err
	}
	return render.New(a.stdout, render.Options{Format: render.NDJSON}).Record(line)
}

// plainEvery is how often a run without a terminal says how far it is.
const plainEvery = 10 * time.Second

// syncing shows the progress of a run on standard error: on one line of a terminal, or on a line of its
// own now and then. It also keeps how long each entity took.
type syncing struct {
	a     *app
	line  *render.Progress
	said  time.Time
	since map[string]time.Time // when the first page of an entity was asked for
	last  time.Time
	took  map[string]time.Duration
}

func (a *app) syncProgress() *syncing {
	now := a.now()
	return &syncing{a: a, line: a.progress(), said: now, last: now, since: make(map[string]time.Time), took: make(map[string]time.Duration)}
}

func (s *syncing) show(p copies.Progress) {
	now := s.a.now()
	if _, known := s.since[p.Entity]; !known {
		s.since[p.Entity] = s.last
	}
	s.last, s.took[p.Entity] = now, now.Sub(s.since[p.Entity])
	if s.line != nil {
		s.line.Of(p.Entity, p.Records, p.Pages)
		return
	}
	if now.Sub(s.said) >= plainEvery {
		s.said = now
		s.a.say("note", fmt.Sprintf("%s: %d records, %d pages", p.Entity, p.Records, p.Pages))
	}
}

// wait says why a pass waits.
func (s *syncing) wait(of *copies.Synced, d time.Duration) {
	s.clear()
	s.a.say("note", fmt.Sprintf("%s goes on in %s: %v", of.Entity, d.Round(time.Second), of.Err))
}

func (s *syncing) clear() { s.line.Clear() }
