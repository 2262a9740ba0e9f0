package pdktest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
)

func TestFailureCheck(t *testing.T) {
	f := Failure{
		Name: "gone", Status: 404, Answer: `{}`, Hint: "ids",
		Want: abi.Error{Kind: abi.KindNotFound, Message: "gone", Status: 404, Hint: "not looked at"},
	}
	if got := f.Answering(Exchange{Method: "GET", URL: "/x"}); got.URL != "/x" || got.Status != 404 || got.Answer != `{}` {
		t.Errorf("the exchange is %+v", got)
	}
	for _, tt := range []struct {
		err  error
		want string
	}{
		{&abi.Error{Kind: abi.KindNotFound, Message: "gone", Status: 404, Hint: "look the ids up", RequestSent: true}, ""},
		{fmt.Errorf("wrapped: %w", &abi.Error{Kind: abi.KindNotFound, Message: "gone", Status: 404, Hint: "ids"}), ""},
		{&abi.Error{Kind: abi.KindNotFound, Message: "gone", Status: 404}, `without "ids"`},
		{&abi.Error{Kind: abi.KindConflict, Message: "gone", Status: 404, Hint: "ids"}, "want {Kind:not_found"},
		{nil, "not an *abi.Error"},
	} {
		if got := said(func(t T) { f.Check(t, tt.err) }); (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%v: %q", tt.err, got)
		}
	}
}
