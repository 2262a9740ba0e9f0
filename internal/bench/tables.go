package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/sandbox"
	connectortable "github.com/agenthost/agenthost/internal/table"
	"github.com/agenthost/agenthost/internal/table/tabletest"
	"github.com/agenthost/agenthost/pdk/abi"
)

// ofTables is how many connectors made from tables a folder has: as many as Airbyte has agent
// connectors, with about as many operations, 1,300 in all.
const ofTables = 56

// sourceNames are the connectors in Go, by file, whose tables these are made of.
var sourceNames = []string{"pylon", "ashby", "incident-io"}

// tables compares connectors made from tables with those in Go that they are made of: what a call
// costs, the first use of each, and the memory of many.
func (b *bench) tables(ctx context.Context) error {
	rows := []row{
		{Name: "a table's get, 1 KB", Base: "the get of the connector in Go", Worse: higher, Unit: "ms", Goal: ratioGoal(1.15)},
		{Name: "a table's list, of accounts", Base: "the list of the connector in Go", Worse: higher, Unit: "ms", Goal: ratioGoal(1.15)},
		{Name: fmt.Sprintf("%d tables known", ofTables), Base: "reading the files", Worse: higher, Unit: "ms", Goal: seenGoal(1000)},
		{Name: "first use of a table, median", Base: "first use of a connector in Go", Worse: higher, Unit: "ms", Goal: seenGoal(10)},
		{Name: "first use of a table, longest", Base: "first use of a connector in Go", Worse: higher, Unit: "ms", Goal: seenGoal(30)},
		{Name: "memory of a used table", Base: "that of a connector in Go", Worse: higher, Unit: "MB"},
	}
	if !b.wants(names(rows)...) {
		return nil
	}
	interpreter, err := os.ReadFile(b.interpreter)
	if err != nil {
		return fmt.Errorf("%w; make build builds it", err)
	}
	sources, err := b.sourceTables(ctx)
	if err != nil {
		return err
	}
	if b.wants(rows[0].Name, rows[1].Name) {
		if err := b.tableCalls(ctx, interpreter, sources[0], rows[:2]); err != nil {
			return err
		}
	}
	if b.wants(names(rows[2:])...) {
		return b.manyTables(ctx, interpreter, sources, rows[2:])
	}
	return nil
}

// sourceTables are the tables of the connectors in Go.
func (b *bench) sourceTables(ctx context.Context) (tables [][]byte, err error) {
	for _, name := range sourceNames {
		module, err := os.ReadFile(filepath.Join(b.plugins, name+".wasm"))
		if err != nil {
			return nil, fmt.Errorf("%w; make connectors builds it", err)
		}
		written, err := connectortable.Of(ctx, module, sandbox.Config{Cache: b.lab.cache})
		if err != nil {
			return nil, err
		}
		tables = append(tables, written)
	}
	return tables, nil
}

// makeTable writes a connector of some rows of a table into a folder, and returns the first use of it.
func makeTable(ctx context.Context, dir, name string, interpreter, source []byte, operations int) (firstUse, error) {
	use := firstUse{Connector: name}
	text, err := tabletest.Resized(source, name, operations)
	if err != nil {
		return use, err
	}
	read, err := connectortable.Read(ctx, name, text)
	if err != nil {
		return use, err
	}
	var manifest abi.Manifest
	var auth abi.AuthSchema
	if err := json.Unmarshal(read.Manifest, &manifest); err != nil {
		return use, err
	}
	if err := json.Unmarshal(read.Auth, &auth); err != nil {
		return use, err
	}
	if err := os.WriteFile(filepath.Join(dir, name+".wasm"), read.Module(interpreter), 0o600); err != nil {
		return use, err
	}
	return use.of(&manifest, &auth)
}

