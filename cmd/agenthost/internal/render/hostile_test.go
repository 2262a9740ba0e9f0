package render_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/goccy/go-yaml"
)

// TestDeepIsNotLong shows that what is written grows with the record, and not with its depth
// times its size.
func TestDeepIsNotLong(t *testing.T) {
	t.Parallel()
	for _, depth := range []int{10, 16, 17, 18, 19, 60, 900} {
		for name, part := range map[string][3]string{
			"arrays":  {"[", strings.Repeat("1,", 2000) + "1", "]"},
			"objects": {`{"a":`, "{" + strings.Repeat(`"b":"<\u202e",`, 2000) + `"c":[{}]}`, "}"},
		} {
			record := strings.Repeat(part[0], depth) + part[1] + strings.Repeat(part[2], depth)
			for _, format := range render.Formats() {
				o := render.Options{Format: render.Format(format), Terminal: true}
				for way, out := range map[string]string{"list": list(t, o, "{}", record), "single": single(t, o, record, "{}")} {
					if len(out) > 40*len(record) {
						t.Errorf("%s, %s, %s, %d deep: %d bytes become %d", format, way, name, depth, len(record), len(out))
					}
					var got struct{ Data any }
					switch {
					case format == "json" && json.Unmarshal([]byte(out), &got) != nil,
						format == "yaml" && depth < 100 && name == "arrays" && yaml.Unmarshal([]byte(out), &got) != nil:
						t.Errorf("%s, %s, %s, %d deep: cannot be read: %.300s", format, way, name, depth, out)
					}
				}
			}
		}
	}
}

// TestYAMLOnOneLine checks that a reader gets back what nests too deeply for lines.
func TestYAMLOnOneLine(t *testing.T) {
	t.Parallel()
	inner := `{"a b":[1,[],{},"x, y","- z",null,"#",":"],"c":{"d":"\ud83d\ude00"}}`
	record := strings.Repeat(`{"k":[`, 15) + inner + strings.Repeat(`]}`, 15)
	var got struct{ Data []any }
	if err := yaml.Unmarshal([]byte(list(t, render.Options{Format: render.YAML}, "{}", record)), &got); err != nil {
		t.Fatal(err)
	}
	var want any
	if err := json.Unmarshal([]byte(record), &want); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(got.Data[0])
	if err != nil {
		t.Fatal(err)
	}
	var read any
	if err := json.Unmarshal(again, &read); err != nil || !reflect.DeepEqual(read, want) {
		t.Errorf("got %s, want %s", again, record)
	}
}

// TestIndentedLikeEncodingJSON compares what nests as honest records do.
func TestIndentedLikeEncodingJSON(t *testing.T) {
	t.Parallel()
	for _, data := range []string{`[]`, `{}`, `7`, ` { "a" : [ ] , "b" : [ 1 , { } , { "c" : [ [ "x" ] ] } ] } `, `[{},[],""]`} {
		var want bytes.Buffer
		if err := json.Indent(&want, []byte(strings.TrimSpace(data)), "", "  "); err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := render.Value(&got, render.Options{}, json.RawMessage(data)); err != nil || got.String() != want.String()+"\n" {
			t.Errorf("%s: got %s, want %s, %v", data, got.String(), want.String(), err)
		}
	}
}

// TestHostileTables has what a table once took minutes for, or could not show at all.
func TestHostileTables(t *testing.T) {
	t.Parallel()
	var wide []string
	for r := range 100 {
		var b strings.Builder
		for i := range 1000 {
			fmt.Fprintf(&b, `"f%d_%d":1,`, r, i)
		}
		wide = append(wide, "{"+b.String()+`"id":1}`)
	}
	text := func(s string) []string { return []string{`{"id":1,"text":"` + s + `"}`} }
	for name, records := range map[string][]string{
		"letters that grow in lower case": text("<aȺȺȺȺȺȺȺȺȺȺȺȺ>x"),
		"tags":                            text(strings.Repeat("<a>", 200_000)),
		"halves of tags":                  text(strings.Repeat("<a", 500_000)),
		"scripts":                         text(strings.Repeat("<script>", 100_000)),
		"fields":                          wide,
		"arrays in arrays":                {`{"id":1,"a":` + strings.Repeat("[1,", 900) + "1" + strings.Repeat("]", 900) + "}"},
		"many elements":                   {`{"id":1,"a":[` + strings.Repeat("1,", 1<<20) + "1]}"},
	} {
		out := list(t, render.Options{Format: render.Table, Width: 80}, "{}", records...)
		if !strings.HasPrefix(out, "ID") || len(out) > 100*(len(records)+1) {
			t.Errorf("%s: %.300s", name, out)
		}
	}
}
