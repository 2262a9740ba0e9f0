package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/tool"
)

// tools measures a model's tools: making them, a search, and an execute. Making and searching
// need the processor only, and are compared with decoding a document. An execute is compared
// with plain Go that sends the same request.
func (b *bench) tools(ctx context.Context) error {
	t := b.out.table("tools over", "made in", "a search", "an execute", "decoding 1 MB of JSON", "plain Go's get")
	for _, n := range connectionCounts {
		connections := "1 connection"
		if n > 1 {
			connections = fmt.Sprintf("%d connections", n)
		}
		rows := []row{
			{Name: "tools over " + connections, Base: "decoding 1 MB", Worse: higher, Unit: "ms"},
			{Name: "search over " + connections, Base: "decoding 1 MB", Worse: higher, Unit: "ms"},
			{Name: "execute over " + connections, Base: "plain Go's time", Worse: higher, Unit: "ms"},
		}
		if n == connectionCounts[len(connectionCounts)-1] {
			rows[0].Goal, rows[1].Goal = seenGoal(500), seenGoal(50)
		}
		if !b.wants(names(rows)...) {
			continue
		}
		got := make([]comparison, len(rows))
		if err := ask(ctx, "tools", b.connectionsTask(n), &got[0], &got[1], &got[2]); err != nil {
			return err
		}
		var line, bases []string
		for i, r := range rows {
			b.addTime(r, got[i])
			line, bases = append(line, ms(got[i].median(timeOf(1)))), append(bases, ms(got[i].median(timeOf(0))))
		}
		t.line(connections, line[0], line[1], line[2], bases[0], bases[2])
	}
	return t.end()
}

// toolsHere measures in this process, and prints a comparison for each step.
func toolsHere(ctx context.Context, task connectionsTask) error {
	h, names, err := task.open(ctx)
	if err != nil {
		return err
	}
	defer h.Close(ctx)
	var set tool.Set
	answer := func(name string, args map[string]any) (side, error) {
		text, err := json.Marshal(args)
		return side{call: func(ctx context.Context) error {
			if text, failed := set.Answer(ctx, name, text); failed {
				return errors.New(text)
			}
			return nil
		}}, err
	}
	made := side{call: func(ctx context.Context) (err error) {
		set, err = h.Tools(ctx, host.ToolOptions{Options: tool.Options{Form: tool.FormSearch}})
		return err
	}}
	search, err := answer(tool.SearchOperations, map[string]any{"query": "list urgent issues"})
	if err != nil {
		return err
	}
	id := sizedID(1000)
	execute, err := answer(tool.ExecuteOperation, map[string]any{"operation": names[len(names)-1] + ".issues.get", "params": map[string]any{"id": id}})
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	for _, pair := range [][2]side{{decodeMegabyte(), made}, {decodeMegabyte(), search}, {newPlainGo(task.Address, nil).get(getPath(id)), execute}} {
		got, err := compare(ctx, task.Pace, one, pair[0], pair[1])
		if err != nil {
			return err
		}
		if err := out.Encode(got); err != nil {
			return err
		}
	}
	return nil
}