// tableCalls compares calls of Pylon with the same calls of its table.
func (b *bench) tableCalls(ctx context.Context, interpreter, pylon []byte, rows []row) error {
	dir := filepath.Join(b.lab.dir, "pylon-table")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if _, err := makeTable(ctx, dir, "pylon", interpreter, pylon, 0); err != nil {
		return err
	}
	h, err := host.Open(ctx, host.Options{
		Plugins: dir, Cache: b.lab.cache, LookupEnv: oneToken,
		Connections: host.StaticConnections{overHTTP: connectionTo("pylon", b.lab.at.HTTP, "env:TOKEN")},
	})
	if err != nil {
		return err
	}
	defer h.Close(ctx)
	t := b.out.table("call", "the connector in Go", "its table", "ratio")
	listAccounts := host.Call{Entity: "accounts", Action: "list", Params: host.Params{"limit": 100}}
	for i, call := range []host.Call{getIssue(b.lab.issue), listAccounts} {
		got, err := compare(ctx, b.pace, one, execute(b.lab.host, overHTTP, call), execute(h, overHTTP, call))
		if err != nil {
			return fmt.Errorf("%s: %w", rows[i].Name, err)
		}
		b.addTime(rows[i], got)
		t.line(rows[i].Name, ms(got.median(timeOf(0))), ms(got.median(timeOf(1))), number(got.median(timeRatio(1))))
	}
	return t.end()
}

// firstUse is the first call of a connector.
type firstUse struct {
	Connector   string
	Credentials []string
	Entity      string
	Action      string
	Params      host.Params
}

// of chooses the operation: one that reads, with an example's parameters or none.
func (u firstUse) of(manifest *abi.Manifest, auth *abi.AuthSchema) (firstUse, error) {
	for _, f := range auth.Schemes[0].Fields {
		if f.Required {
			u.Credentials = append(u.Credentials, f.Name)
		}
	}
	for _, op := range manifest.Operations {
		if op.Effect != abi.EffectRead {
			continue
		}
		u.Entity, u.Action, u.Params = op.Entity, op.Action, host.Params{}
		if len(op.Examples) == 0 {
			return u, nil
		}
		return u, json.Unmarshal(op.Examples[0], &u.Params)
	}
	return u, fmt.Errorf("%s has no operation that reads", u.Connector)
}

// usesTask uses connectors for the first time, one after the other, in another process.
type usesTask struct {
	Plugins, Cache string
	Uses           []firstUse
}

// usesFigures are the time of each and the processor's, in seconds, and the resident bytes before and
// after.
type usesFigures struct {
	Times, CPU    []float64
	Before, After int64
}

func (f usesFigures) each() float64 { return float64(f.After-f.Before) / float64(len(f.Times)) }

