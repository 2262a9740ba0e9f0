// Command coldstart measures how long the command takes from its start to the first
// request that a vendor sees, with a cached module, beside an empty Go program.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

func main() {
	command := flag.String("agenthost", "build/agenthost", "the command")
	plugins := flag.String("plugins", "build/plugins", "the folder of connectors")
	runs := flag.Int("n", 40, "runs")
	flag.Parse()
	if err := run(context.Background(), *command, *plugins, *runs); err != nil {
		fmt.Fprintln(os.Stderr, "coldstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, command, plugins string, runs int) error {
	dir, err := os.MkdirTemp("", "coldstart-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty+".go", []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", empty, empty+".go").CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	arrived := make(chan time.Time, 100)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		arrived <- time.Now()
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"data":{"id":"x","name":"y"},"request_id":"r"}`))
	})}
	go func() { _ = server.Serve(l) }()
	defer server.Close()
	config := filepath.Join(dir, "agenthost.yaml")
	text := "connections:\n  lab:\n    connector: pylon\n    server: http://" + l.Addr().String() + "\n    credentials: {api_token: env:TOKEN}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return err
	}
	once := func() (first, whole time.Duration, err error) {
		cmd := exec.CommandContext(ctx, command, "exec", "lab", "me", "get", "--plugins", plugins, "--config", config, "-o", "json")
		cmd.Env = []string{"TOKEN=t0k3n", "XDG_CACHE_HOME=" + filepath.Join(dir, "cache"), "HOME=" + dir}
		start := time.Now()
		out, err := cmd.CombinedOutput()
		whole = time.Since(start)
		if err != nil {
			return 0, 0, fmt.Errorf("%w: %s", err, out)
		}
		return (<-arrived).Sub(start), whole, nil
	}
	first, whole, err := once()
	if err != nil {
		return err
	}
	fmt.Printf("not cached: first request %v, whole %v\n", first.Round(time.Millisecond), whole.Round(time.Millisecond))
	var firsts, wholes, empties []time.Duration
	for range runs {
		first, whole, err := once()
		if err != nil {
			return err
		}
		start := time.Now()
		if err := exec.CommandContext(ctx, empty).Run(); err != nil {
			return err
		}
		empties = append(empties, time.Since(start))
		firsts, wholes = append(firsts, first), append(wholes, whole)
	}
	for _, s := range []struct {
		name  string
		times []time.Duration
	}{{"cached, to the first request", firsts}, {"cached, whole", wholes}, {"empty Go program, whole", empties}} {
		slices.Sort(s.times)
		fmt.Printf("%-30s median %6.1f ms   p10 %6.1f   p90 %6.1f\n", s.name, ms(s.times[len(s.times)/2]), ms(s.times[len(s.times)/10]), ms(s.times[len(s.times)*9/10]))
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
