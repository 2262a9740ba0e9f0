package pdk_test

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/pdk/pdktest"
)

// partsOf reads a body as a vendor does: "name|file|media|content" of each part.
func partsOf(t *testing.T, r pdktest.Request) []string {
	t.Helper()
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || len(params["boundary"]) > 70 {
		t.Fatalf("%q: %v", r.Header.Get("Content-Type"), err)
	}
	var parts []string
	reader := multipart.NewReader(strings.NewReader(r.Body), params["boundary"])
	for {
		p, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return parts
		}
		if err != nil {
			t.Fatalf("%v in %q", err, r.Body)
		}
		content, err := io.ReadAll(p)
		if err != nil || len(p.Header) > 2 {
			t.Fatalf("%v, %v", p.Header, err)
		}
		_, disposition, err := mime.ParseMediaType(p.Header.Get("Content-Disposition"))
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, disposition["name"]+"|"+disposition["filename"]+"|"+p.Header.Get("Content-Type")+"|"+string(content))
	}
}

func TestFormData(t *testing.T) {
	t.Parallel()
	text, list, free := pdk.String(""), pdk.Array("", pdk.String("")), pdk.Map("")
	op := pdk.Operation{Method: "POST", Path: "/things", ContentType: "multipart/form-data", Params: []pdk.Param{
		pdk.Body("title", text).As("the title"), pdk.Body("n", pdk.Integer("")).Send("3"), pdk.Body("tags", list), pdk.Body("ids", list).Style(pdk.StyleBrackets),
		pdk.Body("csv", list).Style(pdk.StyleComma), pdk.Body("rows", pdk.Array("", free)).Style(pdk.StyleIndices), pdk.Body("meta", free), pdk.Body("mode", nil).Const(`"live"`),
		pdk.Body("file", text).Base64("media").FileName("file_name"), pdk.Input("media", text), pdk.Input("file_name", text), pdk.Body("more", list).Base64("").Style(pdk.StyleBrackets),
		pdk.Body("rest", free).Whole(),
	}}
	for name, tt := range map[string]struct {
		params string
		want   []string
	}{
		"nothing": {`{}`, []string{"n|||3", "mode|||live"}},
		"everything": {
			`{"title":"ü\r\n--x","n":15,"tags":["a","b"],"ids":["1"],"csv":["c","d"],"rows":[{"a":1},{"b":[2]}],"meta":{"k":[true]},"file":"/wAKDQ==","media":"image/png","file_name":"a b.png","more":["YQ==","Yg=="],"rest":{"x":"y","z":null}}`,
			[]string{"the title|||ü\r\n--x", "n|||15", "tags|||a", "tags|||b", "ids[]|||1", "csv|||c,d", `rows[0]||application/json|{"a":1}`, `rows[1]||application/json|{"b":[2]}`, `meta||application/json|{"k":[true]}`, "mode|||live", "file|a b.png|image/png|\xff\x00\n\r", "more[]|more|application/octet-stream|a", "more[]|more|application/octet-stream|b", "x|||y"},
		},
		"a boundary inside": {
			`{"title":"\r\n--agenthost-boundary-00000000\r\n--agenthost-boundary-00000001--\r\nagenthost-boundary-zz","file":"YWdlbnRob3N0LWJvdW5kYXJ5LTAwMDAwMDAy"}`,
			[]string{"the title|||\r\n--agenthost-boundary-00000000\r\n--agenthost-boundary-00000001--\r\nagenthost-boundary-zz", "n|||3", "mode|||live", "file|file|application/octet-stream|agenthost-boundary-00000002"},
		},
		"a header in a name": {
			`{"file":"","file_name":"x\"\r\nContent-Type: text/html\r\n\r\n<b>","rest":{"a\"; filename=\"b\r\nX-Evil: 1":"v"}}`,
			[]string{"n|||3", "mode|||live", "file|x%22%0D%0AContent-Type: text/html%0D%0A%0D%0A<b>|application/octet-stream|", "a%22; filename=%22b%0D%0AX-Evil: 1|||v"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := sent(t, op, tt.params)
			if err != nil {
				t.Fatal(err)
			}
			if got := partsOf(t, r); strings.Join(got, "\x00") != strings.Join(tt.want, "\x00") {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
	for params, field := range map[string]string{
		`{"file":"YQ==","media":"text/plain\r\nX-Evil: 1"}`: "media",
		`{"file":"YQ==","media":"text/plain\u0000"}`:        "media",
		`{"file":"YQ="}`:           "file",
		`{"more":["YQ==","!"]}`:    "more",
		`{"file":"YQ==\r\n--x--"}`: "file",
	} {
		r, err := sent(t, op, params)
		var e *abi.Error
		if !errors.As(err, &e) || e.Kind != abi.KindInvalidParams || e.Field != field || r.Method != "" {
			t.Errorf("%s: %v", params, err)
		}
	}
}

// A content that holds many boundaries costs no more than its length.
func TestManyBoundaries(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 20_000 {
		b.WriteString("agenthost-boundary-")
		const hex = "0123456789abcdef"
		for shift := 28; shift >= 0; shift -= 4 {
			b.WriteByte(hex[i>>shift&15])
		}
	}
	start := time.Now()
	r, err := sent(t, pdk.Operation{Method: "POST", Path: "/things", ContentType: "multipart/form-data", Params: []pdk.Param{pdk.Body("a", pdk.String(""))}}, `{"a":"`+b.String()+`"}`)
	if err != nil || !strings.HasSuffix(r.Header.Get("Content-Type"), "boundary=agenthost-boundary-00004e20") || time.Since(start) > 20*time.Second {
		t.Errorf("%v after %v: %s", err, time.Since(start), r.Header.Get("Content-Type"))
	}
}