func usesHere(ctx context.Context, task usesTask) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	vendor := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"success":true,"data":[{"id":"x"}],"results":[{"id":"x"}],"request_id":"r"}`))
	})}
	go func() { _ = vendor.Serve(l) }()
	defer vendor.Close()
	connections := host.StaticConnections{}
	for _, u := range task.Uses {
		c := host.Connection{Connector: u.Connector, Server: "http://" + l.Addr().String(), Credentials: map[string]string{}}
		for _, field := range u.Credentials {
			c.Credentials[field] = "env:TOKEN"
		}
		connections[u.Connector] = c
	}
	h, err := host.Open(ctx, host.Options{Plugins: task.Plugins, Cache: task.Cache, LookupEnv: oneToken, Connections: connections})
	if err != nil {
		return err
	}
	defer h.Close(ctx)
	if _, err := h.Connectors(ctx); err != nil { // all are known
		return err
	}
	got := usesFigures{Before: resident()}
	for _, u := range task.Uses {
		start, busy := time.Now(), cpuTime()
		_, err := h.Execute(ctx, u.Connector, host.Call{Entity: u.Entity, Action: u.Action, Params: u.Params})
		// Not every operation finds its records in that answer.
		if e := new(abi.Error); err != nil && (!errors.As(err, &e) || e.Kind != abi.KindVendorError) {
			return fmt.Errorf("%s: %w", u.Connector, err)
		}
		got.Times = append(got.Times, time.Since(start).Seconds())
		got.CPU = append(got.CPU, (cpuTime() - busy).Seconds())
	}
	got.After = resident()
	return json.NewEncoder(os.Stdout).Encode(got)
}

// manyTables measures a folder of tables. The rows are the time to know them, the median and the
// longest first use beyond the first, and the memory of one.
func (b *bench) manyTables(ctx context.Context, interpreter []byte, sources [][]byte, rows []row) error {
	tables := usesTask{Plugins: filepath.Join(b.lab.dir, "tables"), Cache: filepath.Join(b.lab.dir, "cache-of-tables")}
	inGo := usesTask{Plugins: filepath.Join(b.lab.dir, "sources"), Cache: tables.Cache}
	for _, dir := range []string{tables.Plugins, inGo.Plugins} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
	}
	for i := range ofTables {
		// From 5 to 38 operations, and the last one 93.
		operations := 5 + i*7%34
		if i == ofTables-1 {
			operations, i = 0, 0
		}
		source := i % len(sources)
		use, err := makeTable(ctx, tables.Plugins, fmt.Sprintf("table-%d-of-%s", len(tables.Uses), sourceNames[source]), interpreter, sources[source], operations)
		if err != nil {
			return err
		}
		tables.Uses = append(tables.Uses, use)
	}
	for _, name := range sourceNames {
		module, err := os.ReadFile(filepath.Join(b.plugins, name+".wasm"))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(inGo.Plugins, name+".wasm"), module, 0o600); err != nil {
			return err
		}
		i := slices.Index(sourceNames, name)
		use := tables.Uses[i]
		use.Connector = name
		inGo.Uses = append(inGo.Uses, use)
	}
	folder := folderTask{Plugins: tables.Plugins, Cache: tables.Cache, Count: ofTables}
	var known folderFigures
	// The first process fills the cache.
	for _, folder.Pace = range []*pace{nil, &b.pace} {
		if err := ask(ctx, "folder", folder, &known); err != nil {
			return err
		}
	}
	b.addTime(rows[0], known.Comparison)
	var medians, longest, cpu, memory, ratios, ratiosLongest, ratiosMemory, first, ofGo, memoryOfGo []float64
	for run := range b.pace.Runs + 1 {
		var used, usedInGo usesFigures
		if err := ask(ctx, "uses", tables, &used); err != nil {
			return err
		}
		if err := ask(ctx, "uses", inGo, &usedInGo); err != nil {
			return err
		}
		if run == 0 {
			continue // it fills the cache
		}
		inGo := median(usedInGo.Times)
		first = append(first, used.Times[0])
		rest := used.Times[1:]
		medians, longest, memory = append(medians, median(rest)), append(longest, slices.Max(rest)), append(memory, used.each())
		cpu = append(cpu, median(used.CPU[1:]))
		ofGo, memoryOfGo = append(ofGo, inGo), append(memoryOfGo, usedInGo.each())
		ratios, ratiosLongest = append(ratios, median(rest)/inGo), append(ratiosLongest, slices.Max(rest)/inGo)
		ratiosMemory = append(ratiosMemory, used.each()/usedInGo.each())
	}
	rows[1].Seen, rows[2].Seen, rows[3].Seen = 1e3*median(medians), 1e3*median(longest), median(memory)/1e6
	b.add(rows[1].with(ratios))
	b.add(rows[2].with(ratiosLongest))
	b.add(rows[3].with(ratiosMemory))
	t := b.out.table("tables", "known after", "first use of the first", "of the others, median", "CPU", "longest", "of a connector in Go", "memory of all", "of as many connectors in Go")
	t.line(fmt.Sprint(ofTables), ms(known.Comparison.median(timeOf(1))), ms(median(first)), ms(median(medians)), ms(median(cpu)), ms(median(longest)), ms(median(ofGo)),
		mb(int64(ofTables*median(memory))), mb(int64(ofTables*median(memoryOfGo))))
	return t.end()
}
