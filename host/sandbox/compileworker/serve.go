package compileworker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"time"

	"github.com/agenthost/agenthost/pdk/abi"
)

// Work is what a child does.
type Work struct {
	// Build names what the compiled code is good for.
	Build string
	// Compile compiles a module into a folder. An error that is no [*abi.Error] is
	// not the module's fault.
	Compile func(ctx context.Context, module []byte, folder string) error
	// Exit ends the process: os.Exit.
	Exit func(code int)
}

// maxInput is more than any module that is vetted may have.
const maxInput = 64 << 20

// Serve is what the child does: it puts limits on itself, reads the module, compiles it
// into the folder that the arguments name, and answers. It ends the process where a
// limit is reached. An error means that the command was not started by [Run].
func Serve(ctx context.Context, arguments []string, in io.Reader, out io.Writer, work Work) error {
	folder, memory, timeout, err := parse(arguments)
	if err != nil {
		return err
	}
	if err := limitProcess(memory, timeout); err != nil {
		return fmt.Errorf("compile worker: %w", err)
	}
	// Near the limit the garbage collector shall work for every byte.
	debug.SetMemoryLimit(memory - memory/8)
	stop := make(chan struct{})
	defer close(stop)
	go watch(memory, timeout, work.Exit, stop)
	module, err := io.ReadAll(io.LimitReader(in, maxInput+1))
	if err != nil {
		return fmt.Errorf("compile worker: the module cannot be read: %w", err)
	}
	a := answer{Build: work.Build}
	if len(module) > maxInput {
		a.Error = &abi.Error{Kind: abi.KindConnectorFault, Message: fmt.Sprintf("the module is longer than %d bytes", maxInput)}
	} else if err := work.Compile(ctx, module, folder); err != nil && !errors.As(err, &a.Error) {
		return fmt.Errorf("compile worker: %w", err)
	}
	if taken() > uint64(memory) {
		work.Exit(exitMemory) // it was over between two looks of watch
	}
	return json.NewEncoder(out).Encode(a)
}

func parse(arguments []string) (folder string, memory int64, timeout time.Duration, err error) {
	if len(arguments) != 3 {
		return "", 0, 0, errors.New("compile worker: the arguments are a folder, a limit of memory in bytes, and a limit of time")
	}
	memory, err = strconv.ParseInt(arguments[1], 10, 64)
	if err != nil || memory <= 0 {
		return "", 0, 0, fmt.Errorf("compile worker: %q is no limit of memory", arguments[1])
	}
	timeout, err = time.ParseDuration(arguments[2])
	if err != nil || timeout <= 0 {
		return "", 0, 0, fmt.Errorf("compile worker: %q is no limit of time", arguments[2])
	}
	return arguments[0], memory, timeout, nil
}

// watch ends the process when it uses more memory than it may, and when it is late: a
// child whose parent has died has nobody else to end it.
func watch(memory int64, timeout time.Duration, exit func(code int), stop <-chan struct{}) {
	deadline := time.NewTimer(timeout + grace)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-deadline.C:
			exit(1)
		case <-tick.C:
			if taken() > uint64(memory) {
				exit(exitMemory)
			}
		}
	}
}

// taken is the memory that Go's runtime has from the system, in bytes.
func taken() uint64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}
