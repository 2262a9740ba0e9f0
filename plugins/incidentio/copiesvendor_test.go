//go:build !wasip1

package main

import (
	"testing"
	"time"

	declared "github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/connector/synctest"
)

// TestCopiesOfTheSimulatedVendor lists everything once, asks again for what changed, and gets a record of each
// entity.
func TestCopiesOfTheSimulatedVendor(t *testing.T) {
	credential := "token"
	_, r := simulated(t, &credential)
	c, err := declared.Parse(t.Context(), "", connector.Manifest(), connector.AuthSchema())
	if err != nil {
		t.Fatal(err)
	}
	for entity, n := range synctest.Everything(t, c, time.Now(), r.Execute) {
		t.Logf("%s: %d records", entity, n)
	}
}
