package copies

import "testing"

// TestStored: no two workspaces have the same copies.
func TestStored(t *testing.T) {
	t.Parallel()
	seen := make(map[string]string)
	for _, workspace := range []string{"", "local", "local-local", "local-", "locals", "a", "b"} {
		name := stored(workspace)
		if of, twice := seen[name]; twice || name == "" {
			t.Errorf("%q and %q are both %q", of, workspace, name)
		}
		seen[name] = workspace
	}
}
