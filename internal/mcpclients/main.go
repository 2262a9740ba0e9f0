// Command mcpclients runs MCP clients and agent frameworks that others wrote against agenthost
// and a simulated vendor, over standard input and output, over HTTP, and through agenthost serve. It also runs the code
// with which clients check or convert the schemas of tools. It prints a table, and fails where
// a client does not get what it must get.
//
// The clients come from their registries; see test-clients in the Makefile.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"sync"
)

type runner struct {
	agenthost, plugins     string
	sources, pythons, node string
	only                   *regexp.Regexp
	folder                 string           // for files of this run
	offered                map[string]offer // by form
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	r := &runner{}
	flag.StringVar(&r.agenthost, "agenthost", "build/agenthost", "the program")
	flag.StringVar(&r.plugins, "plugins", "build/plugins", "the folder of connectors")
	flag.StringVar(&r.sources, "sources", "internal/mcpclients", "the folder of this command")
	flag.StringVar(&r.pythons, "pythons", "build/mcpclients", "the folder of the environments of Python")
	flag.StringVar(&r.node, "node", "internal/mcpclients/node/node_modules/node/bin/node", "Node.js")
	only := flag.String("only", "", "run only the packages that this regular expression matches")
	flag.Parse()
	if err := r.run(ctx, *only); err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1) //nolint:gocritic // stop is called above
	}
}

func (r *runner) run(ctx context.Context, only string) (err error) {
	if r.only, err = regexp.Compile(only); err != nil {
		return err
	}
	for _, path := range []*string{&r.agenthost, &r.plugins, &r.sources, &r.pythons, &r.node} {
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	if r.folder, err = os.MkdirTemp("", "agenthost-clients-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(r.folder)) }()
	if err := r.warm(ctx); err != nil {
		return err
	}
	return errors.Join(r.runClients(ctx), r.validate(ctx))
}

// runs is how many clients run at the same time. They wait most of the time.
const runs = 3

func (r *runner) runClients(ctx context.Context) error {
	turns := make(chan struct{}, runs)
	var mu sync.Mutex
	var failed int
	var all sync.WaitGroup
	fmt.Print(header())
	for _, c := range clients {
		if !r.only.MatchString(c.pkg) {
			continue
		}
		for _, t := range transports {
			all.Go(func() {
				turns <- struct{}{}
				defer func() { <-turns }()
				row := r.try(ctx, c, t)
				mu.Lock()
				defer mu.Unlock()
				fmt.Print(row)
				if row.failed() {
					failed++
				}
			})
		}
	}
	all.Wait()
	if failed > 0 {
		return fmt.Errorf("%d runs failed", failed)
	}
	return nil
}

// warm compiles the connector that the clients call, and learns what tools there are.
func (r *runner) warm(ctx context.Context) error {
	v, err := startVendor(ctx)
	if err != nil {
		return err
	}
	defer v.close()
	config, err := r.configure("warm", v.URL)
	if err != nil {
		return err
	}
	r.offered = make(map[string]offer)
	for _, form := range forms {
		if r.offered[form], err = r.list(ctx, config, form); err != nil {
			return err
		}
	}
	// Some clients give a call 5 seconds, and the first one compiles the connector.
	cmd := exec.CommandContext(ctx, r.agenthost, "exec", "--config", config, "support", "me", "get") //nolint:gosec // the program of the Makefile
	cmd.Env = environment(credentials(v.token))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// try runs all scenarios with a client over a transport.
func (r *runner) try(ctx context.Context, c client, t transport) row {
	out := row{client: c, transport: t}
	v, err := startVendor(ctx)
	if err != nil {
		out.broken = err
		return out
	}
	defer v.close()
	known, err := v.issues(ctx, "")
	if err != nil {
		out.broken = err
		return out
	}
	config, err := r.configure(fmt.Sprintf("%s-%s", c.script, t), v.URL)
	if err != nil {
		out.broken = err
		return out
	}
	input := asked{Control: v.control.URL, Server: server{Command: r.command(config, "operations"), Env: credentials(v.token)}}
	switch t {
	case overStdio:
	case overServe:
		url, token, stop, err := r.serveWorkspace(ctx, string(t)+"-"+c.script+"-"+c.language, v)
		if err != nil {
			out.broken = err
			return out
		}
		defer stop()
		input.Server.URL, input.Server.Token = url, token
	case overHTTP:
		token := random() + random()
		url, stop, err := r.serve(ctx, config, input.Server.Env, token)
		if err != nil {
			out.broken = err
			return out
		}
		defer stop()
		input.Server.URL, input.Server.Token = url, token
	}
	input.Scenarios = r.scenarios(c, t, v, known)
	lines, log, err := r.drive(ctx, c, input)
	out.broken, out.log = err, log
	out.judge(ctx, input.Scenarios, lines)
	return out
}
