//go:build !darwin && !windows

package keyring

import (
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
	gokeyring "github.com/zalando/go-keyring"
)

// Without the address of a session bus, go-keyring would start dbus-launch. It is not
// asked.
func TestNoSessionBus(t *testing.T) {
	gokeyring.MockInit()
	if err := gokeyring.Set(Service, "pylon", canary); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"", "autolaunch:", "autolaunch:scope=x"} {
		_, err := reveal(New(func(string) (string, bool) { return address, address != "" }), "pylon")
		wantError(t, err, abi.KindAuthFailed, "cannot reach", "logged-in")
	}
}
