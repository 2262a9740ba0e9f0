package policy_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/agenthost/agenthost/internal/policy"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what was decided into the golden files")

// question is a file of testdata/decide. The decision is that on the request, if there is
// one, otherwise that on the operation and then on its parameters.
type question struct {
	// Comment says what the case is about.
	Comment   string
	Allow     *grant.Allow
	Operation abi.Operation
	Params    json.RawMessage
	Request   *struct {
		policy.Request
		Origin string
	}
	Chosen string
}

func (q *question) decide() (grant.Decision, error) {
	g, err := policy.New(q.Allow)
	if err != nil {
		return grant.Decision{}, err
	}
	if q.Request != nil {
		r := q.Request.Request
		if r.Origin, err = origin.Parse(q.Request.Origin); err != nil {
			return grant.Decision{}, err
		}
		return g.Request(policy.Declared{Requests: q.Operation.Requests, Chosen: q.Chosen}, &r), nil
	}
	d := g.Operation(&q.Operation)
	if d.Allowed && q.Params != nil {
		d = g.Arguments(&q.Operation, q.Params)
	}
	return d, nil
}

// TestDecide decides on every file of testdata/decide; a new file there is a new case.
// threat: A15, N16, A7
func TestDecide(t *testing.T) {
	files, err := filepath.Glob("testdata/decide/*.json")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var q question
			if err := json.Unmarshal(text, &q); err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			d, err := q.decide()
			if err != nil {
				fmt.Fprintln(&got, err)
			} else {
				encoder := json.NewEncoder(&got)
				encoder.SetEscapeHTML(false)
				encoder.SetIndent("", "  ")
				if err := encoder.Encode(d); err != nil {
					t.Fatal(err)
				}
				if !d.Allowed && (d.Rule == "" || d.Why == "" || d.Permit == "") {
					t.Errorf("a denial does not say why: %+v", d)
				}
			}
			golden := strings.TrimSuffix(file, ".json") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("%s (-want +got)\n%s", q.Comment, diff)
			}
		})
	}
}

func ExampleGrant_Operation() {
	readOnly, err := policy.New(&grant.Allow{Effects: []abi.Effect{abi.EffectRead}})
	if err != nil {
		fmt.Println(err)
	}
	create := &abi.Operation{Entity: "issues", Action: "create", Effect: abi.EffectWrite}
	d := readOnly.Operation(create)
	fmt.Println(d.Allowed)
	fmt.Println(d.Denied("audit", create).Message)
	fmt.Println(d.Permit)
	// Output:
	// false
	// connection audit may not run issues.create: its effect is write, by allow: {effects: [read]}
	// add issues.create to allow.operations of the connection, if a person agrees
}

func ExampleGrant_Arguments() {
	g, err := policy.New(&grant.Allow{
		Operations: []string{"issues.create"},
		Params:     map[string]map[string]grant.ParamRule{"issues.create": {"team_id": {Values: []any{"support", "sales"}}}},
	})
	if err != nil {
		fmt.Println(err)
	}
	create := &abi.Operation{Entity: "issues", Action: "create", Effect: abi.EffectWrite}
	fmt.Println(g.Arguments(create, []byte(`{"team_id":"s\u0061les","title":"Hello"}`)).Allowed)
	d := g.Arguments(create, []byte(`{"team_id":"board","title":"Hello"}`))
	fmt.Println(d.Allowed, d.Why)
	fmt.Println(d.Permit)
	// Output:
	// true
	// false team_id must be one of "support", "sales"
	// add the value to allow.params.issues.create.team_id of the connection, if a person agrees
}

func ExampleGrant_Request() {
	g, err := policy.New(&grant.Allow{
		Effects:  []abi.Effect{abi.EffectRead},
		Requests: []string{"GET /repos/acme/{repo}"},
	})
	if err != nil {
		fmt.Println(err)
	}
	declared := policy.Declared{Chosen: "main", Requests: []abi.RequestTemplate{{Method: "GET", Path: "/repos/{owner}/{repo}"}}}
	request := policy.Request{Server: "main", Method: "GET", Template: "/repos/{owner}/{repo}", Path: "/repos/attacker/loot"}
	fmt.Println(g.Request(declared, &request).Refusal().Message)
	// Output: the connection may not send "GET /repos/attacker/loot"
}

func TestNewRefuses(t *testing.T) {
	read := []abi.Effect{abi.EffectRead}
	rule := func(r grant.ParamRule) *grant.Allow {
		return &grant.Allow{Effects: read, Params: map[string]map[string]grant.ParamRule{"a.b": {"p": r}}}
	}
	for name, test := range map[string]struct {
		allow       *grant.Allow
		field, part string
	}{
		"rules and nothing allowed":    {&grant.Allow{Requests: []string{"GET /x"}}, "", "allows no operation"},
		"neither values nor pattern":   {rule(grant.ParamRule{Optional: true}), "params.a.b.p", "neither"},
		"values and pattern":           {rule(grant.ParamRule{Values: []any{1}, Pattern: "x"}), "params.a.b.p", "both"},
		"bad pattern":                  {rule(grant.ParamRule{Pattern: "("}), "params.a.b.p", "not a regular expression"},
		"pattern that closes brackets": {rule(grant.ParamRule{Pattern: "a)|(?:.*"}), "params.a.b.p", "not a regular expression"},
		"a list as a value":            {rule(grant.ParamRule{Values: []any{[]any{1}}}), "params.a.b.p", "list or an object"},
		"no path":                      {&grant.Allow{Effects: read, Requests: []string{"GET"}}, "requests[0]", "not a method and a path"},
		"unknown method":               {&grant.Allow{Effects: read, Requests: []string{"GET /x", "TRACE /x"}}, "requests[1]", "not a supported method"},
		"relative path":                {&grant.Allow{Effects: read, Requests: []string{"GET x"}}, "requests[0]", "slash"},
		"dots":                         {&grant.Allow{Effects: read, Requests: []string{"GET /a/../b"}}, "requests[0]", `".."`},
		"URL without a path":           {&grant.Allow{Effects: read, Requests: []string{"GET https://a.example"}}, "requests[0]", "no path"},
		"URL with a user":              {&grant.Allow{Effects: read, Requests: []string{"GET https://a.example@evil.example/x"}}, "requests[0]", "user name"},
	} {
		_, err := policy.New(test.allow)
		var e *abi.Error
		if !errors.As(err, &e) || e.Field != test.field || !strings.Contains(e.Message, test.part) || e.Hint == "" {
			t.Errorf("%s: %#v", name, err)
		}
	}
}
