package server

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/store"
)

// A login that nobody uses for a week is used by the server, so that its vendor does not end it. One
// that is in use is left to its calls, and one that fails does not stop the others.
func TestIdleLoginsAreRenewed(t *testing.T) {
	t.Parallel()
	var passed atomic.Int64
	l := newLoginLab(t, func(o *Options) {
		o.Only = true
		o.Host.Seams.Now = func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }
	})
	refused, idle, used := l.accounts.Add("refused"), l.accounts.Add("idle"), l.accounts.Add("used")
	l.ok(l.me(l.connect("first", "CRM", credentialsOf(refused))), &answered{})
	l.ok(l.me(l.connect("second", "CRM", credentialsOf(idle))), &answered{})
	inUse := l.connect("third", "CRM", credentialsOf(used))
	refused.ClientSecret = "another one"
	passed.Store(int64(idleLogin + time.Minute))
	l.token = l.tokenOf(l.first.ClientID, l.first.ClientSecret)
	if r := l.me(inUse); r.status != http.StatusOK {
		t.Fatalf("%+v", r)
	}
	before := [2]int{idle.Refreshes(), used.Refreshes()}
	k := l.s.jobKinds()[renewJob]
	for range 2 {
		if err := k.Do(t.Context(), store.Job{}); err != nil {
			t.Fatal(err)
		}
	}
	if after := [2]int{idle.Refreshes(), used.Refreshes()}; after != [2]int{before[0] + 1, before[1]} || k.Every != 24*time.Hour {
		t.Errorf("%v refreshes, and %v before, every %s", after, before, k.Every)
	}
}
