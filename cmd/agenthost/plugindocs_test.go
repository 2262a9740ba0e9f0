package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/google/go-cmp/cmp"
)

var updateDocs = flag.Bool("update", false, "write the references of the connectors anew")

// The references of the connectors that come with agenthost change only where somebody looks.
func TestReferenceOfConnectors(t *testing.T) {
	t.Parallel()
	folder := wasmtest.Folder(t, "plugins/pylon", "plugins/ashby", "plugins/incidentio")
	h, err := host.Open(t.Context(), host.Options{Plugins: folder, Cache: wasmtest.Cache(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close(context.WithoutCancel(t.Context()))
	all, err := h.Connectors(t.Context())
	if err != nil || len(all) != 3 {
		t.Fatalf("%d connectors, %v", len(all), err)
	}
	for i := range all {
		got, err := manual(&all[i])
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", "docs", all[i].Name+".md")
		if *updateDocs {
			if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s, which go test ./cmd/agenthost -run Reference -update writes:\n%s", file, diff)
		}
	}
}

// hostileWords are what an author may write to be more than text in a reference.
var hostileWords = []string{
	"<script>alert(1)</script>", "<!-- hidden -->", "[click](javascript:alert(1))", "![x](http://evil.example/track.png)", "a | b | c", "\\| x | y", "`code` ```\n# Heading",
	"\n\n# Heading\n\n- list", "# Heading", "- item", "+ item", "1. item", "12) item", "--- ", "===", "> quote", "*bold* _it_ ~~gone~~", "{{ site.secrets }} {% include x %}", "[ref]: http://evil.example",
	"see https://evil.example/login or www.evil.example", "@everyone", "&lt;script&gt; &#60;b&#62;", "safe\u202etxt.exe", "\x1b[31mred\x1b]8;;http://evil.example\x07", "tab\tand\rreturn\x00null", "\U000e0041tag", "$$x^2$$", "    indented code", "trailing \\",
}

// Nothing that an author writes is markup, or invisible.
func TestReferenceEscapesHostileWords(t *testing.T) {
	t.Parallel()
	for _, hostile := range hostileWords {
		schema, err := json.Marshal(map[string]any{
			"type": "object", "required": []string{hostile}, "properties": map[string]any{
				hostile: map[string]any{"type": "string", "description": hostile, "enum": []string{hostile}, "pattern": hostile, "default": hostile, "maxLength": 3},
				"inner": map[string]any{"type": "object", "properties": map[string]any{hostile: map[string]any{"type": "array", "maxItems": 3, "items": map[string]any{"type": "string", "pattern": hostile}}}},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		example, err := json.Marshal(map[string]string{hostile: hostile})
		if err != nil {
			t.Fatal(err)
		}
		field := abi.AuthField{Name: hostile, Title: hostile, Description: hostile, Pattern: hostile, Default: hostile, Enum: []string{hostile}, Format: hostile}
		info := &host.ConnectorInfo{
			Manifest: &abi.Manifest{
				Name: hostile, Title: hostile, Version: hostile, Description: hostile, DocsURL: hostile,
				Check:   &abi.OperationRef{Entity: hostile, Action: hostile},
				Servers: []abi.Server{{ID: hostile, URL: hostile, Title: hostile}},
				Config:  []abi.AuthField{field},
				Sync:    []abi.Sync{{Entity: hostile, Text: []string{hostile}, Index: []string{hostile}}},
				Operations: []abi.Operation{{
					Entity: hostile, Action: hostile, Title: hostile, Description: hostile, Effect: abi.Effect(hostile), Permission: hostile, Params: schema, Result: schema,
					Requests: []abi.RequestTemplate{{Server: hostile, Method: hostile, Path: hostile, RawQuery: hostile, File: &abi.File{Pointer: hostile, Suffixes: []string{hostile}}}},
					Aliases:  map[string]string{hostile: hostile}, RateLimit: &abi.RateLimit{Requests: 1, PerSeconds: 1, Bucket: hostile}, Content: abi.Content(hostile), Examples: []abi.RawMessage{example},
				}},
			},
			Auth: &abi.AuthSchema{Schemes: []abi.AuthScheme{{
				ID: hostile, Type: abi.AuthType(hostile), Title: hostile, Description: hostile, Fields: []abi.AuthField{field}, Origins: []string{hostile},
				Inject: []abi.Injection{{In: hostile, Name: hostile, Value: hostile}}, Basic: &abi.Basic{Username: hostile, Password: hostile},
				OAuth2: &abi.OAuth2{Grant: hostile, TokenURL: hostile, RevokeURL: hostile, AuthorizeURL: hostile, Scopes: []string{hostile}},
			}}},
		}
		got, err := manual(info)
		if err != nil {
			t.Fatalf("%q: %v", hostile, err)
		}
		for _, problem := range markup(got) {
			t.Errorf("%q: %s", hostile, problem)
		}
	}
}

// Characters that a renderer of Markdown reads as more than text, where no backslash is before them.
var (
	fencedLines = regexp.MustCompile("(?ms)^(```+)[a-z]*\n.*?\n(```+)\n")
	ownLine     = regexp.MustCompile(`^(#{1,3} |- |\| )`)
	codeSpan    = regexp.MustCompile("`[^`|\\\\]+`")
	escaped     = regexp.MustCompile(`\\[[:punct:]]`)
)

// markup lists what of a reference is markup that the program did not write.
func markup(document string) (problems []string) {
	for _, c := range document {
		if c < ' ' && c != '\n' || c == 0x202e || c >= 0xe0000 {
			problems = append(problems, fmt.Sprintf("has %U", c))
		}
	}
	columns := 0
	for _, block := range fencedLines.FindAllString(document, -1) {
		if strings.Contains(block, "{{") || strings.Contains(block, "{%") {
			problems = append(problems, "a template in a block of code: "+block)
		}
	}
	for line := range strings.Lines(fencedLines.ReplaceAllString(document, "\n")) {
		line = strings.TrimSuffix(line, "\n")
		bare := codeSpan.ReplaceAllString(escaped.ReplaceAllString(line, ""), "")
		start := ownLine.FindString(line)
		rest := strings.TrimPrefix(bare, start)
		if start == "| " {
			cells := strings.Count(bare, "|")
			if columns == 0 {
				columns = cells
			}
			if cells != columns {
				problems = append(problems, fmt.Sprintf("%d cells in a table of %d: %s", cells, columns, line))
			}
			rest = strings.ReplaceAll(bare, "|", "")
		} else {
			columns = 0
		}
		if strings.ContainsAny(rest, "<>[]`*_~#!$^|{}@") && !strings.Contains(rest, "&#") || strings.ContainsAny(rest, "<>[]`*_~!$^{}@") {
			problems = append(problems, "markup in "+line)
		}
		if strings.Contains(rest, "://") || strings.Contains(rest, "www.") {
			problems = append(problems, "a link in "+line)
		}
		if start == "" && regexp.MustCompile(`^(\s|[-+=>]|\d+[.)])`).MatchString(line) {
			problems = append(problems, "a block in "+line)
		}
	}
	return problems
}
