package metrics

import (
	"bytes"
	"os"
	"runtime"
	rt "runtime/metrics"
	"strconv"
	"time"
)

// Process adds what a process of Go has: processor time, memory, files, goroutines and garbage
// collection. Their names are those of Prometheus' own client. What the system does not say is left
// out: outside of Linux, that is the memory and the files.
func (r *Registry) Process(started time.Time) {
	r.Gauge("process_start_time_seconds", "When the process started, in seconds since 1970.", func() float64 { return float64(started.UnixMilli()) / 1000 })
	r.Gauge("go_goroutines", "Goroutines.", func() float64 { return float64(runtime.NumGoroutine()) })
	for _, m := range []struct {
		name, help, of string
		sum            bool
	}{
		{"go_memory_used_bytes", "Memory that the Go runtime has from the system.", "/memory/classes/total:bytes", false},
		{"go_heap_objects_bytes", "Memory of objects, those that wait for the garbage collector included.", "/memory/classes/heap/objects:bytes", false},
		{"go_gc_cycles_total", "Garbage collections.", "/gc/cycles/total:gc-cycles", true},
		{"go_gc_cpu_seconds_total", "Processor time of the garbage collector.", "/cpu/classes/gc/total:cpu-seconds", true},
	} {
		read := func() float64 { return runtimeMetric(m.of) }
		if m.sum {
			r.Sum(m.name, m.help, read)
		} else {
			r.Gauge(m.name, m.help, read)
		}
	}
	r.Sum("process_cpu_seconds_total", "Processor time of the process, in user and system mode.", processorTime)
	if _, ok := resident(); !ok {
		return
	}
	r.Gauge("process_resident_memory_bytes", "Memory of the process that is in RAM.", func() float64 { n, _ := resident(); return n })
	r.Gauge("process_open_fds", "Open files and connections.", openFiles)
	if most := mostFiles(); most > 0 {
		r.Gauge("process_max_fds", "The most files and connections that the process may open.", func() float64 { return most })
	}
}

func runtimeMetric(name string) float64 {
	s := []rt.Sample{{Name: name}}
	rt.Read(s)
	switch s[0].Value.Kind() {
	case rt.KindUint64:
		return float64(s[0].Value.Uint64())
	case rt.KindFloat64:
		return s[0].Value.Float64()
	default:
		return 0
	}
}

// resident is the memory of the process in RAM, as Linux has it.
func resident() (bytesInRAM float64, ok bool) {
	text, err := os.ReadFile("/proc/self/statm")
	fields := bytes.Fields(text)
	if err != nil || len(fields) < 2 {
		return 0, false
	}
	pages, err := strconv.ParseFloat(string(fields[1]), 64)
	return pages * float64(os.Getpagesize()), err == nil
}

func openFiles() float64 {
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return float64(len(names) - 1) // the folder itself was open
}
