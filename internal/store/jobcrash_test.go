package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// jobsDone is where the process that is killed notes the jobs that it did.
const jobsDone = "AGENTHOST_STORE_JOBS_DONE"

// noting does jobs by writing their ids to a file.
func noting(path string) map[string]JobKind {
	return map[string]JobKind{"note": {Do: func(_ context.Context, j Job) error {
		file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(file, j.ID)
		time.Sleep(5 * time.Millisecond) // so that some are killed here
		return errors.Join(err, file.Close())
	}}}
}

// TestJobWriter is the process that is killed: it adds jobs, prints those that are committed, and does
// them.
func TestJobWriter(t *testing.T) {
	path := os.Getenv(jobsDone)
	if path == "" {
		t.Skip("TestKilledJobs runs it")
	}
	ctx := t.Context()
	s := openCrashed(ctx, t, os.Getenv(crashFolder), os.Getenv(crashPostgres))
	p := Scope{Organization: ok(s.Organizations(ctx, "", Page{}))(t)[0].ID}
	ok(s.RunJobs(ctx, noting(path), slog.New(slog.DiscardHandler)))(t)
	for {
		j := ok(s.AddJob(ctx, p, JobOrder{Kind: "note"}))(t)
		if _, err := fmt.Fprintf(os.Stdout, "ack %s\n", j.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestKilledJobs kills a process that adds and does jobs, at random moments: each that was committed is
// done.
//
// threat: K5
func TestKilledJobs(t *testing.T) {
	t.Parallel()
	testKilledJobs(t, t.TempDir(), "")
}

func TestPostgresKilledJobs(t *testing.T) {
	t.Parallel()
	testKilledJobs(t, "", postgresServer(t)+" dbname=postgres")
}

func testKilledJobs(t *testing.T, folder, postgres string) {
	seed := *seed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 2))
	ctx := t.Context()
	s := openCrashed(ctx, t, folder, postgres)
	p := Scope{Organization: ok(s.CreateOrganization(ctx, "organization"))(t).ID}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "done")
	acknowledged := make(map[string]bool)
	for range *kills {
		c := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestJobWriter$", "-test.v")
		c.Env = append(os.Environ(), crashFolder+"="+folder, crashPostgres+"="+postgres, jobsDone+"="+path)
		out := ok(c.StdoutPipe())(t)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		after := 1 + random.IntN(80)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			id, is := strings.CutPrefix(lines.Text(), "ack ")
			if !is {
				continue
			}
			acknowledged[id] = true
			if after--; after == 0 {
				if err := c.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := c.Wait(); after > 0 {
			t.Fatal("the process ended by itself", err)
		}
	}
	s = openCrashed(ctx, t, folder, postgres)
	stop := ok(s.RunJobs(ctx, noting(path), slog.New(slog.DiscardHandler)))(t)
	for id := range acknowledged {
		var j Job
		for range 1500 {
			if j = ok(s.Job(ctx, p, id))(t); j.State == JobSucceeded {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		if j.State != JobSucceeded {
			t.Errorf("a job that was acknowledged is %+v", j)
		}
	}
	if err := errors.Join(stop(context.WithoutCancel(ctx)), s.Close()); err != nil {
		t.Fatal(err)
	}
	did := make(map[string]int)
	for line := range strings.Lines(string(ok(os.ReadFile(path))(t))) {
		did[strings.TrimSpace(line)]++
	}
	twice := 0
	for id := range acknowledged {
		if did[id] == 0 {
			t.Errorf("job %s has succeeded, and nobody did it", id)
		} else if did[id] > 1 {
			twice++
		}
	}
	t.Logf("%d kills, %d jobs acknowledged, %d of them done twice", *kills, len(acknowledged), twice)
}
