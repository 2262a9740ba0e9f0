package architecture

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// TestWorkflowRunsEveryStep: the jobs of the workflow are the steps of .ci/run, in its order,
// and each step has a function.
func TestWorkflowRunsEveryStep(t *testing.T) {
	t.Parallel()
	root, err := rootFolder()
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(root, ".ci", "run")
	listed, err := exec.CommandContext(t.Context(), "bash", script, "--list").Output()
	if err != nil {
		t.Fatal(err)
	}
	steps := strings.Fields(string(listed))
	if len(steps) < 10 {
		t.Fatalf("only %d steps: %q", len(steps), steps)
	}
	text, err := os.ReadFile(filepath.Join(root, ".github", "workflows", "ci.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var workflow struct {
		Jobs map[string]struct {
			Strategy struct{ Matrix map[string][]string }
			Steps    []struct{ Run string }
		}
	}
	if err := yaml.Unmarshal(text, &workflow); err != nil {
		t.Fatal(err)
	}
	job := workflow.Jobs["step"]
	if got := job.Strategy.Matrix["step"]; !slices.Equal(got, steps) {
		t.Errorf("the workflow runs %q, and .ci/run has %q", got, steps)
	}
	if last := len(job.Steps) - 1; last < 0 || job.Steps[last].Run != ".ci/run ${{ matrix.step }}" {
		t.Errorf("the job does not run its step: %+v", job.Steps)
	}
	source, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	var defined []string
	for _, m := range regexp.MustCompile(`(?m)^step-([a-z-]+)\(\)`).FindAllStringSubmatch(string(source), -1) {
		defined = append(defined, m[1])
	}
	if !slices.Equal(defined, steps) {
		t.Errorf(".ci/run lists %q, and defines %q", steps, defined)
	}
	if err := exec.CommandContext(t.Context(), "bash", script, "no-such-step").Run(); err == nil {
		t.Error("a step that does not exist passes")
	}
}
