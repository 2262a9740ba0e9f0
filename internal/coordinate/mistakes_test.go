package coordinate

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

var mistakes = flag.Bool("mistakes", false, "build the package with each mistake in it, and not only with some")

// made are mistakes that somebody could make in this package, and what the simulation says of them.
var made = []struct {
	name, file, right, wrong string
	trial                    int // in which it is found
	finds                    string
	always                   bool // not only with -mistakes
}{
	{"what comes back after its time counts for the next window", "ledger.go", "if i < 0 || l.Open[i].Until <= now {\n\t\treturn", "if i < 0 || l.Open[i].Until <= now {\n\t\tl.spend(now, -r.left)\n\t\treturn", 2, "requests are sent within", true},
	{"a notice is taken for the next one", "notice.go", "revision > w.seen+1:", "revision > w.seen+1_000_000:", 1, "does not know", true},
	{"a node uses what it gives back", "rate.go", "r.count, r.left = 0, 0", "r.count = 0", 1, "requests are sent within", false},
	{"a node counts its tokens from the answer", "rate.go", "r.until = sent.Add(b.life", "r.until = now.Add(b.life", 6, "requests are sent within", false},
	{"nobody leaves its share to a silent node", "member.go", "left -= share(limit, m.known, rank)", "left -= 0 * rank", 4, "requests are sent within", false},
	{"the last notice may be missing", "notice.go", "case newest <= w.seen:", "case newest <= w.seen+1:", 1, "does not know", false},
	{"nobody hears that the vendor closed the rate", "rate.go", "case c.About == AboutRate:", "case c.About == AboutRate+\"s\":", 0, "after the vendor closed", false},
	{"a holder counts from the answer", "lease.go", "l.extend(sent)\n\t\t\trenewing", "l.extend(n.now())\n\t\t\t_ = sent\n\t\t\trenewing", 3, "believe", false},
}

// TestWriteWithoutFence: the simulation finds writes that do not go by their lease.
func TestWriteWithoutFence(t *testing.T) {
	t.Parallel()
	for i := range uint64(100) {
		if err := simulate(8*i+3, true); err != nil { // nodes stop
			if !strings.Contains(err.Error(), "a write under the lease") {
				t.Error(err)
			}
			t.Logf("found after %d worlds: %v", i+1, err)
			return
		}
	}
	t.Error("nothing is found")
}

// TestMistakes: the simulation finds each mistake in the code of the package.
func TestMistakes(t *testing.T) {
	t.Parallel()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range made {
		t.Run(m.name, func(t *testing.T) {
			if !m.always && !*mistakes {
				t.Skip("-mistakes runs it")
			}
			path := filepath.Join(dir, m.file)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(text), m.right); n != 1 {
				t.Fatalf("%s has %q %d times", m.file, m.right, n)
			}
			changed, overlay := filepath.Join(t.TempDir(), m.file), filepath.Join(t.TempDir(), "overlay.json")
			replace, err := json.Marshal(map[string]any{"Replace": map[string]string{path: changed}})
			if err != nil {
				t.Fatal(err)
			}
			for name, text := range map[string]string{changed: strings.Replace(string(text), m.right, m.wrong, 1), overlay: string(replace)} {
				if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			command := exec.CommandContext(t.Context(), "go", "test", "-vet=off", "-count=1", "-overlay", overlay, "-run", "^TestSimulation$", "-seeds", "1000", "-trial", strconv.Itoa(m.trial), ".")
			out, err := command.CombinedOutput()
			if err == nil {
				t.Fatal("nothing is found")
			}
			if !strings.Contains(string(out), m.finds) {
				t.Errorf("it finds something else, not %q:\n%s", m.finds, out)
			}
			for line := range strings.Lines(string(out)) {
				if strings.Contains(line, "seed ") {
					t.Log(strings.TrimSpace(line))
				}
			}
		})
	}
}
