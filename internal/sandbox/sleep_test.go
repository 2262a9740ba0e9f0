package sandbox_test

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/sandbox"
	. "github.com/agenthost/agenthost/internal/wasmasm"
	"github.com/agenthost/agenthost/pdk/abi"
)

// noSleep does not wait.
func noSleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// sleeper is a guest that sleeps so many times in execute. Where that fails, it answers the
// error.
func sleeper(times, milliseconds int) []byte {
	g := newGuest()
	sleep := g.Import(hostfunc.Module, hostfunc.Sleep, "i:i")
	fault := g.Import(hostfunc.Module, hostfunc.Error, ":i")
	part := g.Import(hostfunc.Module, hostfunc.OutputPart, "i:i")
	g.Data(64, `{"error":`)
	g.Data(80, `}`)
	const left = 0
	return g.executes("i", I32(times), Set(left), Loop(
		Get(left), If(
			Call(sleep, I32(milliseconds)), I32(0), LtS, If(
				Call(g.write, I32(64), I32(9)), Drop,
				Call(fault), Call(part), Drop,
				Call(g.write, I32(80), I32(1)), Return),
			Get(left), I32(1), Sub, Set(left), Br(1))))
}

// slept runs a guest, whose host's clock stands still, and returns how long it slept each time.
func slept(t *testing.T, module []byte) ([]time.Duration, *sandbox.Outcome, error) {
	t.Helper()
	now := time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)
	m, err := newEngine(t, sandbox.Config{Now: func() time.Time { return now }}).Load(t.Context(), module)
	if err != nil {
		t.Fatal(err)
	}
	var all []time.Duration
	outcome, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute, Sleep: func(_ context.Context, d time.Duration) error {
		all = append(all, d)
		return nil
	}})
	return all, outcome, err
}

// A guest may sleep so long, and so often; what is too much is its error and no trap.
// threat: E8
func TestSleepIsBounded(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name                       string
		times, milliseconds, slept int
		kind                       abi.Kind
		says                       string
	}{
		{"once", 1, 1500, 1, "", ""},
		{"not at all", 1, 0, 1, "", ""},
		{"the longest", 1, 30_000, 1, "", ""},
		{"too long", 1, 30_001, 0, abi.KindConnectorFault, "30001 ms, the limit is 30000"},
		{"a negative time", 1, -1, 0, abi.KindConnectorFault, "4294967295 ms"},
		{"as often as it may", 100, 20, 100, "", ""},
		{"too often", 101, 20, 100, abi.KindLimitExceeded, "slept 100 times"},
	} {
		all, outcome, err := slept(t, sleeper(tt.times, tt.milliseconds))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if len(all) != tt.slept || tt.slept > 0 && all[0] != time.Duration(tt.milliseconds)*time.Millisecond {
			t.Errorf("%s: it slept %v", tt.name, all)
		}
		switch e := outcome.Err; {
		case tt.kind == "" && e != nil:
			t.Errorf("%s: %v", tt.name, e)
		case tt.kind != "" && (e == nil || e.Kind != tt.kind || !strings.Contains(e.Message, tt.says)):
			t.Errorf("%s: %v, want %s %q", tt.name, e, tt.kind, tt.says)
		}
		if outcome.Fuel > 10_000 {
			t.Errorf("%s: it used %d counts of fuel", tt.name, outcome.Fuel)
		}
	}
}

// Only execute may sleep.
func TestSleepOnlyInExecute(t *testing.T) {
	t.Parallel()
	g := newGuest()
	sleep := g.Import(hostfunc.Module, hostfunc.Sleep, "i:i")
	g.Func(hostfunc.ExportDescribe, ":i", "", Call(sleep, I32(1)), I32(-1), Eq, Eqz) // 0 where it failed
	g.Func(hostfunc.ExportAuthSchema, ":i", "", Call(g.write, I32(0), I32(2)))
	g.Func(hostfunc.ExportExecute, ":i", "", g.answers())
	var calls []traced
	_, err := load(t, g.Bytes()).Run(t.Context(), sandbox.Call{Export: hostfunc.ExportDescribe, Trace: trace(&calls)})
	if len(calls) != 1 || calls[0].result != hostfunc.Failure {
		t.Errorf("describe slept: %v, %v", calls, err)
	}
}

// A deadline and a cancellation end a guest that sleeps, as a timeout.
func TestSleepEndsWithTheCall(t *testing.T) {
	t.Parallel()
	m := load(t, sleeper(1, 30_000))
	ctx, cancel := context.WithCancel(t.Context())
	_, err := m.Run(ctx, sandbox.Call{Export: hostfunc.ExportExecute, Sleep: func(ctx context.Context, _ time.Duration) error {
		cancel()
		<-ctx.Done()
		return ctx.Err()
	}})
	if kindOf(t, err) != abi.KindCancelled {
		t.Errorf("cancelled while it slept: %v", err)
	}
	if _, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute, Sleep: noSleep}); err != nil {
		t.Errorf("the next call: %v", err)
	}
}

