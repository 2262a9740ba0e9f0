package client

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// readinessAge is how long an answer about copies is used before the service is asked again.
const readinessAge = time.Minute

// readiness remembers what the service said of the copies of its connectors.
type readiness struct {
	mu    sync.Mutex
	known map[airbyteapi.ID]known
	asked flights[airbyteapi.ID, *airbyteapi.Readiness]
}

type known struct {
	readiness *airbyteapi.Readiness
	until     time.Time
}

// Searchable refuses a search of copies that the service does not have yet: the service would
// answer no records, as if the vendor had none. Semantic is the field that is searched by
// meaning, empty for other searches. Where the service cannot be asked, Searchable returns nil,
// and the search itself will show.
//
// # Errors
//
// An *[abi.Error]: unknown_operation where the service keeps no copies of the entity, and
// conflict where the copies are not ready.
func (c *Client) Searchable(ctx context.Context, t Target, entity, semantic string) error {
	id, err := c.find(ctx, t)
	if err != nil {
		return err
	}
	r, err := c.readiness(ctx, id)
	if err != nil {
		c.log.Debug("the service does not say which copies it has", "connector", id, "error", err)
		return ctx.Err()
	}
	if r == nil {
		return nil
	}
	i := slices.IndexFunc(r.Configured, func(e airbyteapi.CopiedEntity) bool { return e.Entity == entity })
	if i < 0 {
		return notCopied(r, t.Title, entity)
	}
	e := &r.Configured[i]
	if !e.Ready {
		return notReady("the Airbyte API is not ready to search the copies of "+entity, e.Status)
	}
	for _, f := range e.Semantic {
		if f.Field == semantic && f.Status != airbyteapi.SemanticReady {
			return notReady("the Airbyte API is not ready to search "+entity+"."+semantic+" by meaning", f.Status)
		}
	}
	return nil
}

func notReady(message, status string) error {
	return &abi.Error{Kind: abi.KindConflict, Retryable: true, Message: fmt.Sprintf("%s: their status is %.40q", message, status), Hint: "search again later, or use list or search of the entity"}
}

func notCopied(r *airbyteapi.Readiness, title, entity string) error {
	supported := slices.ContainsFunc(r.Supported, func(e airbyteapi.SupportedEntity) bool { return e.Entity == entity })
	if supported {
		return &abi.Error{Kind: abi.KindConflict, Field: "entity", Message: fmt.Sprintf("the Airbyte API keeps no copies of %s of this connector", entity), Hint: "add the entity to the connector's context store in Airbyte, or use list or search of the entity"}
	}
	var names []string
	for _, e := range r.Configured {
		names = append(names, e.Entity)
	}
	return &abi.Error{Kind: abi.KindUnknownOperation, Field: "entity", Message: fmt.Sprintf("the Airbyte API cannot keep copies of %s of %s", entity, title), Hint: fault.Hint(entity, names)}
}

// readiness asks what copies the service has of a connector, at most once a minute.
func (c *Client) readiness(ctx context.Context, id airbyteapi.ID) (*airbyteapi.Readiness, error) {
	if k, ok := c.copies.get(id, c.config.Now()); ok {
		return k, nil
	}
	return c.copies.asked.do(ctx, c, id, func(ctx context.Context) (*airbyteapi.Readiness, error) {
		resp, err := c.one(ctx, http.MethodGet, airbyteapi.InspectPath, id, nil)
		if err != nil {
			return nil, err
		}
		var answer airbyteapi.Inspection
		if json.Unmarshal(resp, &answer) != nil {
			return nil, unexpected("not an inspection of a connector")
		}
		c.copies.put(id, answer.Readiness, c.config.Now())
		return answer.Readiness, nil
	})
}

func (r *readiness) get(id airbyteapi.ID, now time.Time) (*airbyteapi.Readiness, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k, ok := r.known[id]
	return k.readiness, ok && now.Before(k.until)
}

// put remembers an answer, and drops those that are too old: of connectors that others deleted,
// too.
func (r *readiness) put(id airbyteapi.ID, answer *airbyteapi.Readiness, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil {
		r.known = make(map[airbyteapi.ID]known)
	}
	maps.DeleteFunc(r.known, func(_ airbyteapi.ID, k known) bool { return !now.Before(k.until) })
	r.known[id] = known{answer, now.Add(readinessAge)}
}

func (r *readiness) forget(id airbyteapi.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.known, id)
}
