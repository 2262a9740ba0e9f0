package sandbox_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/agenthost/agenthost/internal/sandbox"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == compileWorkerArgument {
		os.Exit(serveCompile(os.Args[2:]))
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := sandbox.RemoveTestCache(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(code)
	}))
}
