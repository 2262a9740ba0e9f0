package sandbox

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

// fakeCompile ends when it is told how, or with its context.
type fakeCompile struct {
	began chan struct{}
	end   chan error
	ended context.Context // once it has begun
	entry *entry
}

func newFakeCompile() *fakeCompile {
	return &fakeCompile{began: make(chan struct{}), end: make(chan error, 1), entry: &entry{}}
}

func (f *fakeCompile) run(ctx context.Context) (*entry, error) {
	f.ended = ctx
	close(f.began)
	select {
	case err := <-f.end:
		if err != nil {
			return nil, err
		}
		return f.entry, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// outcome is how a compile that a caller waits for ended.
type outcome struct {
	made *entry
	err  error
}

func (c *compiles) goNow(ctx context.Context, digest string, f *fakeCompile) <-chan outcome {
	result := make(chan outcome, 1)
	go func() {
		made, err := c.now(ctx, digest, f.run)
		result <- outcome{made, err}
	}()
	return result
}

func (c *compiles) goAhead(ctx context.Context, digest string, compiled func() bool, f *fakeCompile) <-chan error {
	result := make(chan error, 1)
	go func() { result <- c.ahead(ctx, digest, compiled, f.run) }()
	return result
}

func no() bool { return false }

var errFake = errors.New("it does not compile")

// A caller waits for no other module that is being compiled ahead.
func TestCallerJumpsTheQueue(t *testing.T) {
	t.Parallel()
	var c compiles
	other, own := newFakeCompile(), newFakeCompile()
	ctx, cancel := context.WithCancel(t.Context())
	ahead := c.goAhead(ctx, "b", no, other)
	<-other.began
	result := c.goNow(t.Context(), "a", own)
	<-own.began
	own.end <- nil
	if r := <-result; r.made != own.entry || r.err != nil {
		t.Errorf("%+v", r)
	}
	if other.ended.Err() != nil {
		t.Error("the other module's compile was ended")
	}
	cancel() // the host closes
	if err := <-ahead; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if len(c.running) > 0 {
		t.Errorf("%d compiles are still known", len(c.running))
	}
}

// Of two compiles of one module the first good one counts, and the other one is ended.
func TestCallerOfWhatIsCompiledAhead(t *testing.T) {
	for name, tt := range map[string]struct {
		end  func(own, ahead *fakeCompile)
		want func(own, ahead *fakeCompile) outcome
		own  error // how the caller's own compile ends
		// ahead is how the other one ends.
		ahead error
	}{
		"the caller's own is first": {
			end:   func(own, _ *fakeCompile) { own.end <- nil },
			want:  func(own, _ *fakeCompile) outcome { return outcome{own.entry, nil} },
			ahead: context.Canceled,
		},
		"the one ahead is first": {
			end:  func(_, ahead *fakeCompile) { ahead.end <- nil },
			want: func(_, ahead *fakeCompile) outcome { return outcome{ahead.entry, nil} },
			own:  context.Canceled,
		},
		"the one ahead fails": {
			end: func(own, ahead *fakeCompile) {
				ahead.end <- errFake
				<-ahead.ended.Done()
				own.end <- nil
			},
			want:  func(own, _ *fakeCompile) outcome { return outcome{own.entry, nil} },
			ahead: errFake,
		},
		"the caller's own fails": {
			end:  func(own, ahead *fakeCompile) { own.end <- errFake; <-own.ended.Done(); ahead.end <- nil },
			want: func(*fakeCompile, *fakeCompile) outcome { return outcome{nil, errFake} },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var c compiles
			ahead, own := newFakeCompile(), newFakeCompile()
			aheadEnded := c.goAhead(t.Context(), "a", no, ahead)
			<-ahead.began
			result := c.goNow(t.Context(), "a", own)
			<-own.began
			tt.end(own, ahead)
			if got, want := <-result, tt.want(own, ahead); got.made != want.made || !errors.Is(got.err, want.err) {
				t.Errorf("%+v, want %+v", got, want)
			}
			if err := <-aheadEnded; !errors.Is(err, tt.ahead) {
				t.Errorf("ahead: %v, want %v", err, tt.ahead)
			}
			<-own.ended.Done() // its worker is gone, however it ended
		})
	}
}

// What a caller waits for is not compiled a second time, unless the caller goes.
func TestNothingAheadOfACaller(t *testing.T) {
	for name, tt := range map[string]struct {
		caller error
		again  bool
	}{
		"the caller's is good": {},
		"the caller goes":      {caller: context.Canceled, again: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var c compiles
				own, ahead := newFakeCompile(), newFakeCompile()
				result := c.goNow(t.Context(), "a", own)
				<-own.began
				aheadEnded := c.goAhead(t.Context(), "a", func() bool { return own.ended.Err() != nil && tt.caller == nil }, ahead)
				synctest.Wait() // until it waits too
				own.end <- tt.caller
				if r := <-result; !errors.Is(r.err, tt.caller) {
					t.Errorf("%+v", r)
				}
				if tt.again {
					<-ahead.began
					ahead.end <- nil
				}
				if err := <-aheadEnded; err != nil {
					t.Error(err)
				}
				if !tt.again && ahead.ended != nil {
					t.Error("it was compiled twice")
				}
			})
		})
	}
}
