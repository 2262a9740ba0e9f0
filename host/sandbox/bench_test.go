package sandbox

import (
	"context"
	"net/http"
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
)

func get() Call {
	return Call{Export: abi.ExportExecute, Input: []byte(`{"entity":"issues","action":"get","params":{"id":"x"},"server":"us"}`), Send: func(context.Context, *abi.Request, []byte) (*Response, error) {
		return &Response{Status: 200, Header: http.Header{}, Body: []byte(`{"data":{"id":"x"},"request_id":"r"}`)}, nil
	}}
}

func BenchmarkRun(b *testing.B) {
	m := pylonModule(b)
	c := get()
	out, err := m.Run(b.Context(), c)
	if err != nil || out.Err != nil {
		b.Fatal(err, out)
	}
	b.Log(out.Fuel, out.Memory)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Run(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
	s := m.Stats()
	b.ReportMetric(float64(s.Pages)/float64(s.Restores), "pages/call")
}

func BenchmarkExecuteAlone(b *testing.B) {
	m := pylonModule(b)
	c := get()
	in, err := m.newInstance(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := in.run(b.Context(), &c); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		in.restore()
		b.StartTimer()
	}
}

func BenchmarkRestore(b *testing.B) {
	m := pylonModule(b)
	c := get()
	in, err := m.newInstance(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			in.run(b.Context(), &c)
			b.StartTimer()
			in.restore()
		}
	})
	b.Run("scan", func(b *testing.B) {
		for b.Loop() {
			in.guest.private, _ = in.guest.table.Private(in.guest.bytes(), in.guest.private[:0])
		}
		n := uint64(0)
		for _, r := range in.guest.private {
			n += r.To - r.From
		}
		b.ReportMetric(float64(n/4096), "pages")
		b.ReportMetric(float64(len(in.guest.private)), "ranges")
	})
	b.Run("compare", func(b *testing.B) {
		for b.Loop() {
			in.guest.putBack(0, in.guest.size)
		}
	})
	b.Run("wasm", func(b *testing.B) {
		for b.Loop() {
			in.putBack.CallWithStack(context.Background(), in.result[:])
		}
	})
	in.close()
}

func BenchmarkInstance(b *testing.B) {
	m := pylonModule(b)
	b.ReportAllocs()
	first, _ := m.newInstance(b.Context())
	defer first.close()
	for b.Loop() {
		in, err := m.newInstance(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		in.close()
	}
}
