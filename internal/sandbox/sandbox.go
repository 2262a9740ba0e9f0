// Package sandbox runs connectors: it vets and rewrites a module, compiles it once,
// and runs each call in an instance whose state is as it was after initialisation.
//
// A guest reaches the outside through the host functions of this package alone. It
// has no files, no sockets, no environment; its clock is coarse; and what it may ask
// the host to do is bounded by [Limits] and by the call's context, which stops a
// guest wherever it is.
//
// The package sends nothing itself: [Call.Send] is given by the host.
package sandbox

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"time"

	"github.com/agenthost/agenthost/internal/sandbox/compileworker"
	"github.com/agenthost/agenthost/internal/turns"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// Config is what an [Engine] needs.
type Config struct {
	// Cache is a folder for compiled modules, created with mode 0700 where it is
	// missing. Its content runs as native code, so nobody else may write there.
	// Empty keeps compiled modules in memory alone.
	Cache string
	// CompileWorker is a program and its arguments that compiles modules in a process
	// of its own, within the two limits below: it calls [ServeCompile] with the
	// arguments that follow, and is built with this package. It needs Cache. Empty
	// compiles in this process, where only vetting bounds what a module costs.
	CompileWorker []string
	// CompileTimeout is the wall time of the worker; 0 means 60 seconds.
	CompileTimeout time.Duration
	// CompileMemory is what the worker may use, in bytes; 0 means 1 GiB.
	CompileMemory int64
	// RunWorker runs the worker; nil means [compileworker.Run]. It is for tests.
	RunWorker func(ctx context.Context, job compileworker.Job, module []byte) error
	// Logger gets the engine's own lines. Nil logs nothing.
	Logger hclog.Logger
	// Now is the guests' clock, and that by which instances wait; nil means time.Now. It
	// must be safe for concurrent use.
	Now func() time.Time
	// Random is the guests' source of random bytes; nil means crypto/rand. It must be
	// safe for concurrent use.
	Random io.Reader
	// MaxIdleBytes is what instances that wait for a call may hold in memory, those of all
	// modules together; 0 means 256 MiB. Where that is not enough, those go that have
	// waited longest. A new one takes a call a millisecond. An instance holds what its last
	// calls wrote where the system says which pages those are, its whole memory elsewhere,
	// and besides that 40 to 200 KB.
	MaxIdleBytes int64
	// IdleTimeout is how long they wait; 0 means 15 seconds.
	IdleTimeout time.Duration
	// Running is how many guests run at once, work for guests included; those that wait for
	// a vendor do not run. 0 means as many as there are processors that Go may use.
	Running int
	// Profile makes modules whose calls can be profiled, with [Call.Profile]. They run
	// many times slower at the same cost of fuel, and are compiled in this process each
	// time they are loaded, whatever Cache and CompileWorker say.
	Profile bool
}

// Limits bound one call. A zero field means the default that [DefaultLimits] gives.
type Limits struct {
	Memory      int64 // bytes of the guest's linear memory
	Fuel        int64 // counts of the guest's meter
	OutputBytes int64 // bytes of the output, parts included
	LogLines    int   // log lines, those of standard output and standard error included
	LogBytes    int64 // bytes of these
	Values      int   // handles that a guest may have been given
}

// DefaultLimits are generous for an API connector and harmless for the host.
func DefaultLimits() Limits {
	return Limits{
		Memory:      256 << 20,
		Fuel:        20_000_000_000,
		OutputBytes: 64 << 20,
		LogLines:    1000,
		LogBytes:    64 << 10,
		Values:      100_000,
	}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	return Limits{
		Memory:      cmp.Or(l.Memory, d.Memory),
		Fuel:        cmp.Or(l.Fuel, d.Fuel),
		OutputBytes: cmp.Or(l.OutputBytes, d.OutputBytes),
		LogLines:    cmp.Or(l.LogLines, d.LogLines),
		LogBytes:    cmp.Or(l.LogBytes, d.LogBytes),
		Values:      cmp.Or(l.Values, d.Values),
	}
}

// Send sends a guest's request, or refuses it with an [*abi.Error].
type Send func(ctx context.Context, req *abi.Request, body []byte) (*Response, error)

// Response is what a vendor answered. The sandbox keeps it for the guest and does
// not change it.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Room is memory that calls share.
type Room interface {
	// Grow takes bytes, and reports false if they are not free.
	Grow(bytes int64) bool
}

// Call is one use of an export.
type Call struct {
	// Export is one of the abi.Export constants.
	Export string
	// Input is JSON; nil is none.
	Input []byte
	// Send is what http_send does; nil refuses every request.
	Send Send
	// Sleep is what sleep does; nil refuses to. The guest's clock is then at least as much
	// later as it was asked to be.
	Sleep Sleep
	// Share is whose turn it is when the guest runs: of all guests that want to, as many do at
	// once as Config.Running says, and they take turns by share. Nil is one for all such calls
	// of the module.
	Share *turns.Share
	// Limits of the call.
	Limits Limits
	// Room is asked for the memory of the output as it is written; nil gives all.
	Room Room
	// Logger makes the logger that gets what the guest logs, when there is something; most
	// calls log nothing. Nil drops it.
	Logger func() hclog.Logger
	// Trace is told of every function of the ABI that the guest calls, after it has
	// run, for authors of PDKs. Nil traces nothing. It runs on the goroutine of Run.
	Trace func(HostCall)
	// Profile is told where the call spent its fuel when it has ended, however it
	// ended. It needs [Config.Profile]; elsewhere it is not called.
	Profile func(*Profile)

	turn turns.Turn // here, so that it needs no memory of its own
}

// HostCall is one call of a function of hostfunc.Module or hostfunc.ExtismModule.
type HostCall struct {
	Function string
	// Args are those of the Wasm function, without sign.
	Args   []uint64
	Result int64
	// Memory is the guest's linear memory. It is good until Trace returns.
	Memory []byte
	// Pointer is the JSON Pointer of value_part, or the name of http_header, which for
	// hostfunc.ExtismModule is not in the guest's memory.
	Pointer string
}

// Outcome is what an export wrote.
type Outcome struct {
	// Output is the whole output of describe and auth_schema.
	Output []byte
	// Data and Meta are the parts of what execute answered; Err is set where it
	// answered an error.
	Data, Meta []byte
	Err        *abi.Error
	// Fuel is what the call cost, in counts of the guest's meter.
	Fuel int64
	// Memory is the size of the guest's linear memory at the end, in bytes.
	Memory int64
}
