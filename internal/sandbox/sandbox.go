// Package sandbox runs connectors: it vets and rewrites a module, compiles it once, and runs each
// call in an instance with the state after initialisation.
//
// A guest reaches the outside only through the host functions of this package. It has no files, no
// sockets and no environment, and its clock is coarse. [Limits] and the call's context, which stops a
// guest anywhere, bound what it may ask the host to do.
//
// The package sends no requests itself: the host supplies [Call.Send].
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
	// Cache is a folder for compiled modules, created with mode 0700 if it is missing. Its
	// content runs as native code, so no other user may write there. Empty keeps compiled modules
	// only in memory.
	Cache string
	// CompileWorker is a program, with arguments, that compiles modules in a process of its own,
	// within the two limits below: it is built with this package and calls [ServeCompile] with
	// the further arguments. It needs Cache. Empty compiles in this process, where only vetting
	// bounds the cost of a module.
	CompileWorker []string
	// CompileTimeout is the wall time of the worker; 0 means 60 seconds.
	CompileTimeout time.Duration
	// CompileMemory is the worker's limit of memory in bytes; 0 means 1 GiB.
	CompileMemory int64
	// RunWorker runs the worker; nil means [compileworker.Run]. It is for tests.
	RunWorker func(ctx context.Context, job compileworker.Job, module []byte) error
	// Logger gets the engine's own lines. Nil logs nothing.
	Logger hclog.Logger
	// Now is the clock of guests and of waiting instances; nil means time.Now. It must be safe
	// for concurrent use.
	Now func() time.Time
	// Random is the guests' source of random bytes; nil means crypto/rand. It must be
	// safe for concurrent use.
	Random io.Reader
	// MaxIdleBytes bounds the memory of waiting instances, of all modules together; 0 means
	// 256 MiB. Those that have waited longest make room. Making one takes a millisecond. An
	// instance holds the pages that its last calls wrote, or its whole memory if the system does
	// not report pages, and 40 to 200 KB besides.
	MaxIdleBytes int64
	// IdleTimeout is how long they wait; 0 means 15 seconds.
	IdleTimeout time.Duration
	// Running is how many guests run at once, with the host's work for them, but without those
	// that wait for a vendor; 0 means the number of processors that Go may use.
	Running int
	// Profile makes modules whose calls can be profiled, with [Call.Profile]. They run many times
	// slower with the same fuel, and are compiled in this process each time they are loaded,
	// without Cache and CompileWorker.
	Profile bool
}

// Limits bound one call. A zero field means the default of [DefaultLimits].
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

// Response is a vendor's answer. The sandbox keeps it for the guest and does not change it.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	// Handle is the one by which the guest names the response, once it has it.
	Handle int32
}

// Room is memory that calls share.
type Room interface {
	// Grow takes bytes, and reports whether they were free.
	Grow(bytes int64) bool
}

// Call is one use of an export.
type Call struct {
	// Export is one of the abi.Export constants.
	Export string
	// Input is JSON; nil means no input.
	Input []byte
	// Send implements http_send; nil refuses every request.
	Send Send
	// Sleep implements sleep; nil refuses it. The guest's clock advances at least by the
	// requested time.
	Sleep Sleep
	// Share is the share by which the guest takes turns with others, as Config.Running guests
	// run at once. Nil is a common share of the module.
	Share *turns.Share
	// Limits of the call.
	Limits Limits
	// Room provides the memory of the output as it is written; nil sets no bound.
	Room Room
	// Logger makes the logger for the guest's lines at the first one, because most calls log
	// nothing. Nil drops them.
	Logger func() hclog.Logger
	// Trace, if not nil, is called after every function of the ABI that the guest calls, for
	// authors of PDKs. It runs on the goroutine of Run.
	Trace func(HostCall)
	// Profile is called with the profile of the call after any end. It needs [Config.Profile].
	Profile func(*Profile)

	turn turns.Turn // here, so that it needs no memory of its own
}

// HostCall is one call of a function of hostfunc.Module or hostfunc.ExtismModule.
type HostCall struct {
	Function string
	// Args are the unsigned arguments of the Wasm function.
	Args   []uint64
	Result int64
	// Memory is the guest's linear memory, valid until Trace returns.
	Memory []byte
	// Pointer is the JSON Pointer of value_part, or the name of http_header, which for
	// hostfunc.ExtismModule is not in the guest's memory.
	Pointer string
}

// Outcome is the result of an export.
type Outcome struct {
	// Output is the whole output of describe and auth_schema.
	Output []byte
	// Data and Meta are the parts of execute's answer; Err is its error.
	Data, Meta []byte
	Err        *abi.Error
	// Fuel is the cost of the call, in counts of the guest's meter.
	Fuel int64
	// Memory is the size of the guest's linear memory at the end, in bytes.
	Memory int64
}