// Sixteen guests that sleep hold no slot: with one slot, other calls run to their end
// meanwhile.
func TestSleepersDoNotBlockOthers(t *testing.T) {
	t.Parallel()
	const sleepers, others = 16, 40
	e := newEngine(t, sandbox.Config{Running: 1})
	loaded := func(module []byte) *sandbox.Module {
		m, err := e.Load(t.Context(), module)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	asleep, other := loaded(sleeper(1, 30_000)), loaded(newGuest().executes(""))
	wake := make(chan struct{})
	var group, lying sync.WaitGroup
	lying.Add(sleepers)
	share := e.Turns().NewShare()
	for range sleepers {
		group.Go(func() {
			if err := run(t.Context(), asleep, sandbox.Call{Share: share, Sleep: func(context.Context, time.Duration) error {
				lying.Done()
				<-wake
				return nil
			}}); err != nil {
				t.Error(err)
			}
		})
	}
	lying.Wait()
	for range others {
		if err := run(t.Context(), other, sandbox.Call{Share: share}); err != nil {
			t.Error(err)
		}
	}
	close(wake)
	group.Wait()
}

// subscription is one of poll_oneoff to a clock.
func subscription(clock uint32, timeout time.Duration, absolute bool) string {
	s := make([]byte, 48)
	binary.LittleEndian.PutUint32(s[16:], clock)
	binary.LittleEndian.PutUint64(s[24:], uint64(timeout))
	if absolute {
		s[40] = 1
	}
	return string(s)
}

// A language's own sleep is the host's: it uses no fuel, and what is longer than the longest
// sleep is slept in several.
func TestPollSleeps(t *testing.T) {
	t.Parallel()
	const s, ms = time.Second, time.Millisecond
	long := slices.Repeat([]time.Duration{30 * s}, 100)
	for _, tt := range []struct {
		name          string
		subscriptions string
		want          []time.Duration
		kind          abi.Kind
	}{
		{"two seconds", subscription(1, 2*s, false), []time.Duration{2 * s}, ""},
		{"by the other clock", subscription(0, 1500*time.Microsecond, false), []time.Duration{ms}, ""},
		{"less than the clock shows", subscription(1, ms-1, false), nil, ""},
		{"a minute", subscription(1, 70*s, false), []time.Duration{30 * s, 30 * s, 10 * s}, ""},
		{"for ever", subscription(1, -1, false), long, abi.KindLimitExceeded},
		{"until a time that has passed", subscription(0, 5*s, true), nil, ""},
		{"until the end of time", subscription(0, -1, true), long, abi.KindLimitExceeded},
		{"by a clock that there is not", subscription(7, 5*s, true), nil, ""},
		{"for one of two", subscription(1, 5*s, false) + subscription(1, 2*s, false), nil, ""},
	} {
		g := newGuest()
		poll := g.Import("wasi_snapshot_preview1", "poll_oneoff", "iiii:i")
		g.Data(2048, tt.subscriptions)
		n := len(tt.subscriptions) / 48
		all, _, err := slept(t, g.executes("", Call(poll, I32(2048), I32(4096), I32(n), I32(64)), If(I32(1), Return), I32(64), Load32(0), I32(n), Eq, Eqz, If(I32(2), Return)))
		if kindOf(t, err) != tt.kind {
			t.Errorf("%s: %v", tt.name, err)
		}
		if !slices.Equal(all, tt.want) {
			t.Errorf("%s: it slept %v, want %v", tt.name, all, tt.want)
		}
	}
}

// The guest's clock goes on while it sleeps, also where the host's stands still. It is as
// coarse afterwards as before, and starts anew with the next call.
func TestClockAfterSleep(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 31, 9, 0, 0, 999_999, time.UTC)
	e := newEngine(t, sandbox.Config{Now: func() time.Time { return now }})
	g := newGuest()
	sleep := g.Import(hostfunc.Module, hostfunc.Sleep, "i:i")
	get := g.Import("wasi_snapshot_preview1", "clock_time_get", "iIi:i")
	g.Data(64, `{"data":[`)
	m, err := e.Load(t.Context(), g.executes("", Call(get, I32(0), I64(1), I32(128)), Drop, Call(sleep, I32(1500)), Drop, Call(get, I32(0), I64(1), I32(136)), Drop, Call(sleep, I32(1)), Drop))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		var before, after int64
		call := sandbox.Call{Export: hostfunc.ExportExecute, Sleep: noSleep, Trace: func(c sandbox.HostCall) {
			before, after = int64(binary.LittleEndian.Uint64(c.Memory[128:])), int64(binary.LittleEndian.Uint64(c.Memory[136:]))
		}}
		if _, err := m.Run(t.Context(), call); err != nil {
			t.Fatal(err)
		}
		if want := now.Truncate(time.Millisecond).UnixNano(); before != want || after != want+1_500_000_000 {
			t.Errorf("the clock shows %d before and %d after, want %d", before, after, want)
		}
	}
}
