package seams

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestWithDefaults(t *testing.T) {
	t.Parallel()
	at := time.Unix(1, 0)
	own := Seams{Now: func() time.Time { return at }, Rand: func() float64 { return 0.25 }}.WithDefaults()
	if !own.Now().Equal(at) || own.Rand() != 0.25 {
		t.Error("a default took the place of what was set")
	}
	s := Seams{}.WithDefaults()
	if s.Now().IsZero() || s.Rand() < 0 || s.Rand() >= 1 {
		t.Error("the clock or chance is not the machine's")
	}
	if s.Resolver != nil || s.Dial != nil || s.RootCAs != nil {
		t.Error("the network is not left to package egress")
	}
	if err := s.Sleep(t.Context(), time.Microsecond); err != nil {
		t.Error(err)
	}
}

func TestSleepEndsWithItsContext(t *testing.T) {
	t.Parallel()
	why := errors.New("the host closes")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if err := (Seams{}).WithDefaults().Sleep(ctx, time.Hour); !errors.Is(err, why) {
		t.Errorf("Sleep returned %v", err)
	}
}
