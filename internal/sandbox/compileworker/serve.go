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

// Work has the functions of a child.
type Work struct {
	// Build names the build that can use the compiled code.
	Build string
	// Compile compiles a module into a folder. Only an [*abi.Error] is the module's fault.
	Compile func(ctx context.Context, module []byte, folder string) error
	// Check checks what a connector declares. Its errors are like those of Compile.
	Check func(ctx context.Context, declaration []byte) error
	// Exit ends the process: os.Exit.
	Exit func(code int)
}

// maxInput is larger than any vetted module.
const maxInput = 64 << 20

// Serve runs the child: it puts limits on itself, reads its input, compiles it into the folder in
// the arguments or checks it, and answers. It ends the process if a limit is reached. An error means
// that [Run] did not start the command.
func Serve(ctx context.Context, arguments []string, in io.Reader, out io.Writer, work Work) error {
	job, err := parse(arguments)
	if err != nil {
		return err
	}
	if job.Lowest {
		lowerPriority()
	}
	if err := limitProcess(job.Memory, job.Timeout); err != nil {
		return fmt.Errorf("compile worker: %w", err)
	}
	// Near the limit, collect garbage as often as needed.
	debug.SetMemoryLimit(job.Memory - job.Memory/8)
	stop := make(chan struct{})
	defer close(stop)
	go watch(job.Memory, wall(job.Timeout, job.Lowest), work.Exit, stop)
	input, err := io.ReadAll(io.LimitReader(in, maxInput+1))
	if err != nil {
		return fmt.Errorf("compile worker: cannot read the input: %w", err)
	}
	a := answer{Build: work.Build}
	switch {
	case len(input) > maxInput:
		err = &abi.Error{Kind: abi.KindConnectorFault, Message: fmt.Sprintf("%s is longer than %d bytes", job.object(), maxInput)}
	case job.Check:
		err = work.Check(ctx, input)
	default:
		err = work.Compile(ctx, input, job.Folder)
	}
	if err != nil && !errors.As(err, &a.Error) {
		return fmt.Errorf("compile worker: %w", err)
	}
	if taken() > uint64(job.Memory) {
		work.Exit(exitMemory) // it exceeded the limit between two checks of watch
	}
	return json.NewEncoder(out).Encode(a)
}

// parse reads the arguments that [Run] adds.
func parse(arguments []string) (Job, error) {
	if len(arguments) < 3 {
		return Job{}, errors.New("compile worker: the arguments are a folder, a limit of memory in bytes, and a limit of time")
	}
	job := Job{Folder: arguments[0]}
	var err error
	if job.Memory, err = strconv.ParseInt(arguments[1], 10, 64); err != nil || job.Memory <= 0 {
		return Job{}, fmt.Errorf("compile worker: %q is not a limit of memory", arguments[1])
	}
	if job.Timeout, err = time.ParseDuration(arguments[2]); err != nil || job.Timeout <= 0 {
		return Job{}, fmt.Errorf("compile worker: %q is not a limit of time", arguments[2])
	}
	for _, word := range arguments[3:] {
		switch word {
		case lowestArgument:
			job.Lowest = true
		case checkArgument:
			job.Check = true
		default:
			return Job{}, fmt.Errorf("compile worker: %q is neither %s nor %s", word, lowestArgument, checkArgument)
		}
	}
	return job, nil
}

// watch ends the process if it uses too much memory or time: the parent may have died.
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
