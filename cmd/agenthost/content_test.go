package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/pdk/abi"
)

func TestWriteContent(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, data string
		terminal   bool
		want, says string
	}{
		{"text", `{"content_type":"text/csv","text":"a\tb\r\n\u001b[31m\n"}`, false, "a\tb\r\n\x1b[31m\n", ""},
		{"text on a terminal", `{"content_type":"text/csv","text":"a\tb\r\n\u001b[31m\u202e\r x\n\nü"}`, true, "a\tb\n\\x1b[31m\\u202e  x\n\nü", ""},
		{"a file", `{"content_type":"image/png","base64":"iVD/"}`, false, "\x89\x50\xff", ""},
		{"a file on a terminal", `{"content_type":"image/\u001bpng","base64":"iVD/"}`, true, "", `a file of 3 bytes (image/\x1bpng)`},
		{"nothing", `{"content_type":"","text":""}`, false, "", ""},
		{"a list", `[1]`, false, "", "no text and no file"},
	} {
		var out strings.Builder
		a := &app{stdout: &out}
		a.out.terminal = tt.terminal
		err := a.writeContent([]byte(tt.data))
		var wrong *usageError
		if tt.says == "" && err != nil || tt.says != "" && (!errors.As(err, &wrong) || !strings.Contains(wrong.message, tt.says)) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.says)
		}
		if out.String() != tt.want {
			t.Errorf("%s: it writes %q, want %q", tt.name, &out, tt.want)
		}
	}
}

func TestRawIsForContent(t *testing.T) {
	t.Parallel()
	for content, ok := range map[abi.Content]bool{"": false, abi.ContentJSON: false, abi.ContentCSV: true, abi.ContentText: true, abi.ContentBinary: true} {
		if err := checkRaw(&host.Operation{Operation: abi.Operation{Entity: "a", Action: "b", Content: content}}); (err == nil) != ok {
			t.Errorf("%q: %v", content, err)
		}
	}
}
