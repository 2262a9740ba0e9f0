package fault_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

func TestOf(t *testing.T) {
	t.Parallel()
	known := &abi.Error{Kind: abi.KindConflict, Message: "taken"}
	for _, test := range []struct {
		name string
		err  error
		kind abi.Kind
	}{
		{"an error of ours", known, abi.KindConflict},
		{"one in another", fmt.Errorf("call: %w", known), abi.KindConflict},
		{"a deadline", fmt.Errorf("read: %w", context.DeadlineExceeded), abi.KindTimeout},
		{"a cancellation", context.Canceled, abi.KindCancelled},
		{"any other", errors.New("odd"), abi.KindInternal},
	} {
		got := fault.Of(test.err)
		if got.Kind != test.kind {
			t.Errorf("%s: kind %s, want %s", test.name, got.Kind, test.kind)
		}
		if got.Message = "changed"; known.Message != "taken" {
			t.Fatalf("%s: Of returned the error itself, not a copy", test.name)
		}
	}
}

func TestUnder(t *testing.T) {
	t.Parallel()
	for field, want := range map[string]string{"": "a.b", "c": "a.b.c", "a.b.c": "a.b.c"} {
		if got := fault.Of(fault.Under("a.b", fault.Invalid(field, "wrong", ""))).Field; got != want {
			t.Errorf("field %q became %q, want %q", field, got, want)
		}
	}
	if fault.Under("a", nil) != nil {
		t.Error("nil became an error")
	}
}

func TestSent(t *testing.T) {
	t.Parallel()
	guest := &abi.Error{Kind: abi.KindVendorError, RequestSent: true}
	if fault.Of(fault.Sent(guest, false)).RequestSent || !guest.RequestSent {
		t.Error("Sent must change a copy, and only that")
	}
	plain := errors.New("plain")
	if err := fault.Sent(plain, true); !errors.Is(err, plain) {
		t.Errorf("a plain error became %v", err)
	}
}

func TestConfiguration(t *testing.T) {
	t.Parallel()
	cause := errors.New("no such file")
	wrong := fault.Configuration(fault.Invalid("server", "wrong", "").WithCause(cause))
	for name, test := range map[string]struct {
		err  error
		want bool
	}{
		"an option":              {wrong, true},
		"an option, marked once": {fault.Configuration(wrong), true},
		"a copy of it":           {fault.Sent(fault.Under("connections.a", wrong), true), true},
		"a parameter":            {fault.Invalid("server", "wrong", ""), false},
		"another kind":           {fault.Configuration(fault.Denied("allow", "no", "")), false},
		"any other":              {fault.Configuration(cause), false},
		"nil":                    {fault.Configuration(nil), false},
	} {
		if got := errors.Is(test.err, fault.ErrConfiguration); got != test.want {
			t.Errorf("%s: %t, want %t", name, got, test.want)
		}
	}
	if !errors.Is(wrong, cause) {
		t.Error("the cause is lost")
	}
}
