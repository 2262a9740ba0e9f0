package compileworker_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/sandbox/compileworker"
)

// niceness is that of each thread of this process.
func niceness() string {
	files, _ := filepath.Glob("/proc/self/task/*/stat")
	var all []string
	for _, file := range files {
		// The name of the program, in parentheses, may have spaces.
		stat, _ := os.ReadFile(file)
		_, rest, _ := strings.Cut(string(stat), ") ")
		if fields := strings.Fields(rest); len(fields) > 16 {
			all = append(all, fields[16])
		}
	}
	return strings.Join(all, " ")
}

// Every thread of a child is at the lowest priority if the job says so, and at this
// process's if not.
func TestLowestPriority(t *testing.T) {
	t.Parallel()
	own, _, _ := strings.Cut(niceness(), " ")
	for lowest, want := range map[bool]string{false: own, true: "19"} {
		t.Run(fmt.Sprint(lowest), func(t *testing.T) {
			t.Parallel()
			j := job(t, "niceness")
			j.Lowest = lowest
			if err := compileworker.Run(t.Context(), j, nil); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(filepath.Join(j.Folder, "niceness"))
			if err != nil {
				t.Fatal(err)
			}
			threads := strings.Fields(string(data))
			if len(threads) < 2 {
				t.Fatalf("threads %q", threads)
			}
			for _, nice := range threads {
				if nice != want {
					t.Errorf("threads have niceness %q, want %s", threads, want)
					break
				}
			}
		})
	}
}
