package firstparty_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/firstparty"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/google/go-cmp/cmp"
)

// connectors returns those of a folder.
func connectors(t *testing.T, o host.Options) []host.ConnectorInfo {
	t.Helper()
	h, err := host.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close(context.Background()) }()
	infos, err := h.Connectors(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return infos
}

// A list says of each connector what the connector says itself, and of no other file.
func TestList(t *testing.T) {
	folder, cache := wasmtest.Folder(t, "plugins/pylon", "plugins/ashby", "plugins/incidentio"), wasmtest.Cache(t)
	files, err := filepath.Glob(filepath.Join(folder, "*.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	list, err := firstparty.Make(t.Context(), cache, files...)
	if err != nil {
		t.Fatal(err)
	}
	want := connectors(t, host.Options{Plugins: folder, Cache: cache})
	asked := 0
	got := connectors(t, host.Options{Plugins: folder, Cache: t.TempDir(), OnCompile: func(string) { asked++ }, Declared: list.Declared})
	if diff := cmp.Diff(want, got); diff != "" || len(got) != 3 || asked > 0 {
		t.Errorf("%d connectors, %d asked: %s", len(got), asked, diff)
	}
	digests := make(map[string]string)
	for _, info := range want {
		digests[info.Name] = info.Digest
	}
	if diff := cmp.Diff(digests, list.Digests()); diff != "" {
		t.Error(diff)
	}
	for _, digest := range []string{"", strings.Repeat("0", 64), want[0].Digest[:63], want[0].Name} {
		if _, found := list.Declared(digest); found {
			t.Errorf("there is a declaration of %q", digest)
		}
	}
	if list := firstparty.List(""); len(list.Digests()) > 0 {
		t.Errorf("an empty list has %v", list.Digests())
	}
}

// The overlay puts the list in the place of the command's file, and is left alone where it is
// as it should be.
func TestOverlay(t *testing.T) {
	folder := t.TempDir()
	const list firstparty.List = "a b {}\n"
	interpreter := filepath.Join(folder, "interpreter.wasm")
	if err := os.WriteFile(interpreter, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	overlay, err := list.Overlay(folder, interpreter, interpreter)
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(overlay)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := list.Overlay(folder, interpreter, interpreter); err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(overlay); err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("it is written again: %v", err)
	}
	text, err := os.ReadFile(overlay)
	if err != nil {
		t.Fatal(err)
	}
	var o struct{ Replace map[string]string }
	if err := json.Unmarshal(text, &o); err != nil {
		t.Fatal(err)
	}
	for from, to := range o.Replace {
		empty, err := os.ReadFile(filepath.Join("..", "..", from))
		if err != nil || len(empty) > 0 {
			t.Errorf("%s: %q, %v", from, empty, err)
		}
		if data, err := os.ReadFile(to); err != nil || string(data) != string(list) {
			t.Errorf("%s: %q, %v", to, data, err)
		}
	}
	if len(o.Replace) != 3 {
		t.Errorf("%s", text)
	}
}
