package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/agenthost/agenthost/host"
)

// known is how many connectors a folder has, each with the manifest of Pylon under
// another name, and as large as its module.
const known = 200

// folderTask opens a folder of connectors in another process.
type folderTask struct {
	Plugins, Cache string
	Count          int   // of the connectors in it
	Pace           *pace // nil: only fill the cache
}

// folderFigures is what that process measured.
type folderFigures struct {
	Empty, Known int64 // resident bytes
	Comparison   comparison
}

// folder measures what a folder of many connectors costs a host. The time to learn what they
// declare is compared with plain Go that reads the same files.
func (b *bench) folder(ctx context.Context) error {
	r := row{Name: fmt.Sprintf("%d connectors known", known), Base: "reading the files", Worse: higher, Unit: "ms"}
	if !b.wants(r.Name) {
		return nil
	}
	task := folderTask{Plugins: filepath.Join(b.lab.dir, "many"), Cache: filepath.Join(b.lab.dir, "cache-of-many"), Count: known}
	if err := b.fillFolder(task.Plugins); err != nil {
		return err
	}
	defer os.RemoveAll(task.Plugins)
	var got folderFigures
	// The first process fills the cache, because asking connectors loads their modules.
	for _, task.Pace = range []*pace{nil, &b.pace} {
		if err := ask(ctx, "folder", task, &got); err != nil {
			return err
		}
	}
	b.addTime(r, got.Comparison)
	t := b.out.table("connectors in a folder", "known after", "CPU", "reading the files", "resident", "of which before")
	t.line(fmt.Sprint(known), ms(got.Comparison.median(timeOf(1))), ms(got.Comparison.median(clockOf(1))), ms(got.Comparison.median(timeOf(0))), mb(got.Known), mb(got.Empty))
	return t.end()
}

func (b *bench) fillFolder(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	module, err := os.Stat(filepath.Join(b.lab.plugins, "pylon.wasm"))
	if err != nil {
		return err
	}
	for i := range known {
		name := fmt.Sprintf("pylon-%d", i)
		d, err := declares(b.lab.pylon, name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name+".wasm"), padded(small(d, "x"), int(module.Size()), i), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func folderHere(ctx context.Context, task folderTask) error {
	open := func(ctx context.Context) (*host.Host, error) {
		h, err := host.Open(ctx, host.Options{Plugins: task.Plugins, Cache: task.Cache})
		if err != nil {
			return nil, err
		}
		connectors, err := h.Connectors(ctx)
		for _, c := range connectors {
			if err == nil && c.Err != nil {
				err = fmt.Errorf("%s: %w", c.Name, c.Err)
			}
		}
		if err == nil && len(connectors) != task.Count {
			err = fmt.Errorf("%d connectors of %d are known", len(connectors), task.Count)
		}
		return h, err
	}
	got := folderFigures{Empty: resident()}
	h, err := open(ctx)
	if err != nil {
		return err
	}
	got.Known = resident()
	if err := h.Close(ctx); err != nil {
		return err
	}
	if task.Pace == nil {
		return json.NewEncoder(os.Stdout).Encode(got)
	}
	files, err := filepath.Glob(filepath.Join(task.Plugins, "*.wasm"))
	if err != nil {
		return err
	}
	got.Comparison, err = compare(ctx, *task.Pace, one,
		side{call: func(context.Context) error {
			for _, name := range files {
				if _, err := os.ReadFile(name); err != nil {
					return err
				}
			}
			return nil
		}},
		side{call: func(ctx context.Context) error {
			h, err := open(ctx)
			if err != nil {
				return err
			}
			return h.Close(ctx)
		}})
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(got)
}
