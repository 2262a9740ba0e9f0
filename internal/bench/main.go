// Command bench compares agenthost with plain Go on the same simulated vendor, side by
// side in one run, and prints a table. Ratios are what to look at: the machine may be
// slow or busy, but it is so for both.
//
// The vendor runs in a process of its own, so that its work is not counted as either's.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"runtime/pprof"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
)

const token = "bench-token-5d1f0c"

func main() {
	if err := bench(); err != nil {
		fmt.Fprintln(os.Stderr, "bench: error:", err)
		os.Exit(1)
	}
}

func bench() error {
	plugins := flag.String("plugins", "build/plugins", "folder with pylon.wasm")
	duration := flag.Duration("time", 2*time.Second, "how long to measure each row, for each side")
	only := flag.String("only", "", "measure only the rows and tables whose name contains this; the tables are overhead, sandbox, hosted and folder")
	calls := flag.Int("calls", 20_000, "how many calls to look at memory after")
	profile := flag.String("cpuprofile", "", "write a CPU profile of the rows to this file")
	beVendor := flag.Bool("serve", false, "be the simulated vendor (used by the benchmark itself)")
	beAirbyte := flag.Bool("serve-airbyte", false, "be the simulated Airbyte API (used by the benchmark itself)")
	measure := flag.String("measure", "", "measure this process (used by the benchmark itself)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	switch {
	case *beVendor:
		return serve(ctx, pylon.New(pylon.Options{Token: token}))
	case *beAirbyte:
		return serveAirbyte(ctx)
	}
	if *measure != "" {
		var m measuring
		if err := json.Unmarshal([]byte(*measure), &m); err != nil {
			return err
		}
		return m.here(ctx)
	}
	return run(ctx, options{*plugins, *duration, *only, *calls, *profile})
}

// serve serves until standard input ends.
func serve(ctx context.Context, vendor http.Handler) error {
	server, err := vendorsim.Start(ctx, vendor, vendorsim.Options{NoGzip: true, LogSize: -1})
	if err != nil {
		return err
	}
	defer server.Close()
	fmt.Println(server.URL)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// startVendor runs this program again as the vendor.
func startVendor(ctx context.Context, which string) (address string, stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	cmd := exec.CommandContext(ctx, self, which)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return "", nil, fmt.Errorf("the vendor did not start: %w", err)
	}
	return strings.TrimSpace(line), func() { _ = stdin.Close(); _ = cmd.Wait() }, nil
}

// call is one row: the same request by both.
type call struct {
	name    string
	callers int
	path    string
	host    host.Call
}

type options struct {
	plugins  string
	duration time.Duration
	only     string
	calls    int
	profile  string
}

