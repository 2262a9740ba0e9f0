package sandbox

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// A memory that could not be mapped was a panic out of wazero, which ended the process at
// the first call; and Close waited for that call for ever.
// threat: R7
func TestNoAddressSpace(t *testing.T) {
	t.Parallel()
	send := func(context.Context, *abi.Request, []byte) (*Response, error) { return &Response{Status: 200}, nil }
	for name, c := range map[string]struct {
		reserve func(uint64) []byte
		kind    abi.Kind
		message string
	}{
		"no room": {func(uint64) []byte { return nil }, abi.KindLimitExceeded, "no address space"},
		"a panic": {func(uint64) []byte { panic(errors.New("quoted input")) }, abi.KindInternal, "bug of the host"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			e, err := NewEngine(Config{Logger: hclog.New(&hclog.LoggerOptions{Output: &log})})
			if err != nil {
				t.Fatal(err)
			}
			m, err := e.Load(t.Context(), writer(4))
			if err != nil {
				t.Fatal(err)
			}
			e.reserve = c.reserve
			for range 3 {
				_, err = m.Run(t.Context(), Call{Export: hostfunc.ExportExecute, Send: send})
				var public *abi.Error
				if !errors.As(err, &public) || public.Kind != c.kind || !strings.Contains(public.Message, c.message) {
					t.Fatalf("%v", err)
				}
			}
			e.reserve = reserve
			if _, err := m.Run(t.Context(), Call{Export: hostfunc.ExportExecute, Send: send}); err != nil {
				t.Errorf("with room again: %v", err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := e.Close(ctx); err != nil {
				t.Error(err)
			}
			if text := log.String(); strings.Contains(text, "quoted input") || c.kind == abi.KindInternal && !strings.Contains(text, "*errors.errorString") {
				t.Errorf("the log has %s", text)
			}
		})
	}
}
