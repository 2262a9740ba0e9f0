package connector

import (
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
)

// threat: T2
func TestCheckFile(t *testing.T) {
	t.Parallel()
	params := []string{"id", "number", "range"}
	for name, tt := range map[string]struct {
		file    abi.File
		content abi.Content // of the request
		method  string
		want    string // of the error; empty if there is none
	}{
		"all of it":                  {file: abi.File{Pointer: "/a/{number}/u~1rl", Suffixes: []string{"files.vendor.com", "vendor.com"}, Range: "range"}},
		"without a suffix":           {file: abi.File{Pointer: "/url"}},
		"a bucket":                   {file: abi.File{Pointer: "/url", Suffixes: []string{"vendor-private.s3.amazonaws.com"}}},
		"no pointer":                 {want: "pointer"},
		"the whole answer":           {file: abi.File{Pointer: ""}, want: "pointer"},
		"no slash":                   {file: abi.File{Pointer: "url"}, want: "pointer"},
		"a broken escape":            {file: abi.File{Pointer: "/a~2"}, want: "pointer"},
		"a space":                    {file: abi.File{Pointer: "/a b"}, want: "pointer"},
		"a line break":               {file: abi.File{Pointer: "/a\n"}, want: "pointer"},
		"very deep":                  {file: abi.File{Pointer: strings.Repeat("/a", 17)}, want: "more than 16 segments"},
		"very long":                  {file: abi.File{Pointer: "/" + strings.Repeat("a", 500)}, want: "pointer"},
		"an unknown parameter":       {file: abi.File{Pointer: "/{numbr}"}, want: `has {numbr}, which is not a parameter; did you mean number?`},
		"an unknown range":           {file: abi.File{Pointer: "/url", Range: "rang"}, want: `is "rang", which is not a parameter; did you mean range?`},
		"an answer that is bytes":    {file: abi.File{Pointer: "/url"}, content: abi.ContentBinary, want: "say content: json"},
		"a HEAD":                     {file: abi.File{Pointer: "/url"}, method: "HEAD", want: "HEAD"},
		"a suffix of one label":      {file: abi.File{Pointer: "/url", Suffixes: []string{"com"}}, want: "one label"},
		"a suffix of everybody":      {file: abi.File{Pointer: "/url", Suffixes: []string{"co.uk"}}, want: "everybody"},
		"buckets of everybody":       {file: abi.File{Pointer: "/url", Suffixes: []string{"s3.amazonaws.com"}}, want: "everybody"},
		"a cloud":                    {file: abi.File{Pointer: "/url", Suffixes: []string{"amazonaws.com"}}, want: "everybody can have a name for a store"},
		"pages of everybody":         {file: abi.File{Pointer: "/url", Suffixes: []string{"github.io"}}, want: "everybody"},
		"a suffix with a dot first":  {file: abi.File{Pointer: "/url", Suffixes: []string{".vendor.com"}}, want: "suffixes[0]"},
		"a suffix with a dot at end": {file: abi.File{Pointer: "/url", Suffixes: []string{"vendor.com."}}, want: "suffixes[0]"},
		"a suffix with a star":       {file: abi.File{Pointer: "/url", Suffixes: []string{"*.vendor.com"}}, want: "suffixes[0]"},
		"an upper-case suffix":       {file: abi.File{Pointer: "/url", Suffixes: []string{"Vendor.com"}}, want: "lower case"},
		"a suffix that is a URL":     {file: abi.File{Pointer: "/url", Suffixes: []string{"https://vendor.com"}}, want: "suffixes[0]"},
		"a suffix with a port":       {file: abi.File{Pointer: "/url", Suffixes: []string{"vendor.com:8443"}}, want: "without a port"},
		"a suffix with a path":       {file: abi.File{Pointer: "/url", Suffixes: []string{"vendor.com/a"}}, want: "suffixes[0]"},
		"a suffix with a user":       {file: abi.File{Pointer: "/url", Suffixes: []string{"a@vendor.com"}}, want: "suffixes[0]"},
		"an international suffix":    {file: abi.File{Pointer: "/url", Suffixes: []string{"vendör.com"}}, want: "a character"},
		"an address":                 {file: abi.File{Pointer: "/url", Suffixes: []string{"10.0.0.1"}}, want: "is an address"},
		"an address in disguise":     {file: abi.File{Pointer: "/url", Suffixes: []string{"10.1"}}, want: "unusual form"},
		"no suffix":                  {file: abi.File{Pointer: "/url", Suffixes: []string{""}}, want: "suffixes[0]"},
		"a suffix twice":             {file: abi.File{Pointer: "/url", Suffixes: []string{"a.vendor.com", "a.vendor.com"}}, want: "repeats"},
		"too many suffixes":          {file: abi.File{Pointer: "/url", Suffixes: make([]string, 21)}, want: "the limit is 20"},
	} {
		r := abi.RequestTemplate{Method: "GET", Path: "/a", Content: abi.ContentJSON, File: &tt.file}
		if tt.method != "" {
			r.Method = tt.method
		}
		if tt.content != "" {
			r.Content = tt.content
		}
		err := checkFile("file", r, abi.ContentBinary)
		if err == nil {
			err = checkFileParams("file", &tt.file, params)
		}
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}
