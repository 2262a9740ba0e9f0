package host_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/pdk/abi"
)

// A call that waits for another one's reading of the Airbyte secret used to wait for as long
// as that took, whatever its own deadline.
func TestHostedCallWaitsNoLongerThanItLasts(t *testing.T) {
	t.Parallel()
	release, reading := make(chan struct{}), make(chan struct{}, 1)
	v := pylonOnTheWire()
	l := v.hosted(t, nil, func(o *host.Options) {
		environment := o.LookupEnv
		o.LookupEnv = func(name string) (string, bool) {
			if name == "AIRBYTE_CLIENT_SECRET" {
				select {
				case reading <- struct{}{}:
				default:
				}
				<-release
			}
			return environment(name)
		}
	})
	me := host.Call{Entity: "me", Action: "get"}
	var first sync.WaitGroup
	first.Go(func() {
		if _, err := l.h.Execute(t.Context(), "hosted", me); err == nil {
			t.Error("there is no connector, and the call went well")
		}
	})
	<-reading
	hurried := me
	hurried.Timeout = 10 * time.Millisecond
	if e := l.fails(t, "hosted", hurried); e.Kind != abi.KindTimeout || e.RequestSent {
		t.Errorf("error = %#v", e)
	}
	close(release)
	first.Wait()
}

// A login to a hosted connection that nobody had called yet used to be refused for want of
// credentials.
func TestHostedNeedsNoLogin(t *testing.T) {
	t.Parallel()
	v := pylonOnTheWire()
	l := v.hosted(t, nil, func(*host.Options) {})
	err := l.h.Login(t.Context(), "hosted", host.Login{})
	var e *host.Error
	if !errors.As(err, &e) || e.Kind != abi.KindInvalidParams || !strings.Contains(e.Message, "is hosted") {
		t.Errorf("error = %#v", err)
	}
}
