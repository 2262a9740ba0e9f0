package main

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/oauthsim"
)

// slowTokens is a vendor whose token endpoint can keep an answer back.
type slowTokens struct {
	http.Handler
	mu   sync.Mutex
	next chan struct{} // the next answer is ready when it is closed; nil keeps none back
	send chan struct{} // and is sent when this one is
}

// keep has the vendor keep the next answer back.
func (v *slowTokens) keep() (ready <-chan struct{}, send chan<- struct{}) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.next, v.send = make(chan struct{}), make(chan struct{})
	return v.next, v.send
}

func (v *slowTokens) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := httptest.NewRecorder()
	v.Handler.ServeHTTP(answer, r)
	if r.URL.Path == "/token" {
		v.mu.Lock()
		ready, send := v.next, v.send
		v.next = nil
		v.mu.Unlock()
		if ready != nil {
			close(ready)
			<-send
		}
	}
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

// TestPostgresNodesRefresh: of 100 calls on three servers that need a token at once, one gets it from the
// vendor. A server that is stopped when the vendor has given it a token, and goes on when another one has
// got a newer one, does not put the older one in its place; nor does it where the other one has the lease,
// and is about to get the newer one.
//
// threat: C4, K6
func TestPostgresNodesRefresh(t *testing.T) {
	needPostgres(t)
	t.Parallel()
	accounts := &oauthsim.Accounts{Lifetime: time.Hour}
	vendor := &slowTokens{Handler: accounts}
	l := &nodesLab{t: t}
	l.serve("oauthcrm", vendor, nodesOptions{})
	login := l.login(accounts, "first")
	before := login.asked()
	login.account.Expire()
	var calls sync.WaitGroup
	for i := range 100 {
		calls.Go(func() { login.good(l, i%nodesCount) })
	}
	calls.Wait()
	if n := login.asked() - before; n != 1 {
		t.Errorf("the vendor was asked for a token %d times", n)
	}

	second, third := l.login(accounts, "second"), l.login(accounts, "third")
	second.account.Expire()
	third.account.Expire()
	secondLate, sendSecond := second.begin(l, 0, vendor)
	thirdLate, sendThird := third.begin(l, 0, vendor)
	l.signal(0, syscall.SIGSTOP)
	close(sendSecond)
	close(sendThird)
	begun := time.Now()
	second.good(l, 1)
	t.Logf("another server has a token %s after the first one was stopped", time.Since(begun).Round(time.Millisecond))
	newer, sendNewer := third.begin(l, 1, vendor)
	logins := []*killedLogin{second, third}
	var newest []string
	var asked []int
	for _, login := range logins {
		newest, asked = append(newest, login.account.Access()), append(asked, login.asked())
	}
	l.signal(0, syscall.SIGCONT)
	if a := <-secondLate; a == nil || a.status != http.StatusOK && !retryable(a) {
		t.Errorf("the call of the server that was stopped: %+v", a)
	}
	if a := <-thirdLate; a == nil || !retryable(a) {
		t.Errorf("the call of the server that was stopped, while another one gets a token: %+v", a)
	}
	close(sendNewer)
	if a := <-newer; a == nil || a.status != http.StatusOK {
		t.Errorf("the call of the server that got a token: %+v", a)
	}
	begun = time.Now()
	for k, login := range logins {
		for i := range nodesCount {
			login.good(l, (i+2)%nodesCount) // first the one that has only what the database has
		}
		if login.account.Access() != newest[k] || login.asked() != asked[k] {
			t.Errorf("the newest token of the %s login was replaced, and the vendor was asked %d times more", login.account.ClientID, login.asked()-asked[k])
		}
	}
	t.Logf("all servers have it %s after the first one went on", time.Since(begun).Round(time.Millisecond))
}

// begin begins a call on one server, and returns when the vendor has a token for it. The server gets that
// when send is closed.
func (l *killedLogin) begin(lab *nodesLab, i int, vendor *slowTokens) (late <-chan *answer, send chan<- struct{}) {
	l.t.Helper()
	ready, send := vendor.keep()
	ended := make(chan *answer, 1)
	go func() { ended <- l.on(lab.nodes[i]).me(lab.token) }()
	select {
	case <-ready:
	case a := <-ended:
		l.t.Fatalf("the vendor was asked for no token: %+v", a)
	}
	return ended, send
}

// login makes a connector with a login, which all servers have used.
func (l *nodesLab) login(accounts *oauthsim.Accounts, name string) *killedLogin {
	l.t.Helper()
	login := &killedLogin{t: l.t, s: l.front, vendor: accounts, account: accounts.Add(name)}
	login.account.Grace = true // or the refresh of a second server would end the login
	login.create(l.token, name)
	for i := range nodesCount {
		login.good(l, i)
	}
	return login
}

// on is the login as calls on one server have it.
func (l *killedLogin) on(s *servedProcess) *killedLogin {
	on := *l
	on.s = s
	return &on
}

// good makes a call on one server, again for as long as that says so.
func (l *killedLogin) good(lab *nodesLab, i int) {
	l.t.Helper()
	for until := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		a := l.on(lab.nodes[i]).me(lab.token)
		if a != nil && a.status == http.StatusOK {
			return
		}
		if a == nil || !retryable(a) || time.Now().After(until) {
			l.t.Errorf("server %d: %+v", i, a)
			return
		}
	}
}

// asked is how often the vendor was asked for a token.
func (l *killedLogin) asked() int { return len(l.account.Grants()) }

// signal sends a signal to a server.
func (l *nodesLab) signal(i int, s syscall.Signal) {
	l.t.Helper()
	if err := l.nodes[i].cmd.Process.Signal(s); err != nil {
		l.t.Fatal(err)
	}
}
