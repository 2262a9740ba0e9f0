package ashby

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Every operation must answer a request with just what is required, and one with everything it takes.
func TestEveryOperationAnswers(t *testing.T) {
	t.Parallel()
	for _, full := range []bool{false, true} {
		v := small(t)
		for _, op := range Operations() {
			t.Run(fmt.Sprintf("%s full=%v", op.ID, full), func(t *testing.T) {
				sample := v.Sample(op, full)
				rep := do(t, v, op.Path, sample.Body)
				if rep.status != 200 || !rep.body.Success {
					t.Fatalf("%s %v: %d %s", op.Path, sample, rep.status, rep.raw)
				}
				if (rep.body.More != nil) != (op.Paginated || op.Path == "/source.list") {
					t.Errorf("moreDataAvailable in the answer: %v", rep.body.More != nil)
				}
				if (rep.body.SyncToken != "" || rep.body.Next != "") != op.Sync && !(op.Paginated && !op.Sync) {
					t.Errorf("syncToken %q, nextCursor %q", rep.body.SyncToken, rep.body.Next)
				}
				if len(rep.body.Warnings) > 0 {
					t.Errorf("warnings %v", rep.body.Warnings)
				}
				if full {
					for _, p := range op.Body {
						if _, there := sample.Body[p.Name]; !there && p.Name != "cursor" {
							t.Errorf("a full sample without %s", p.Name)
						}
					}
				}
			})
		}
	}
}

// Samples stay good however often they are used, and whatever the seed.
func TestSamplesDoNotWearOut(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		v := small(t, func(o *Options) { o.Seed, o.Scale.Applications = seed, 12 })
		for round := range 12 {
			for _, op := range Operations() {
				if rep := do(t, v, op.Path, v.Sample(op, round%3 != 0).Body); !rep.body.Success {
					t.Fatalf("seed %d, round %d, %s: %s", seed, round, op.Path, rep.raw)
				}
			}
		}
	}
	v := New(Options{Token: fullToken, Seed: 3})
	for _, op := range Operations() {
		if rep := do(t, v, op.Path, v.Sample(op, true).Body); !rep.body.Success {
			t.Errorf("default scale, real clock, %s: %s", op.Path, rep.raw)
		}
	}
}

// Leaving out any required parameter must be refused, and so must a parameter that the operation does not have, a wrong
// type, and null where it means nothing.
func TestEveryOperationIsStrict(t *testing.T) {
	t.Parallel()
	v := small(t)
	refuses := func(op Operation, body m, says string) {
		t.Helper()
		if rep := do(t, v, op.Path, body); rep.status != 200 || rep.body.ErrorInfo.Code != codeInvalidInput || !strings.Contains(rep.body.ErrorInfo.Message, says) {
			t.Errorf("%s %v: %d %s, want invalid_input about %s", op.ID, body, rep.status, rep.raw, says)
		}
	}
	for _, op := range Operations() {
		for _, p := range op.Body {
			if p.Required {
				s := v.Sample(op, true)
				delete(s.Body, p.Name)
				refuses(op, s.Body, p.Name)
			}
			s := v.Sample(op, false)
			s.Body[p.Name] = nil
			if p.Nullable {
				if rep := do(t, v, op.Path, s.Body); !rep.body.Success {
					t.Errorf("%s with null for %s: %s", op.ID, p.Name, rep.raw)
				}
			} else {
				refuses(op, s.Body, p.Name)
			}
			if strings.Contains(p.Type, "|") {
				continue
			}
			wrong := any(m{"a": "b"})
			if p.Type == "object" {
				wrong = "a"
			}
			s.Body[p.Name] = wrong
			refuses(op, s.Body, p.Name+" must be")
		}
		if len(op.AnyOf) > 0 {
			s := v.Sample(op, false)
			for _, name := range op.AnyOf {
				delete(s.Body, name)
			}
			refuses(op, s.Body, strings.Join(op.AnyOf, " or "))
		}
		s := v.Sample(op, false)
		s.Body["surprise"] = "1"
		refuses(op, s.Body, "surprise")
	}
}

// A key that lacks the one permission that an operation needs must be refused, and one that has only it must not.
func TestEveryOperationNeedsItsPermission(t *testing.T) {
	t.Parallel()
	v := small(t, func(o *Options) {
		for _, p := range Permissions() {
			o.Keys = append(o.Keys, Key{Token: "only-" + p, Permissions: []string{p}})
			var others []string
			for _, q := range Permissions() {
				if q != p {
					others = append(others, q)
				}
			}
			o.Keys = append(o.Keys, Key{Token: "without-" + p, Permissions: others})
		}
	})
	for _, op := range Operations() {
		body := v.Sample(op, false).Body
		if rep := do(t, v, op.Path, body, "Authorization", basic("only-"+op.Permission+":")); !rep.body.Success {
			t.Errorf("%s with %s alone: %s", op.ID, op.Permission, rep.raw)
		}
		rep := do(t, v, op.Path, body, "Authorization", basic("without-"+op.Permission+":"))
		if rep.status != http.StatusForbidden || rep.body.ErrorInfo.Code != codeMissingPermission || !strings.Contains(rep.body.ErrorInfo.Message, op.Permission) {
			t.Errorf("%s without %s: %d %s", op.ID, op.Permission, rep.status, rep.raw)
		}
		rep = do(t, v, op.Path, body, "Authorization", basic(readToken+":"))
		if rep.body.Success == op.Writes() {
			t.Errorf("%s with the read token: %s", op.ID, rep.raw)
		}
	}
}
