package backend

import (
	"cmp"
	"time"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/pdk/abi"
)

// DefaultLimits are those of a connection that sets none. The sandbox says what bounds a
// module.
func DefaultLimits() config.Limits {
	module := sandbox.DefaultLimits()
	return config.Limits{
		Timeout:       time.Minute,
		Memory:        module.Memory,
		Fuel:          module.Fuel,
		Requests:      100,
		RequestBytes:  32 << 20,
		ResponseBytes: 64 << 20,
		DownloadBytes: 1 << 30,
		OutputBytes:   module.OutputBytes,
		LogLines:      module.LogLines,
		LogBytes:      module.LogBytes,
		Concurrency:   64,
	}
}

// WithDefaults fills in the limits that are 0.
func WithDefaults(l config.Limits) config.Limits {
	d := DefaultLimits()
	return config.Limits{
		Timeout:       cmp.Or(l.Timeout, d.Timeout),
		Memory:        cmp.Or(l.Memory, d.Memory),
		Fuel:          cmp.Or(l.Fuel, d.Fuel),
		Requests:      cmp.Or(l.Requests, d.Requests),
		RequestBytes:  cmp.Or(l.RequestBytes, d.RequestBytes),
		ResponseBytes: cmp.Or(l.ResponseBytes, d.ResponseBytes),
		DownloadBytes: cmp.Or(l.DownloadBytes, d.DownloadBytes),
		OutputBytes:   cmp.Or(l.OutputBytes, d.OutputBytes),
		LogLines:      cmp.Or(l.LogLines, d.LogLines),
		LogBytes:      cmp.Or(l.LogBytes, d.LogBytes),
		Concurrency:   cmp.Or(l.Concurrency, d.Concurrency),
	}
}

// SandboxLimits are the limits that the sandbox keeps.
func SandboxLimits(l config.Limits) sandbox.Limits {
	return sandbox.Limits{Memory: l.Memory, Fuel: l.Fuel, OutputBytes: l.OutputBytes, LogLines: l.LogLines, LogBytes: l.LogBytes}
}

// NewBudget is what one call of a connection may send and receive. Answers take memory of room.
func NewBudget(l *config.Limits, room *Reservation) *egress.Budget {
	return egress.NewBudget(l.Requests, l.RequestBytes, l.ResponseBytes).Downloads(l.DownloadBytes).Within(room)
}

// NoRoom is the error of work that needs more memory than the host has left.
func NoRoom(what string) *abi.Error {
	return &abi.Error{
		Kind: abi.KindLimitExceeded, Field: "limits.host_bytes",
		Message: what + " more memory than running calls have left free",
		Hint:    "send less in one call, call again later, or raise limits.host_bytes of the host, and serve.limits.bytes of a server",
	}
}
