// Package conformance tests connectors. It needs only the module: no account, no network and
// no knowledge of the vendor.
//
// Static checks examine the module and its declarations. Dynamic checks run every operation in
// the sandbox against a simulated vendor. The fields that the connector reads determine the
// vendor's responses.
package conformance

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/agenthost/agenthost/internal/catalog"
	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/egress/wire"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// Options of a [Run]. The zero value is ready to use.
type Options struct {
	// Cache is the folder of compiled modules, as in sandbox.Config. Empty means one
	// that is removed afterwards.
	Cache string
	// CompileWorker is the program that compiles the module, as in sandbox.Config. Empty
	// compiles in this process, which a hostile module can then keep busy.
	CompileWorker []string
	// Logger gets what the connector logs; nil drops it.
	Logger hclog.Logger
	// Progress, if not nil, is called before each check with the number of finished ones, on
	// the goroutine of Run.
	Progress func(done, total int, title string)

	// loader is an engine to use again, for tests; nil means a new one.
	loader loader
	// timeout and fuel are instead of callTimeout and callFuel, for tests; 0 means those.
	timeout time.Duration
	fuel    int64
}

func (o *Options) logger() hclog.Logger {
	if o.Logger == nil {
		return hclog.NewNullLogger()
	}
	return o.Logger
}

// perRun is the fuel that one run may take.
func (o *Options) perRun() int64 { return cmp.Or(o.fuel, callFuel) }

// limit is how long one run may take.
func (o *Options) limit() time.Duration { return cmp.Or(o.timeout, callTimeout) }

// loader is the part of sandbox.Engine that the checks need.
type loader interface {
	catalog.Checker
	Load(ctx context.Context, module []byte) (*sandbox.Module, error)
}

// Status is the outcome of a check.
type Status string

// The outcomes.
const (
	Pass Status = "pass"
	Fail Status = "fail"
	// NotChecked means that there was no case; Reason says why.
	NotChecked Status = "not checked"
)

// Check is the outcome of one check.
type Check struct {
	// ID is stable: a name such as vendor.errors.
	ID string `json:"id"`
	// Title says what a good connector does.
	Title  string `json:"title"`
	Status Status `json:"status"`
	// Cases is how many cases were tried.
	Cases int `json:"cases"`
	// Reason says why there was no case.
	Reason string `json:"reason,omitempty"`
	// Problems are the first few failures.
	Problems []string `json:"problems,omitempty"`
	// More is how many problems were left out.
	More int `json:"more,omitempty"`

	named map[string]bool // what the problems begin with: mostly operations
}

// Report is the outcome of a [Run].
type Report struct {
	// Connector and Version are the manifest's, empty if it cannot be read.
	Connector string `json:"connector"`
	Version   string `json:"version"`
	// Digest is the SHA-256 of the module, in hexadecimal.
	Digest     string `json:"digest"`
	Operations int    `json:"operations"`
	// Failing names the operations that have a problem in some check.
	Failing []string `json:"failing,omitempty"`
	Passed  bool     `json:"passed"`
	Checks  []Check  `json:"checks"`
}

// Failed counts the checks that failed.
func (r *Report) Failed() int {
	n := 0
	for i := range r.Checks {
		if r.Checks[i].Status == Fail {
			n++
		}
	}
	return n
}

// maxProblems is how many problems a check lists.
const maxProblems = 5

// problem counts a failed case.
func (c *Check) problem(format string, args ...any) {
	c.Status = Fail
	text := fmt.Sprintf(format, args...)
	if c.named == nil {
		c.named = make(map[string]bool)
	}
	c.named[text[:len(text)-len(strings.TrimLeft(text, nameChars))]] = true
	if len(c.Problems) == maxProblems {
		c.More++
		return
	}
	c.Problems = append(c.Problems, text)
}

// nameChars are those of the name of an operation.
const nameChars = "abcdefghijklmnopqrstuvwxyz0123456789_."

// instead replaces the problems after before with one.
func (c *Check) instead(before Check, format string, args ...any) {
	c.Problems, c.More = c.Problems[:len(before.Problems)], before.More
	c.problem(format, args...)
}

