package egress

import (
	"net/http"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/policy"
	"github.com/agenthost/agenthost/pdk/abi"
)

// granting is a scope that rules of allow.requests narrow.
func granting(t *testing.T, rules ...string) Scope {
	t.Helper()
	g, err := policy.New(&grant.Allow{Effects: []abi.Effect{abi.EffectRead, abi.EffectWrite}, Requests: rules})
	if err != nil {
		t.Fatal(err)
	}
	s := scope()
	s.Grant = g
	return s
}

// threat: N7
func TestAllowRequests(t *testing.T) {
	t.Parallel()
	v := newVendor(t, reply(200, "{}"))
	c := lab(t, v)
	for name, test := range map[string]struct {
		rules   []string
		req     *abi.Request
		allowed bool
	}{
		"no rules":            {nil, get("/issues"), true},
		"the path":            {[]string{"GET /issues"}, get("/issues"), true},
		"one of two rules":    {[]string{"POST /issues", "GET /issues"}, get("/issues"), true},
		"another path":        {[]string{"GET /issues"}, &abi.Request{Method: "GET", Path: "/issues/{id}", PathParams: map[string]string{"id": "7"}}, false},
		"another value":       {[]string{"GET /issues/7"}, &abi.Request{Method: "GET", Path: "/issues/{id}", PathParams: map[string]string{"id": "8"}}, false},
		"the value":           {[]string{"GET /issues/7"}, &abi.Request{Method: "GET", Path: "/issues/{id}", PathParams: map[string]string{"id": "7"}}, true},
		"another method":      {[]string{"GET /issues"}, &abi.Request{Method: "POST", Path: "/issues"}, false},
		"any method":          {[]string{"* /issues"}, &abi.Request{Method: "POST", Path: "/issues"}, true},
		"another server":      {[]string{"GET /issues"}, &abi.Request{Server: "eu", Method: "GET", Path: "/issues"}, false},
		"allowed, undeclared": {[]string{"* /users"}, get("/users"), false},
	} {
		before := len(v.requests())
		_, err := c.Send(t.Context(), granting(t, test.rules...), test.req, nil)
		sent := len(v.requests()) - before
		switch {
		case test.allowed && (err != nil || sent != 1):
			t.Errorf("%s: %v after %d requests", name, err, sent)
		case !test.allowed:
			if e := want(t, err, abi.KindDenied); e.RequestSent || sent != 0 {
				t.Errorf("%s: %#v after %d requests", name, e, sent)
			}
		}
	}
}

// A redirect leads only to what allow.requests allows.
//
// threat: N1, N7
func TestAllowRequestsOfRedirects(t *testing.T) {
	t.Parallel()
	for to, allowed := range map[string]bool{"/issues/7": true, "/issues/8": false} {
		v := newVendor(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/issues" {
				w.Header().Set("Location", to)
				w.WriteHeader(http.StatusFound)
			}
		})
		resp, err := lab(t, v).Send(t.Context(), granting(t, "GET /issues", "GET /issues/7"), get("/issues"), nil)
		if allowed {
			if err != nil || resp.Status != 200 || len(v.requests()) != 2 {
				t.Errorf("%s: %v, %v after %d requests", to, resp, err, len(v.requests()))
			}
			continue
		}
		e := want(t, err, abi.KindDenied)
		if e.Rule != RuleRedirect || !e.RequestSent || len(v.requests()) != 1 || !strings.Contains(e.Message, "the connection may not send") {
			t.Errorf("%s: %#v after %d requests", to, e, len(v.requests()))
		}
	}
}
