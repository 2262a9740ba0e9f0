package main

import (
	"context"
	"encoding/json"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/rawjson"
)

// pages writes every page as it arrives and then lets go of it. The meta that comes at
// the end is the last page's.
func (a *app) pages(ctx context.Context, h *host.Host, connection string, call host.Call, w render.Writer, cost *spent) error {
	progress := a.progress()
	defer progress.Clear()
	var meta json.RawMessage
	seen := 0
	for page, err := range h.Pages(ctx, connection, call) {
		if err != nil {
			return err
		}
		cost.add(page)
		if rawjson.KindOf(page.Data) != rawjson.Array {
			progress.Clear()
			return w.Single(page.Data, page.Meta)
		}
		if a.out.terminal {
			progress.Clear()
		}
		records := 0
		for record := range page.Records() {
			if err := w.Record(record); err != nil {
				return err
			}
			records++
		}
		meta, seen = page.Meta, seen+records
		progress.Page(records)
	}
	progress.Clear()
	if err := w.End(meta); err != nil {
		return err
	}
	if a.tabular() && seen == 0 {
		a.say("note", "no records")
	}
	return nil
}

// progress is a line on standard error, if that is a terminal.
func (a *app) progress() *render.Progress {
	if !a.err.terminal {
		return nil
	}
	return &render.Progress{W: a.stderr, Now: a.now}
}