// Run checks a module. It takes seconds, mostly to compile the module.
//
// The error is about the host, such as an unusable cache folder, or the end of ctx; problems of
// the connector are in the report.
func Run(ctx context.Context, module []byte, o Options) (*Report, error) {
	if o.loader == nil {
		engine, done, err := newEngine(o, func() time.Time { return testTime }) //nolint:contextcheck // done frees it even where ctx has ended
		if err != nil {
			return nil, err
		}
		defer done()
		o.loader = engine
	}
	e := &examination{options: o, wasm: module, report: &Report{Digest: sandbox.Digest(module)}, outputs: make(map[string][]byte), nonsense: sync.OnceValue(someNonsense)}
	for i, s := range steps {
		if o.Progress != nil {
			o.Progress(i, len(steps), s.title)
		}
		c := Check{ID: s.id, Title: s.title, Status: Pass}
		if s.needs(e) {
			s.run(ctx, e, &c)
		}
		if c.Cases == 0 && c.Status == Pass {
			c.Status, c.Reason = NotChecked, s.none
			if e.report.Failed() > 0 || s.none == "" {
				c.Reason = afterFailure
			}
		}
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("conformance: %w", err)
		}
		e.report.Checks = append(e.report.Checks, c)
	}
	e.report.Passed = e.report.Failed() == 0
	e.failing()
	return e.report, nil
}

// newEngine makes an engine with a simulated clock for guests. The caller must call done.
func newEngine(o Options, now func() time.Time) (engine *sandbox.Engine, done func(), err error) {
	remove := func() {}
	if o.Cache == "" {
		// The module is loaded more than once; the cache makes that cheap.
		if o.Cache, err = os.MkdirTemp("", "agenthost-conformance-"); err != nil {
			return nil, nil, fmt.Errorf("conformance: %w", err)
		}
		dir := o.Cache
		remove = func() { _ = os.RemoveAll(dir) } // a folder left behind does no harm
	}
	engine, err = sandbox.NewEngine(sandbox.Config{Cache: o.Cache, CompileWorker: o.CompileWorker, Logger: o.Logger, Now: now, Random: new(unlike)})
	if err != nil {
		remove()
		return nil, nil, err
	}
	return engine, func() {
		_ = engine.Close(context.Background()) // nothing runs any more
		remove()
	}, nil
}

// testTime is the guest's clock. It stands still, because requests may depend on the time.
var testTime = time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)

// unlike gives every instance other random bytes, so that a dependence on them shows. It is safe
// for concurrent use.
type unlike struct{ n atomic.Uint64 }

func (u *unlike) Read(p []byte) (int, error) {
	for at := 0; at < len(p); at += 8 {
		// SplitMix64 (Steele, Lea and Flood, 2014).
		z := u.n.Add(0x9e3779b97f4a7c15)
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		var word [8]byte
		binary.LittleEndian.PutUint64(word[:], z^z>>31)
		copy(p[at:], word[:])
	}
	return len(p), nil
}

// examination is a run under way.
type examination struct {
	options   Options
	wasm      []byte
	report    *Report
	module    *sandbox.Module
	outputs   map[string][]byte // of describe and auth_schema
	connector *connector.Connector
	config    []byte // example values of a connection, as JSON
	// rules are a host's rules for requests, with the credential of each scheme.
	rules    []*wire.Rules
	nonsense func() []nonsense
	subjects []*subject
	// sending is how many of them send requests, and stuck how many do not end.
	sending, stuck int

	// The requests of all runs, for requests.declared.
	sent    int
	refused []string
	// reached holds the declared requests that were sent.
	reached map[string]bool
}

// failing fills in the operations that have problems.
func (e *examination) failing() {
	if e.connector == nil {
		return
	}
	e.each(func(op *connector.Operation) {
		for _, c := range e.report.Checks {
			if c.named[op.Name()] {
				e.report.Failing = append(e.report.Failing, op.Name())
				return
			}
		}
	})
}

// message is an error's own words, without its kind.
func message(err error) string {
	var known *abi.Error
	if errors.As(err, &known) {
		return known.Message
	}
	return err.Error()
}
