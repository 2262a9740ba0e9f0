package coordinate

import (
	"context"
	"testing"

	"github.com/agenthost/agenthost/internal/coordinate/databasetest"
)

// TestModel: the database of the simulation does as the real ones do.
func TestModel(t *testing.T) {
	t.Parallel()
	databasetest.Run(t, func(t *testing.T) databasetest.Target {
		m := databasetest.NewModel(1764579600000)
		return databasetest.Target{
			Database: m, Advance: m.Advance,
			Announce: func(ctx context.Context, about string) error {
				_, err := m.Announce(ctx, about)
				return err
			},
			Write: func(_ context.Context, version int64, lease string, fence int64) error {
				if m.Write(lease, version, fence) {
					return nil
				}
				return databasetest.ErrLate
			},
		}
	})
}

var _ Database = (*databasetest.Model)(nil)
