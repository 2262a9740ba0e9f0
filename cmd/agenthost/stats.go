package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
)

// statistics is what --stats writes as JSON. Times are in milliseconds.
type statistics struct {
	Calls         int     `json:"calls"`
	TotalMS       float64 `json:"total_ms"`
	VendorMS      float64 `json:"vendor_ms"`
	GuestMS       float64 `json:"guest_ms"`
	HostMS        float64 `json:"host_ms"`
	Requests      int     `json:"requests"`
	BytesSent     int64   `json:"bytes_sent"`
	BytesReceived int64   `json:"bytes_received"`
	Fuel          int64   `json:"fuel"`
	GuestMemory   int64   `json:"guest_memory_bytes"`
}

// spent keeps count of what calls cost.
type spent struct {
	calls int
	host.Stats
}

func (s *spent) add(result *host.Result) {
	s.calls++
	s.Stats = s.Stats.Add(result.Stats)
}

// stats writes what calls cost to standard error: a table for a person, a line of JSON
// with -o json or ndjson.
func (a *app) stats(s spent) error {
	if s.calls == 0 {
		return nil
	}
	if a.format == string(render.JSON) || a.format == string(render.NDJSON) {
		line, err := marshal(map[string]statistics{"stats": {
			Calls:   s.calls,
			TotalMS: milliseconds(s.Duration), VendorMS: milliseconds(s.Vendor), GuestMS: milliseconds(s.Guest), HostMS: milliseconds(s.Host()),
			Requests: s.Requests, BytesSent: s.BytesSent, BytesReceived: s.BytesReceived,
			Fuel: s.Fuel, GuestMemory: s.GuestMemory,
		}})
		if err != nil {
			return err
		}
		return render.New(a.stderr, render.Options{Format: render.NDJSON, Terminal: true}).Record(line)
	}
	style := render.Options{Format: render.Table, Terminal: a.err.terminal, Width: a.err.width, Color: a.err.color}
	return render.Pairs(a.stderr, style, [][2]string{
		{"calls", strconv.Itoa(s.calls)},
		{"time", duration(s.Duration)},
		{"  vendor", duration(s.Vendor)},
		{"  guest", duration(s.Guest)},
		{"  host", duration(s.Host())},
		{"requests", strconv.Itoa(s.Requests)},
		{"sent", fmt.Sprintf("%d bytes", s.BytesSent)},
		{"received", fmt.Sprintf("%d bytes", s.BytesReceived)},
		{"fuel", strconv.FormatInt(s.Fuel, 10)},
		{"guest memory", fmt.Sprintf("%.1f MiB", float64(s.GuestMemory)/(1<<20))},
	})
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func duration(d time.Duration) string { return fmt.Sprintf("%.2f ms", milliseconds(d)) }
