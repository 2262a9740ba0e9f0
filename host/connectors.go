package host

import (
	"context"
	"slices"

	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/catalog"
)

// ConnectorInfo is what is known of a connector.
type ConnectorInfo = catalog.Info

// Declaration is what a connector declares, as JSON: its [abi.Manifest] and its
// [abi.AuthSchema].
type Declaration = catalog.Declaration

// Connectors returns the connectors of the plugins folder, in order of their names. A file that
// cannot be used is in the list, with Err set.
func (h *Host) Connectors(ctx context.Context) ([]ConnectorInfo, error) {
	return within(ctx, h, h.catalog.Infos)
}

// Connector returns one connector. The error has kind unknown_operation if no connector has that
// name, and connector_fault if its file cannot be used.
func (h *Host) Connector(ctx context.Context, name string) (*ConnectorInfo, error) {
	return within(ctx, h, func(ctx context.Context) (*ConnectorInfo, error) { return h.connectorInfo(ctx, name) })
}

func (h *Host) connectorInfo(ctx context.Context, name string) (*ConnectorInfo, error) {
	f, err := h.catalog.Find(ctx, name)
	if err != nil {
		return nil, err
	}
	info := f.Info(ctx)
	return &info, info.Err
}

// Inspect reads a file from anywhere like a connector of the plugins folder.
func (h *Host) Inspect(ctx context.Context, path string) (*ConnectorInfo, error) {
	return within(ctx, h, func(ctx context.Context) (*ConnectorInfo, error) {
		info := h.catalog.At(path).Info(ctx)
		return &info, info.Err
	})
}

// Change is what happened to a file of the plugins folder, or to the connections.
type Change = catalog.Change

// ChangeKind is the sort of a [Change].
type ChangeKind = catalog.ChangeKind

// The kinds of changes.
const (
	// ConnectorAdded is a new file, or one whose declaration was not known before.
	ConnectorAdded = catalog.ConnectorAdded
	// ConnectorUpdated is a file with other content. Connections use it from their next call on;
	// calls that run end on the old one.
	ConnectorUpdated = catalog.ConnectorUpdated
	// ConnectorRemoved is a file that was removed.
	ConnectorRemoved = catalog.ConnectorRemoved
	// ConnectorRefused is a file that cannot be used. Where it replaced a good one, connections
	// keep the good one.
	ConnectorRefused = catalog.ConnectorRefused
	// ConnectionsChanged says that connections were added, changed or removed. The fields of the
	// [Change] but Workspaces are empty.
	ConnectionsChanged ChangeKind = "connections"
)

// OnChange calls f after each change of a connector, and after changes of connections, until
// stop is called, one change at a time; a call that runs when stop returns may still end.
// Without [Options.Reload] and [Options.CompileAhead] there are no changes of connectors. F must return soon, and must not close the host.
func (h *Host) OnChange(f func(Change)) (stop func()) { return h.catalog.OnChange(f) }

// replaced lets connections that use a file find its successor. They are closed when the last
// call that runs on them has ended.
func (h *Host) replaced(f *catalog.File) {
	var old []*connection
	h.mu.Lock()
	for key, c := range h.connections {
		if c.file == f {
			old = append(old, c)
			delete(h.connections, key)
		}
	}
	h.mu.Unlock()
	for _, c := range old {
		c.retire(context.Background())
	}
}

// expected says whether a file may probably be used of which only these are known. The name may
// be anybody's, and decides on nothing but whose turn it is.
func (h *Host) expected(name, digest string) bool {
	if h.approvals == nil || h.options.Installed.Has(digest) || digest != "" && h.options.FirstParty[name] == digest {
		return true
	}
	approved, err := h.approvals.Load()
	return err == nil && slices.ContainsFunc(approved.Approvals, func(a grant.Approval) bool {
		return a.Name == name || a.Digest == digest
	})
}

// called returns a function that reports whether a connection will run the module of a file.
func (h *Host) called(ctx context.Context) (func(f *catalog.File) bool, error) {
	connected := make(map[string]bool)
	for c, err := range h.configured(ctx, Principal{}) {
		if err != nil {
			return nil, err
		}
		// The Airbyte API runs the others.
		connected[c.Connection.Connector] = connected[c.Connection.Connector] || c.Connection.Airbyte == nil
	}
	made, err := h.environmentInfos(ctx, func(name string) bool { return connected[name] })
	if err != nil {
		return nil, err
	}
	for _, c := range made {
		connected[c.Connector] = true
	}
	return func(f *catalog.File) bool {
		declared := f.Known()
		if !connected[declared.Manifest.Name] {
			return false
		}
		j, _, err := h.judge(declared.Module(), f.Path())
		return err == nil && j.Decision.Allowed
	}, nil
}
