package pdk_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/pdk/pdktest"
)

// ErrorBody reads what the vendor says of a failure, and Shorten bounds it.
func ExampleErrorBody() {
	c := with(pdk.Operation{Method: "GET", Path: "/things"})
	c.Error = func(r *pdk.Response) *abi.Error {
		e := pdk.StatusError(r)
		if says := pdk.ErrorBody(r).Member("error").Text(); says != "" {
			e.Message = r.Vendor + ": " + pdk.Shorten(says, 20)
		}
		return e
	}
	for _, answer := range []string{`{"error":"no such thing in any of our warehouses"}`, `<html>Not here</html>`} {
		r := pdktest.Run(printer{}, c, pdktest.Script(printer{}, pdktest.Exchange{Method: "GET", URL: "/things", Status: 404, Answer: answer}))
		_, _, err := r.Execute("things", "do", nil)
		fmt.Println(err)
	}
	// Output:
	// not_found: Thing: no such thing in any...
	// not_found: Thing answered with status 404
}

func TestErrorBody(t *testing.T) {
	for answer, want := range map[string]string{
		`{"error":"odd"}`: "odd",
		``:                "",
		`["error"]`:       "",
		`<html>`:          "",
		`{"error":"odd","more":"` + strings.Repeat("x", 64<<10) + `"}`: "",
	} {
		c := with(pdk.Operation{Method: "GET", Path: "/things"})
		c.Error = func(r *pdk.Response) *abi.Error {
			return &abi.Error{Kind: abi.KindConflict, Message: pdk.ErrorBody(r).Member("error").Text()}
		}
		r := pdktest.Run(t, c, pdktest.Script(t, pdktest.Exchange{Method: "GET", URL: "/things", Status: 409, Answer: answer}))
		_, _, err := r.Execute("things", "do", nil)
		if got := "conflict: " + want; err == nil || err.Error() != got {
			t.Errorf("%.30q: %v, want %s", answer, err, got)
		}
	}
}

func TestShorten(t *testing.T) {
	for _, tt := range []struct {
		text string
		most int
		want string
	}{
		{"", 0, ""},
		{"short", 5, "short"},
		{"longer", 5, "longe..."},
		{"aüü", 5, "aüü"},
		{"aüü", 4, "aü..."},
		{"üü", 1, "..."},
		{"ü", 0, "..."},
		{"x", -1, "..."},
		{"\x80\x80\x80", 2, "..."},
	} {
		if got := pdk.Shorten(tt.text, tt.most); got != tt.want {
			t.Errorf("%q to %d bytes: %q, want %q", tt.text, tt.most, got, tt.want)
		}
	}
}
