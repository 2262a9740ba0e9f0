package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/airbyteapi"
)

// customers is how many workspaces the server has, each with one connection. It bounds the requests
// of each, so one would not do.
const customers = 64

// served compares agenthost serve, in a process of its own, with this process, which embeds the
// library. Both have the same connections to the same vendor.
func (b *bench) served(ctx context.Context) error {
	databases := []struct{ name, address string }{{"SQLite", ""}}
	if b.postgres != "" {
		databases = append(databases, struct{ name, address string }{"PostgreSQL", b.postgres})
	}
	loads := []load{one, sixteen, {callers: manyCallers}}
	name := func(l load, database string) string { return "served get, " + l.String() + ", " + database }
	var rows []string
	for _, d := range databases {
		for _, l := range loads {
			rows = append(rows, name(l, d.name))
		}
	}
	if !b.wants(rows...) {
		return nil
	}
	library, err := b.openCustomers(ctx)
	if err != nil {
		return err
	}
	defer library.Close(ctx)
	t := b.out.table("served get", "callers", "library", "server", "difference", "CPU: library", "server", "ratio")
	for _, d := range databases {
		s, err := b.startServer(ctx, d.address)
		if err != nil {
			return err
		}
		for _, l := range loads {
			r := row{Name: name(l, d.name), Worse: higher}
			if !b.wants(r.Name) {
				continue
			}
			var turn atomic.Int64
			embedded := side{call: func(ctx context.Context) error {
				_, err := library.Execute(ctx, customer(turn.Add(1)), getIssue(b.lab.issue))
				return err
			}}
			got, err := compare(ctx, b.pace, l, embedded, s.side(b.lab.issue))
			if err != nil {
				return errors.Join(err, s.stop())
			}
			added := func(t []figures) float64 { return 1e3 * (t[1].Time - t[0].Time) }
			if l.callers == 1 {
				r.Unit, r.Goal, r.least = "ms", seenGoal(0.3), 0.03
				r = r.with(got.runs(added))
			} else {
				r.Base, r.Unit, r.Goal, r.Seen = "CPU of the library", "µs", ratioGoal(1.4), 1e6*got.median(clockOf(1))
				r = r.with(got.runs(clockRatio(1)))
			}
			b.add(r)
			t.line(d.name, l.String(), ms(got.median(timeOf(0))), ms(got.median(timeOf(1))), number(got.median(added))+" ms",
				us(got.median(clockOf(0))), us(got.median(clockOf(1))), number(got.median(clockRatio(1))))
		}
		if err := s.stop(); err != nil {
			return err
		}
	}
	return t.end()
}

func customer(n int64) string { return fmt.Sprint("customer-", n%customers) }

// openCustomers returns a host with a connection for each customer.
func (b *bench) openCustomers(ctx context.Context) (*host.Host, error) {
	all := host.StaticConnections{}
	for i := range int64(customers) {
		c := connectionTo("pylon", b.lab.at.HTTP, "env:TOKEN")
		c.Limits = config.Limits{Concurrency: manyCallers}
		all[customer(i)] = c
	}
	return host.Open(ctx, host.Options{Plugins: b.lab.plugins, Cache: b.lab.cache, Connections: all, LookupEnv: oneToken})
}

// servedProcess is agenthost serve with one connection in each workspace.
type servedProcess struct {
	cmd   *exec.Cmd
	paths []string  // where to execute, by customer
	as    []plainGo // a client with the token of each
	next  atomic.Int64
}

// startServer starts the server on a new folder, and on a database of PostgreSQL if there is one.
func (b *bench) startServer(ctx context.Context, postgres string) (_ *servedProcess, err error) {
	dir, err := os.MkdirTemp(b.lab.dir, "served-")
	if err != nil {
		return nil, err
	}
	configuration := filepath.Join(dir, "agenthost.yaml")
	text := fmt.Sprintf("serve:\n  connectors:\n    pylon: {server: %q, limits: {concurrency: %d}}\n", b.lab.at.HTTP, manyCallers)
	if err := os.WriteFile(configuration, []byte(text), 0o600); err != nil {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address, data := l.Addr().String(), filepath.Join(dir, "data")
	if err := l.Close(); err != nil {
		return nil, err
	}
	args := []string{"serve", "--http", address, "--data", data, "--plugins", b.lab.plugins, "--config", configuration}
	if postgres != "" {
		args = append(args, "--db", "env:DATABASE")
	}
	s := &servedProcess{cmd: exec.CommandContext(ctx, b.agenthost, args...)}
	s.cmd.Env = []string{"HOME=" + dir, "XDG_CACHE_HOME=" + b.lab.dir, "DATABASE=" + postgres}
	var said bytes.Buffer
	s.cmd.Stdout, s.cmd.Stderr = io.Discard, &said
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("agenthost serve: %w", errors.Join(err, s.stop()))
		}
	}()
	first := newPlainGo("http://"+address, nil)
	if err := first.await(ctx, "/healthz"); err != nil {
		return nil, fmt.Errorf("%w: %s", err, said.String())
	}
	return s, s.customers(ctx, first, filepath.Join(data, "bootstrap.json"))
}

// await waits for a server that starts.
func (p plainGo) await(ctx context.Context, path string) error {
	for begin := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		_, err := p.send(ctx, http.MethodGet, path, nil)
		if err == nil || time.Since(begin) > time.Minute {
			return err
		}
	}
}

// customers creates the workspaces and their connections.
func (s *servedProcess) customers(ctx context.Context, first plainGo, bootstrap string) error {
	text, err := os.ReadFile(bootstrap)
	if err != nil {
		return err
	}
	var app airbyteapi.TokenRequest
	if err := json.Unmarshal(text, &app); err != nil {
		return err
	}
	var all airbyteapi.Token
	if err := first.ask(ctx, airbyteapi.TokenPath, app, &all); err != nil {
		return err
	}
	first.token = all.AccessToken
	for i := range int64(customers) {
		var made airbyteapi.Record
		if err := first.ask(ctx, airbyteapi.ConnectorsPath, map[string]any{
			"workspace_name": customer(i), "connector_type": "Pylon",
			"credentials": map[string]string{"api_token": token}, "replication_config": map[string]string{"start_date": "2026-01-01T00:00:00Z"},
		}, &made); err != nil {
			return err
		}
		var scoped airbyteapi.ScopedToken
		if err := first.ask(ctx, airbyteapi.ScopedTokenPath, map[string]string{"workspace_name": customer(i)}, &scoped); err != nil {
			return err
		}
		own := first
		own.token = scoped.Token
		s.as, s.paths = append(s.as, own), append(s.paths, airbyteapi.ConnectorsPath+"/"+made.ID+"/execute")
	}
	return nil
}

func (p plainGo) ask(ctx context.Context, path string, document, into any) error {
	text, err := p.send(ctx, http.MethodPost, path, document)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// side is the server: the customers ask in turn, and the clock is that of its process.
func (s *servedProcess) side(issue string) side {
	call := airbyteapi.ExecuteRequest{Entity: "issues", Action: "get", Params: json.RawMessage(`{"id":` + fmt.Sprintf("%q", issue) + `}`)}
	return side{after: true, clock: func() time.Duration { return cpuTimeOf(s.cmd.Process.Pid) }, call: func(ctx context.Context) error {
		i := s.next.Add(1) % customers
		_, err := s.as[i].send(ctx, http.MethodPost, s.paths[i], call)
		return err
	}}
}

func (s *servedProcess) stop() error {
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	return s.cmd.Wait()
}
