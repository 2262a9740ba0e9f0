package sandbox

import (
	"context"
	"net/http"
	"testing"

	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/pdk/abi"
)

// get is a small call whose request is answered at once.
func get() Call {
	return Call{Export: hostfunc.ExportExecute, Input: []byte(`{"entity":"issues","action":"get","params":{"id":"x"},"server":"us"}`), Send: func(context.Context, *abi.Request, []byte) (*Response, error) {
		return &Response{Status: 200, Header: http.Header{}, Body: []byte(`{"data":{"id":"x"},"request_id":"r"}`)}, nil
	}}
}

// BenchmarkRun is a whole call of a connector written in Go, restoring included.
func BenchmarkRun(b *testing.B) {
	m, call := pylonModule(b), get()
	b.ReportAllocs()
	var fuel int64
	for b.Loop() {
		out, err := m.Run(b.Context(), call)
		if err != nil || out.Err != nil {
			b.Fatal(err, out)
		}
		fuel = out.Fuel
	}
	s := m.Stats()
	b.ReportMetric(float64(fuel), "fuel")
	b.ReportMetric(float64(s.Pages)/float64(max(1, s.Restores)), "pages")
}

// BenchmarkRestore puts the memory back after such a call: by the pages that the kernel
// says were written, where it does, and by comparing all of them.
func BenchmarkRestore(b *testing.B) {
	m, call := pylonModule(b), get()
	for _, compare := range []bool{false, true} {
		name := map[bool]string{false: "written", true: "compared"}[compare]
		b.Run(name, func(b *testing.B) {
			in, err := m.newInstance(b.Context(), nil)
			if err != nil {
				b.Fatal(err)
			}
			defer in.close()
			if compare {
				in.guest.table = nil
			}
			for b.Loop() {
				b.StopTimer()
				if _, err := in.run(b.Context(), &call); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				if !in.restore(b.Context()) {
					b.Fatal("cannot be put back")
				}
			}
		})
	}
}

// BenchmarkInstance is what a call costs more where every call gets a new instance.
func BenchmarkInstance(b *testing.B) {
	m := pylonModule(b)
	first, err := m.newInstance(b.Context(), nil) // has the image
	if err != nil {
		b.Fatal(err)
	}
	defer first.close()
	b.ReportAllocs()
	for b.Loop() {
		in, err := m.newInstance(b.Context(), nil)
		if err != nil {
			b.Fatal(err)
		}
		in.close()
	}
}
