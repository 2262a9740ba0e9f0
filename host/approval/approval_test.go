package approval

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/pdk/abi"
)

func now() time.Time { return time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC) }

func module(name string) grant.Module {
	return grant.Module{Name: name, Version: "1.0.0", Digest: strings.Repeat("ab", 32), Reach: grant.ReachOf(
		&abi.Manifest{
			Servers: []abi.Server{{ID: "main", URL: "https://api.notes.example/v1"}},
			Operations: []abi.Operation{
				{Entity: "notes", Action: "create", Effect: abi.EffectWrite, Idempotent: true, Requests: []abi.RequestTemplate{{Method: "POST", Path: "/notes"}}},
				{Entity: "notes", Action: "get", Effect: abi.EffectRead, Requests: []abi.RequestTemplate{
					{Server: "main", Method: "GET", Path: "/notes/{id}"},
					{Method: "GET", Path: "/notes", RawQuery: "(),:", File: &abi.File{Pointer: "/url"}},
				}},
			},
		},
		&abi.AuthSchema{Schemes: []abi.AuthScheme{{
			ID: "token", Type: abi.AuthBearer, Fields: []abi.AuthField{{Name: "token", Secret: true}},
			Inject: []abi.Injection{{In: abi.InHeader, Name: "Authorization", Value: "Bearer {token}"}}, Origins: []string{"https://api.notes.example"},
		}}},
	)}
}

func written(t testing.TB) []byte {
	f := &File{}
	for _, name := range []string{"other", "notes"} {
		f.Set(grant.Approval{Module: module(name), At: now(), By: "ada \"the\" admin", Updates: []grant.Update{{Digest: strings.Repeat("cd", 32), Version: "1.0.1", At: now()}}})
	}
	text := f.Format()
	again, err := Parse("agenthost.lock", text)
	if err != nil || !bytes.Equal(again.Format(), text) {
		t.Fatalf("%v\n%s", err, text)
	}
	return text
}

// Every change of a byte is found out, and the error names the line.
// threat: C10, A2
func TestTampering(t *testing.T) {
	text := written(t)
	start := bytes.Index(text, []byte("agenthost-lock"))
	for at := start; at < len(text); at++ {
		changed := bytes.Clone(text)
		changed[at] ^= 1
		f, err := Parse("agenthost.lock", changed)
		if err == nil && !bytes.Equal(f.Format(), text) {
			t.Fatalf("byte %d changed and %d approvals are read", at, len(f.Approvals))
		}
		var public *abi.Error
		if err != nil && (!errors.As(err, &public) || public.Kind != abi.KindDenied || public.Hint == "") {
			t.Fatalf("byte %d: %v", at, err)
		}
	}
	for cut := 0; cut < len(text)-1; cut++ {
		if f, err := Parse("agenthost.lock", text[:cut]); err == nil && len(f.Approvals) == 2 {
			t.Fatalf("the first %d bytes are taken for the whole", cut)
		}
	}
	wider := bytes.Replace(text, []byte("    POST /notes\n"), []byte("    POST /{any}\n"), 1)
	if _, err := Parse("agenthost.lock", wider); err == nil || !strings.Contains(err.Error(), "agenthost.lock:") || !strings.Contains(err.Error(), "its checksum does not match") {
		t.Fatal(err)
	}
}

func TestStore(t *testing.T) {
	dir := t.TempDir()
	s := New(filepath.Join(dir, DefaultName), t.TempDir(), now)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			if err := New(s.Path(), filepath.Dir(s.mutex), now).Approve(t.Context(), module(fmt.Sprintf("c%d", i)), "ada"); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	f, err := s.Load()
	if err != nil || len(f.Approvals) != 8 {
		t.Fatalf("%v, %v", f, err)
	}
	if revoked, err := s.Revoke(t.Context(), "c3"); err != nil || !revoked {
		t.Fatal(revoked, err)
	}
	wider := module("c4")
	wider.Digest = strings.Repeat("ef", 32)
	if err := s.Accept(t.Context(), wider, grant.UpdatesSameReach); err != nil {
		t.Fatal(err)
	}
	wider.Digest, wider.Reach.Servers = strings.Repeat("01", 32), append(wider.Reach.Servers, grant.ServerReach{ID: "x", URL: "https://evil.example"})
	if err := s.Accept(t.Context(), wider, grant.UpdatesSameReach); err == nil {
		t.Fatal("a wider reach is accepted")
	}
	if err := os.WriteFile(s.Path(), []byte("<<<<<<< HEAD\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(); err == nil || !strings.Contains(err.Error(), ":1: ") {
		t.Fatalf("a broken file: %v", err)
	}
}

// FuzzParse checks that what is read is what would be written.
func FuzzParse(f *testing.F) {
	f.Add(written(f))
	f.Add([]byte("agenthost-lock 1\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse("agenthost.lock", data)
		if err != nil {
			return
		}
		again, err := Parse("agenthost.lock", file.Format())
		if err != nil || !bytes.Equal(again.Format(), file.Format()) {
			t.Fatalf("%v\n%s", err, file.Format())
		}
	})
}
