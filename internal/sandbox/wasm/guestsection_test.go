package wasm

import (
	"bytes"
	"strings"
	"testing"
)

// threat: E14
//
// A module may have a section of each kind for its guest, once and within the limit, and no
// other that looks like one.
func TestGuestSections(t *testing.T) {
	t.Parallel()
	empty := append([]byte(nil), header...)
	for name, tt := range map[string]struct {
		sections []Section
		want     string
	}{
		"none":           {nil, ""},
		"all":            {[]Section{{"rows", []byte("{}")}, {"auth", nil}, {"manifest", []byte("x")}}, ""},
		"as large as is": {[]Section{{"rows", make([]byte, 100)}}, ""},
		"too large":      {[]Section{{"rows", make([]byte, 101)}}, "101 bytes in the custom section agenthost.rows, the limit is 100"},
		"twice":          {[]Section{{"rows", nil}, {"auth", nil}, {"rows", nil}}, `"agenthost.rows" twice`},
		"another":        {[]Section{{"rows", nil}, {"code", nil}}, `"agenthost.code"`},
		"of no name":     {[]Section{{"", nil}}, `"agenthost."`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			module := WithSections(empty, tt.sections...)
			m, err := Parse(module)
			if err != nil {
				t.Fatal(err)
			}
			limits := DefaultLimits()
			limits.SectionBytes = 100
			err = m.Vet(limits, nil)
			if (err != nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("%v, want %q", err, tt.want)
			}
			if err != nil {
				return
			}
			got := m.Sections()
			if len(got) != len(tt.sections) {
				t.Fatalf("%v", got)
			}
			for _, s := range tt.sections {
				if !bytes.Equal(got[s.Name], s.Data) {
					t.Errorf("%s is %q", s.Name, got[s.Name])
				}
			}
		})
	}
}
