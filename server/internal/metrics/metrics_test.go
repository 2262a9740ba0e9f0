package metrics

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func text(t *testing.T, r *Registry) string {
	t.Helper()
	var b bytes.Buffer
	if _, err := r.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestText(t *testing.T) {
	t.Parallel()
	var r Registry
	r.Info("a_info", "Says\nit.", "version", `v"1\`)
	c := r.Counter("b_total", "Counts.", "x", "y")
	c.Add(2, "2", "line\nbreak")
	c.Add(1, "1", "")
	c.Add(1, "1", "")
	h := r.Histogram("c_seconds", "Times.", "x")
	for _, took := range []time.Duration{0, -time.Second, 2 * time.Millisecond, time.Hour} {
		h.Observe(took, "a")
	}
	r.Gauge("d", "Goes down.", func() float64 { return -0.5 })
	r.Sum("e_total", "Grows.", func() float64 { return 1e9 })
	got := text(t, &r)
	for _, want := range []string{
		"# HELP a_info Says\\nit.\n# TYPE a_info gauge\na_info{version=\"v\\\"1\\\\\"} 1\n",
		"# TYPE b_total counter\nb_total{x=\"1\",y=\"\"} 2\nb_total{x=\"2\",y=\"line\\nbreak\"} 2\n",
		"# TYPE c_seconds histogram\nc_seconds_bucket{x=\"a\",le=\"0.001\"} 2\nc_seconds_bucket{x=\"a\",le=\"0.0025\"} 3\n",
		"c_seconds_bucket{x=\"a\",le=\"60\"} 3\nc_seconds_bucket{x=\"a\",le=\"+Inf\"} 4\nc_seconds_sum{x=\"a\"} 3600.002\nc_seconds_count{x=\"a\"} 4\n",
		"# TYPE d gauge\nd -0.5\n", "# TYPE e_total counter\ne_total 1e+09\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no\n%s in\n%s", want, got)
		}
	}
}

// Whatever values come, the text stays short, and no line of it is broken.
//
// threat: O1
func TestBounded(t *testing.T) {
	t.Parallel()
	var r Registry
	c := r.Counter("a_total", "Counts.", "x", "y")
	h := r.Histogram("b_seconds", "Times.", "x")
	for i := range 3 * mostSeries {
		value := strconv.Itoa(i) + strings.Repeat("\xff\n\"} 1\nforged 1\n", 50)
		c.Add(1, value, "y")
		h.Observe(time.Second, value)
	}
	c.Add(1, "late", "y")
	got := text(t, &r)
	if n := strings.Count(got, "\na_total{"); n != mostSeries+1 {
		t.Errorf("%d series", n)
	}
	if want := fmt.Sprintf(`a_total{x="other",y="other"} %d`, 2*mostSeries+1); !strings.Contains(got, want) {
		t.Errorf("no %s", want)
	}
	if most := (mostSeries + 2) * (len(seconds) + 5) * 400; len(got) > most {
		t.Errorf("%d bytes", len(got))
	}
	for line := range strings.Lines(got) {
		name, rest, _ := strings.Cut(line, " ")
		if n, err := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndexByte(line, ' ')+1:]), 64); !strings.HasPrefix(line, "#") && (err != nil || math.IsNaN(n)) || strings.HasPrefix(name, "forged") {
			t.Fatalf("%q %q", name, rest)
		}
	}
}

func TestConcurrent(t *testing.T) {
	t.Parallel()
	var r Registry
	c := r.Counter("a_total", "Counts.", "x")
	h := r.Histogram("b_seconds", "Times.", "x")
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 1000 {
				c.Add(1, strconv.Itoa(n%10))
				h.Observe(time.Duration(i), strconv.Itoa(n%10))
				if n%100 == 0 {
					_, _ = r.WriteTo(&bytes.Buffer{})
				}
			}
		})
	}
	all.Wait()
	got := text(t, &r)
	for i := range 10 {
		if !strings.Contains(got, fmt.Sprintf("a_total{x=\"%d\"} 800\n", i)) || !strings.Contains(got, fmt.Sprintf("b_seconds_count{x=\"%d\"} 800\n", i)) {
			t.Fatal(got)
		}
	}
}

func TestProcess(t *testing.T) {
	t.Parallel()
	var r Registry
	r.Process(time.Unix(1000, 0))
	for _, want := range []string{"process_start_time_seconds 1000\n", "\ngo_goroutines ", "\nprocess_cpu_seconds_total ", "\ngo_gc_cycles_total "} {
		if got := text(t, &r); !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

func BenchmarkCall(b *testing.B) {
	var r Registry
	c := r.Counter("a_total", "Counts.", "connector", "operation", "outcome", "backend")
	h := r.Histogram("b_seconds", "Times.", "connector", "operation", "backend")
	b.ReportAllocs()
	for b.Loop() {
		c.Add(1, "pylon", "issues.get", "ok", "direct")
		h.Observe(3*time.Millisecond, "pylon", "issues.get", "direct")
	}
}
