package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
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
	"github.com/agenthost/agenthost/internal/store/pgtest"
)

// customers is how many workspaces the server has, each with one connection. It bounds the requests
// of each, so one would not do.
const customers = 64

// served compares agenthost serve, in a process of its own, with this process, which embeds the
// library. Both have the same connections to the same vendor.
func (b *bench) served(ctx context.Context) (err error) {
	if err := b.servedStart(ctx); err != nil {
		return err
	}
	databases := []string{"SQLite", "PostgreSQL"}
	loads := []load{one, sixteen, {callers: manyCallers}}
	name := func(l load, database string) string { return "served get, " + l.String() + ", " + database }
	var rows []string
	for _, d := range databases {
		for _, l := range loads {
			rows = append(rows, name(l, d))
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
	for i, d := range databases {
		if !b.wants(rows[i*len(loads) : (i+1)*len(loads)]...) {
			continue
		}
		database := ""
		if d == "PostgreSQL" {
			postgres, err := pgtest.Launch(ctx)
			if errors.Is(err, pgtest.ErrMissing) {
				fmt.Fprintln(b.out.out, "served:", err)
				continue
			}
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, postgres.Stop()) }() //nolint:revive,gocritic // there is one
			database = postgres.Connection() + " dbname=postgres"
		}
		s, err := b.startServer(ctx, b.lab.dir, database)
		if err != nil {
			return err
		}
		if err := s.customers(ctx); err != nil {
			return errors.Join(err, s.stop())
		}
		for _, l := range loads {
			r := row{Name: name(l, d), Worse: higher}
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
			t.line(d, l.String(), ms(got.median(timeOf(0))), ms(got.median(timeOf(1))), number(got.median(added))+" ms",
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

// servedStart measures the time from the server's start in an empty folder to its first answer with
// a vendor's data.
func (b *bench) servedStart(ctx context.Context) error {
	var sum time.Duration
	run := func(cache func() (string, error)) side {
		return side{clock: func() time.Duration { return sum }, call: func(ctx context.Context) error {
			dir, err := cache()
			if err != nil {
				return err
			}
			begin := time.Now()
			s, err := b.startServer(ctx, dir, "")
			if err != nil {
				return err
			}
			if err = s.customer(ctx, 1); err == nil {
				err = s.side(b.lab.issue).call(ctx)
			}
			sum += time.Since(begin)
			return errors.Join(err, s.stop())
		}}
	}
	t := b.out.table("agenthost serve, from an empty folder", "to the first answer of a vendor", "a small Go program")
	for _, c := range []struct {
		name string
		side side
	}{
		{"compiled before", run(func() (string, error) { return b.lab.dir, nil })},
		{"nothing compiled", run(func() (string, error) { return os.MkdirTemp(b.lab.dir, "cache-") })},
	} {
		r := row{Name: "served start, " + c.name, Base: "a small Go program", Worse: higher, Unit: "ms", Goal: seenGoal(3000)}
		if !b.wants(r.Name) {
			continue
		}
		program, err := buildProgram(ctx, b.lab.dir)
		if err != nil {
			return err
		}
		few := b.pace
		few.Runs, few.Turns = leastRuns, 1
		got, err := compare(ctx, few, one, side{call: func(ctx context.Context) error { return exec.CommandContext(ctx, program).Run() }}, c.side)
		if err != nil {
			return err
		}
		r.Seen = 1e3 * got.median(clockOf(1))
		b.add(r.with(got.runs(func(t []figures) float64 { return t[1].Clock / t[0].Time })))
		t.line(c.name, ms(got.median(clockOf(1))), ms(got.median(timeOf(0))))
	}
	return t.end()
}

// servedProcess is agenthost serve with one connection in each workspace.
type servedProcess struct {
	cmd   *exec.Cmd
	all   plainGo   // with a token for all workspaces
	paths []string  // where to execute, by customer
	as    []plainGo // a client with the token of each
	next  atomic.Int64
}

// startServer starts the server on a new folder, and takes a token of its first application if it makes
// one. Cache is where it looks for compiled modules, and database the connection string of a PostgreSQL in
// place of a file.
func (b *bench) startServer(ctx context.Context, cache, database string, more ...string) (_ *servedProcess, err error) {
	s := &servedProcess{}
	defer func() {
		if err != nil {
			err = fmt.Errorf("agenthost serve: %w", errors.Join(err, s.stop()))
		}
	}()
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
	args := append([]string{"serve", "--http", address, "--data", data, "--plugins", b.lab.plugins, "--config", configuration}, more...)
	env := []string{"HOME=" + dir, "XDG_CACHE_HOME=" + cache}
	if database != "" {
		args, env = append(args, "--db", "env:DATABASE"), append(env, "DATABASE="+database)
	}
	cmd := exec.CommandContext(ctx, b.agenthost, args...)
	var said bytes.Buffer
	cmd.Env, cmd.Stderr = env, &said
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s.cmd, s.all = cmd, newPlainGo("http://"+address, nil)
	if err := s.all.await(ctx, "/healthz"); err != nil {
		return nil, fmt.Errorf("%w: %s", err, said.String())
	}
	first, err := os.ReadFile(filepath.Join(data, "bootstrap.json"))
	if errors.Is(err, fs.ErrNotExist) && database != "" { // another server of the database made it
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	var app airbyteapi.TokenRequest
	if err := json.Unmarshal(first, &app); err != nil {
		return nil, err
	}
	var all airbyteapi.Token
	if err := s.all.ask(ctx, airbyteapi.TokenPath, app, &all); err != nil {
		return nil, err
	}
	s.all.token = all.AccessToken
	return s, nil
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
func (s *servedProcess) customers(ctx context.Context) error {
	for i := range int64(customers) {
		if err := s.customer(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

func (s *servedProcess) customer(ctx context.Context, i int64) error {
	var made airbyteapi.Record
	if err := s.all.ask(ctx, airbyteapi.ConnectorsPath, map[string]any{
		"workspace_name": customer(i), "connector_type": "Pylon",
		"credentials": map[string]string{"api_token": token}, "replication_config": map[string]string{"start_date": "2026-01-01T00:00:00Z"},
	}, &made); err != nil {
		return err
	}
	var scoped airbyteapi.ScopedToken
	if err := s.all.ask(ctx, airbyteapi.ScopedTokenPath, map[string]string{"workspace_name": customer(i)}, &scoped); err != nil {
		return err
	}
	own := s.all
	own.token = scoped.Token
	s.as, s.paths = append(s.as, own), append(s.paths, airbyteapi.ConnectorsPath+"/"+made.ID+"/execute")
	return nil
}

func (p plainGo) ask(ctx context.Context, path string, document, into any) error {
	text, err := p.send(ctx, http.MethodPost, path, document)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// getRequest asks the server for an issue.
func getRequest(issue string) airbyteapi.ExecuteRequest {
	return airbyteapi.ExecuteRequest{Entity: "issues", Action: "get", Params: json.RawMessage(`{"id":` + fmt.Sprintf("%q", issue) + `}`)}
}

// side is the server: the customers ask in turn, and the clock is that of its process.
func (s *servedProcess) side(issue string) side {
	call := getRequest(issue)
	return side{after: true, clock: func() time.Duration { return cpuTimeOf(s.cmd.Process.Pid) }, call: func(ctx context.Context) error {
		i := s.next.Add(1) % int64(len(s.as))
		_, err := s.as[i].send(ctx, http.MethodPost, s.paths[i], call)
		return err
	}}
}

func (s *servedProcess) stop() error {
	if s.cmd == nil {
		return nil
	}
	return errors.Join(s.cmd.Process.Signal(os.Interrupt), s.cmd.Wait())
}
