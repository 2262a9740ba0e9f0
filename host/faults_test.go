package host_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/vendorsim"
)

// clock is a time that only sleeping moves.
type clock struct {
	mu  sync.Mutex // guards now
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	return ctx.Err()
}

// TestEveryRecordDespiteFaults follows the pages of every paginated list, once in
// peace and once with a vendor that throttles, fails, hangs up and breaks off on the
// way. The records must be the same ones, each once, in the same order.
func TestEveryRecordDespiteFaults(t *testing.T) {
	t.Parallel()
	for _, v := range []wireVendor{pylonOnTheWire(), ashbyOnTheWire(), incidentioOnTheWire()} {
		t.Run(v.connector, func(t *testing.T) {
			time := &clock{now: time.Now()}
			h, server := v.open(t, func(o *host.Options) { o.Now, o.Sleep = time.Now, time.Sleep })
			contracts := make(map[string]wireContract)
			for _, c := range v.contracts {
				contracts[c.method+" "+anonymous(c.path)] = c
			}
			operations, err := h.Operations(t.Context(), "lab")
			if err != nil {
				t.Fatal(err)
			}
			for _, op := range operations {
				if !op.Paginated {
					continue
				}
				t.Run(op.Entity+"."+op.Action, func(t *testing.T) {
					declared := op.Requests[0]
					contract := contracts[declared.Method+" "+anonymous(declared.Path)]
					params, _, _ := v.split(t, op.Params, contract, contract.sample(false), declared.Path)
					for alias := range op.Aliases {
						delete(params, alias)
					}
					params["limit"] = 5
					if _, ok := params["page_size"]; ok { // incident.io's name for it, required in places
						params["page_size"] = 5
					}
					call := host.Call{Entity: op.Entity, Action: op.Action, Params: params}
					want := records(t, h, call)
					seen := make(map[string]bool)
					for _, record := range want {
						if seen[record] {
							t.Errorf("this came twice: %s", record)
						}
						seen[record] = true
					}
					server.Inject(
						vendorsim.Fault{Effect: vendorsim.RetryAfterSeconds(429, 2, `{}`)},
						vendorsim.Fault{Skip: 1, Effect: vendorsim.Respond(500, nil, `{}`)},
						vendorsim.Fault{Skip: 2, Effect: vendorsim.DropConnection()},
						vendorsim.Fault{Skip: 3, Effect: vendorsim.DropAfterHandling()},
						vendorsim.Fault{Skip: 4, Effect: vendorsim.TruncateBody(-1)},
					)
					defer server.ClearFaults()
					if got := records(t, h, call); !slices.Equal(got, want) {
						t.Errorf("%d records, want %d", len(got), len(want))
					}
					if server.PendingFaults() == 5 {
						t.Error("no fault happened")
					}
				})
			}
		})
	}
}

func records(t *testing.T, h *host.Host, call host.Call) []string {
	t.Helper()
	var all []string
	for record, err := range h.Records(t.Context(), "lab", call) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(record))
	}
	return all
}
