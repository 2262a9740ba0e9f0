package lease_test

import (
	"context"
	"fmt"
	"time"

	"github.com/agenthost/agenthost/internal/credential/lease"
)

// A secret that a vendor refuses is read again, and the one that took its place is used.
func ExampleLease_Renew() {
	inVault := "the first"
	l := lease.New(lease.Config[string]{
		Read: func(_ context.Context, old *string, _ bool) (*string, time.Time, error) {
			if old != nil && *old == inVault {
				return old, time.Time{}, nil
			}
			found := inVault
			return &found, time.Time{}, nil
		},
		Now:     time.Now,
		What:    "the credential",
		OnStale: func(err error) { fmt.Println("the old one is used:", err) },
	})
	ctx := context.Background()
	first, err := l.Get(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	inVault = "the second"
	again, err := l.Get(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	renewed, err := l.Renew(ctx, first)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*first, "-", *again, "-", *renewed)
	// Output: the first - the first - the second
}
