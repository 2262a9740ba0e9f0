package copies

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/internal/contextstore"
)

// inStore is the name of a connection in a store: with its source, so that what was copied from another one is
// never found.
func (k placeKey) inStore() string {
	if k.named {
		return k.source
	}
	return k.connection + "@" + k.source
}

// keyOf is the reverse of inStore, but for copies that have a name of their own: who named them removes them.
func keyOf(workspace, inStore string) placeKey {
	at := strings.LastIndexByte(inStore, '@')
	if at < 0 {
		return placeKey{workspace: workspace, connection: inStore}
	}
	return placeKey{workspace: workspace, connection: inStore[:at], source: inStore[at+1:]}
}

// sourceOf says whose records a connection reads: by its connector, its server and the values for that, and where its
// credential is. It holds no secret. A new secret in the same place is taken for the same account. A program may know
// better.
func sourceOf(c *backend.Connection) string {
	if c.Config.Copies != "" {
		return c.Config.Copies
	}
	raw, _ := json.Marshal([]any{c.Config.Connector, c.Server.URL, c.Override, c.Config.Config, c.Config.Credentials}) // texts always marshal
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:10])
}

// Remove removes the copies of a connection, also one that does not exist any more.
func (c *Copies) Remove(ctx context.Context, workspace, connection string) error {
	_, err := c.removeAll(ctx, workspace, func(k placeKey) bool { return k.connection == connection })
	return err
}

// RemoveAll removes the copies of all connections of a workspace, also those that cannot be read.
func (c *Copies) RemoveAll(ctx context.Context, workspace string) error {
	for _, p := range c.all() {
		if p.workspace == workspace {
			p.writing.Lock()
			p.forget()
			p.writing.Unlock()
		}
	}
	return public(c.erase(ctx, workspace, "", ""))
}

// Retain removes the copies of a workspace's connections that are not to be kept, and returns their names.
func (c *Copies) Retain(ctx context.Context, workspace string, keep func(connection string) bool) (removed []string, err error) {
	return c.removeAll(ctx, workspace, func(k placeKey) bool { return !keep(k.connection) })
}

// removeOthers removes what was copied of a connection when its source was another one. Nobody finds that, so what
// cannot be removed now waits for the next pass.
func (p *place) removeOthers(ctx context.Context) {
	_, err := p.copies.removeAll(ctx, p.workspace, func(k placeKey) bool { return k.connection == p.connection && k.source != p.source })
	if err != nil && ctx.Err() == nil {
		p.copies.log.Warn("copies of what the connection read before are not removed before the next pass", "workspace", p.workspace, "connection", p.connection, "error", err)
	}
}

// removeAll removes copies of a workspace. Passes over them that run write no more.
func (c *Copies) removeAll(ctx context.Context, workspace string, gone func(placeKey) bool) (removed []string, err error) {
	for _, p := range c.all() {
		if p.workspace == workspace && gone(p.placeKey) {
			p.writing.Lock()
			p.forget()
			p.writing.Unlock()
		}
	}
	names, err := c.store.Connections(ctx, stored(workspace))
	for _, name := range names {
		if k := keyOf(workspace, name); err == nil && gone(k) {
			if err = c.erase(ctx, workspace, name, ""); err == nil && !slices.Contains(removed, k.connection) {
				removed = append(removed, k.connection)
			}
		}
	}
	if errors.Is(err, contextstore.ErrDamaged) {
		return nil, c.damaged(ctx, workspace, err)
	}
	return removed, public(err)
}
