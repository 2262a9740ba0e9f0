package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/agenthost/agenthost/internal/contextstore/copies"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TestKeeper: each entity that somebody searched is read again by its interval, one that failed after a
// minute, and none that nobody searched for a week.
func TestKeeper(t *testing.T) {
	for name, test := range map[string]struct {
		pass  func(tries int) ([]copies.Synced, error)
		lives time.Duration
		want  []time.Duration
	}{
		"by its interval": {
			pass: func(int) ([]copies.Synced, error) {
				return []copies.Synced{{Next: time.Now().Add(time.Hour)}, {Next: time.Now().Add(5 * time.Minute)}}, nil
			},
			lives: 12 * time.Minute, want: []time.Duration{0, 5 * time.Minute, 10 * time.Minute},
		},
		"again after a failure": {
			pass: func(tries int) ([]copies.Synced, error) {
				if tries == 0 {
					return nil, errors.New("the vendor is away")
				}
				return []copies.Synced{{Err: errors.New("still")}, {Next: time.Now().Add(time.Hour)}}, nil
			},
			lives: 150 * time.Second, want: []time.Duration{0, time.Minute, 2 * time.Minute},
		},
		"at once where there is more": {
			pass: func(tries int) ([]copies.Synced, error) {
				return []copies.Synced{{More: tries < 2, Next: time.Now().Add(time.Hour)}}, nil
			},
			lives: time.Minute, want: []time.Duration{0, time.Second, 2 * time.Second},
		},
		"never without the connection": {
			pass: func(int) ([]copies.Synced, error) {
				return nil, &abi.Error{Kind: abi.KindUnknownOperation, Message: "there is no connection lab"}
			},
			lives: time.Hour, want: []time.Duration{0},
		},
		"until nobody searched for a week": {
			pass: func(int) ([]copies.Synced, error) {
				return []copies.Synced{{Next: time.Now().Add(72 * time.Hour)}}, nil
			},
			lives: 30 * 24 * time.Hour, want: []time.Duration{0, 72 * time.Hour, 144 * time.Hour},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				var at []time.Duration
				k := newKeeper(time.Now, func(_ context.Context, connection, entity string) ([]copies.Synced, error) {
					if connection != "lab" || entity != "issues" {
						return nil, fmt.Errorf("%s %s is not wanted", connection, entity)
					}
					at = append(at, time.Since(begun).Truncate(time.Second))
					return test.pass(len(at) - 1)
				})
				stop := k.start(t.Context())
				k.want(t.Context(), "", "lab", "issues")
				k.want(t.Context(), "", "lab", "issues")
				k.want(t.Context(), "workspace", "other", "issues") // the server keeps those
				time.Sleep(test.lives)
				stop()
				if !slices.Equal(at, test.want) {
					t.Errorf("passes at %v, want %v", at, test.want)
				}
			})
		})
	}
}
