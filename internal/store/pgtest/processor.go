package pgtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ProcessorTime is how long processors have worked for the server, for those of its processes that run. Only Linux
// says so; elsewhere it is 0.
func (s *Server) ProcessorTime() (total time.Duration) {
	if s.process == nil {
		return 0
	}
	// The server has a process for each connection, which are its children.
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", s.process.Process.Pid))
	for _, list := range lists {
		children, _ := os.ReadFile(list) // a process that ended is no error
		for _, child := range strings.Fields(string(children)) {
			// Its first number is nanoseconds.
			text, _ := os.ReadFile("/proc/" + child + "/schedstat")
			first, _, _ := strings.Cut(string(text), " ")
			n, _ := strconv.ParseInt(first, 10, 64)
			total += time.Duration(n)
		}
	}
	return total
}