func run(ctx context.Context, o options) error {
	address, stop, err := startVendor(ctx, "-serve")
	if err != nil {
		return err
	}
	defer stop()
	h, err := host.Open(ctx, host.Options{
		Plugins:     o.plugins,
		Connections: map[string]host.Connection{"lab": {Connector: "pylon", Server: address, Credentials: map[string]string{"api_token": "env:TOKEN"}}},
		LookupEnv:   func(string) (string, bool) { return token, true },
	})
	if err != nil {
		return err
	}
	defer h.Close(ctx)
	plain := plainGo{address: address, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	calls, err := rows(ctx, plain)
	if err != nil {
		return err
	}
	sides := func(c call) []func(context.Context) error {
		return []func(context.Context) error{
			func(ctx context.Context) error { return plain.get(ctx, c.path) },
			func(ctx context.Context) error { _, err := h.Execute(ctx, "lab", c.host); return err },
			func(ctx context.Context) error {
				res, err := h.Execute(ctx, "lab", c.host)
				if err != nil {
					return err
				}
				var data any
				return res.Decode(&data)
			},
		}
	}
	if o.profile != "" {
		f, err := os.Create(o.profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	if err := table(ctx, os.Stdout, calls, o, sides); err != nil {
		return err
	}
	for _, t := range []struct {
		name string
		show func() error
	}{
		{"overhead", func() error { return overheadTable(ctx, os.Stdout, calls, o, h, plain) }},
		{"sandbox", func() error { return sandboxTable(ctx, os.Stdout, o) }},
		{"hosted", func() error { return hostedTable(ctx, os.Stdout, o) }},
		{"folder", func() error { return manyTable(ctx, os.Stdout, o, address) }},
	} {
		if !strings.Contains(t.name, o.only) {
			continue
		}
		fmt.Println()
		if err := t.show(); err != nil {
			return err
		}
	}
	return nil
}

// table measures the rows and prints them.
func table(ctx context.Context, w io.Writer, calls []call, o options, sides func(call) []func(context.Context) error) error {
	out := tabwriter.NewWriter(w, 2, 0, 2, ' ', 0)
	fmt.Fprintln(out, "call\tcallers\tplain Go\tagenthost\tratio\tdecoded\tratio\tCPU: plain\tagenthost\tratio")
	for _, c := range calls {
		if !strings.Contains(fmt.Sprint(c.name, " ", c.callers), o.only) {
			continue
		}
		measure, show, compare := latency, ms, ratio
		if c.callers > 1 {
			measure, show, compare = throughput, perSecond, func(a, b time.Duration) float64 { return ratio(b, a) }
		}
		got, err := measure(ctx, c.callers, o.duration, sides(c))
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s\t%d\t%s\t%s\t%.2f\t%s\t%.2f\t%s\t%s\t%.2f\n", c.name, c.callers,
			show(got[0].time), show(got[1].time), compare(got[1].time, got[0].time), show(got[2].time), compare(got[2].time, got[0].time),
			ms(got[0].cpu), ms(got[1].cpu), ratio(got[1].cpu, got[0].cpu))
	}
	return out.Flush()
}

// rows finds an issue and makes the calls of the table.
func rows(ctx context.Context, plain plainGo) ([]call, error) {
	now := time.Now().UTC()
	start, end := now.Add(-29*24*time.Hour).Format(time.RFC3339), now.Add(time.Minute).Format(time.RFC3339)
	list := func(limit int) (string, host.Call) {
		query := url.Values{"start_time": {start}, "end_time": {end}, "limit": {fmt.Sprint(limit)}}
		return "/issues?" + query.Encode(), host.Call{Entity: "issues", Action: "list", Params: host.Params{"start_time": start, "end_time": end, "limit": limit}}
	}
	var calls []call
	path, _ := list(100)
	body, err := plain.body(ctx, path)
	if err != nil {
		return nil, err
	}
	id, err := ofSize(body, 1000)
	if err != nil {
		return nil, err
	}
	get := host.Call{Entity: "issues", Action: "get", Params: host.Params{"id": id}}
	for _, callers := range []int{1, 16} {
		calls = append(calls, call{"get", callers, "/issues/" + url.PathEscape(id), get})
		for _, limit := range []int{100, 1000} {
			path, hostCall := list(limit)
			calls = append(calls, call{fmt.Sprintf("list %d", limit), callers, path, hostCall})
		}
	}
	for i := range calls {
		body, err := plain.body(ctx, calls[i].path)
		if err != nil {
			return nil, err
		}
		calls[i].name += fmt.Sprintf(", %.0f KB", float64(len(body))/1000)
	}
	return calls, nil
}

// ofSize returns the id of the record of a page whose size in bytes is nearest to want.
func ofSize(page []byte, want int) (string, error) {
	id, distance := "", -1
	records, _, err := rawjson.Pointer(page, "/data")
	for record := range rawjson.Elements(records) {
		if d := max(len(record)-want, want-len(record)); distance < 0 || d < distance {
			raw, _, _ := rawjson.Pointer(record, "/id")
			id, distance = rawjson.Unquote(raw), d
		}
	}
	if err != nil || id == "" {
		return "", fmt.Errorf("the vendor has no issues: %s", page)
	}
	return id, nil
}

// plainGo is what somebody would write without agenthost.
type plainGo struct {
	address string
	client  *http.Client
}

func (p plainGo) body(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.address+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := p.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", resp.StatusCode, body)
	}
	return body, err
}

func (p plainGo) get(ctx context.Context, path string) error {
	body, err := p.body(ctx, path)
	if err != nil {
		return err
	}
	var answer map[string]any
	return json.Unmarshal(body, &answer)
}
