package host_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/ask"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/pdk/abi"
)

// arrivedAsPlanned compares a request that a vendor got with the plan of the call, byte for byte.
// Not in the plan are the credential, which it has the place of, the request's id, and Content-Length.
func arrivedAsPlanned(t *testing.T, plan *ask.Plan, got *vendorsim.Request) {
	t.Helper()
	if len(plan.Requests) != 1 {
		t.Fatalf("the plan has %d requests", len(plan.Requests))
	}
	want := plan.Requests[0]
	url := "http://" + got.Host + got.Path
	if got.RawQuery != "" {
		url += "?" + got.RawQuery
	}
	header := got.Header.Clone()
	for _, place := range want.Credential {
		if header.Get(place.Name) == "" {
			t.Errorf("no credential in %s %s", place.In, place.Name)
		}
		header.Del(place.Name)
	}
	if header.Get("X-Request-Id") == "" || len(want.Credential) == 0 {
		t.Errorf("the request has no id, or the plan no credential: %v", want.Credential)
	}
	for _, name := range []string{"X-Request-Id", "Content-Length"} {
		header.Del(name)
	}
	planned := make(http.Header)
	for _, line := range want.Header {
		planned[line[0]] = append(planned[line[0]], line[1])
	}
	if got.Method != want.Method || url != want.URL || !bytes.Equal(got.Body, want.Body) || !maps.EqualFunc(header, planned, slices.Equal) {
		t.Errorf("planned %s %s %v %s\n   sent %s %s %v %s", want.Method, want.URL, planned, want.Body, got.Method, url, header, got.Body)
	}
}

// asks is a store in memory for tests, in which a person answers at once.
type asks struct {
	mu     sync.Mutex
	byID   map[string]*ask.Ask
	answer func(*ask.Ask) ask.State // of a new ask
	uses   int
}

func (s *asks) Propose(_ context.Context, a ask.Ask) (ask.Ask, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, known := range s.byID {
		if known.Digest == a.Digest && known.State != ask.Used {
			return *known, nil
		}
	}
	if s.byID == nil {
		s.byID = make(map[string]*ask.Ask)
	}
	a.ID = "ask" + strconv.Itoa(len(s.byID))
	a.State = s.answer(&a)
	s.byID[a.ID] = &a
	return a, nil
}

func (s *asks) Find(_ context.Context, _, id string) (ask.Ask, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.byID[id]; a != nil {
		return *a, nil
	}
	return ask.Ask{}, ask.ErrUnknown
}

func (s *asks) Use(_ context.Context, _, id, digest string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.byID[id]
	if a == nil || a.State != ask.Approved || a.Digest != digest {
		return ask.ErrNotApproved
	}
	a.State = ask.Used
	s.uses++
	return nil
}

func yes(*ask.Ask) ask.State     { return ask.Approved }
func nobody(*ask.Ask) ask.State  { return ask.Pending }
func refuses(*ask.Ask) ask.State { return ask.Refused }

// TestApprovedOnTheWire: each write of each connector sends nothing without a yes, and with one exactly
// what the person saw.
func TestApprovedOnTheWire(t *testing.T) {
	t.Parallel()
	for _, v := range []wireVendor{pylonOnTheWire(), ashbyOnTheWire(), incidentioOnTheWire()} {
		t.Run(v.connector, func(t *testing.T) {
			t.Parallel()
			store := &asks{answer: nobody}
			h, server := v.open(t, func(o *host.Options) {
				o.Asks = store
				for name, c := range o.Connections.(host.StaticConnections) {
					c.Allow = &config.Allow{Effects: []abi.Effect{"read", "write", "delete"}, Ask: []string{"write", "delete"}}
					o.Connections.(host.StaticConnections)[name] = c
				}
			})
			contracts := make(map[string]wireContract)
			for _, c := range v.contracts {
				contracts[c.method+" "+anonymous(c.path)] = c
			}
			operations, err := h.Operations(t.Context(), "lab")
			if err != nil {
				t.Fatal(err)
			}
			writes := 0
			for _, op := range operations {
				if op.Effect == abi.EffectRead {
					continue
				}
				writes++
				contract := contracts[op.Requests[0].Method+" "+anonymous(op.Requests[0].Path)]
				params, _, _ := v.split(t, op.Params, contract, contract.sample(true), op.Requests[0].Path)
				connection := "lab"
				if contract.other {
					connection = "other"
				}
				call := host.Call{Entity: op.Entity, Action: op.Action, Params: params}
				server.Reset()
				store.byID, store.uses, store.answer = nil, 0, nobody
				_, err := h.Execute(t.Context(), connection, call)
				var e *host.Error
				if !errors.As(err, &e) || e.Code != abi.CodeNeedsApproval || e.Ask != "ask0" || len(server.Requests()) != 0 {
					t.Fatalf("%s.%s: %v with %d requests", op.Entity, op.Action, err, len(server.Requests()))
				}
				asked := store.byID["ask0"]
				asked.State = ask.Approved
				_, err = h.Execute(t.Context(), connection, call)
				if requests := server.Requests(); err != nil || len(requests) != 1 || store.uses != 1 {
					t.Errorf("%s.%s: %v with %d requests, used %d times", op.Entity, op.Action, err, len(requests), store.uses)
				} else {
					arrivedAsPlanned(t, &asked.Plan, &requests[0])
				}
				if _, err = h.Execute(t.Context(), connection, call); !errors.As(err, &e) || e.Code != abi.CodeNeedsApproval || len(server.Requests()) != 1 {
					t.Errorf("%s.%s once more: %v", op.Entity, op.Action, err)
				}
				store.answer = refuses
				for _, a := range store.byID {
					a.State = ask.Refused
				}
				if _, err = h.Execute(t.Context(), connection, call); !errors.As(err, &e) || e.Kind != abi.KindDenied || e.Code != "" || len(server.Requests()) != 1 {
					t.Errorf("%s.%s refused: %v", op.Entity, op.Action, err)
				}
			}
			t.Logf("%d writes", writes)
		})
	}
}

var mutations = flag.Int("mutations", 1000, "how many changes of an approved call TestMutatedCalls makes")

// TestMutatedCalls: whatever is changed in an approved call, it is not the approved one.
func TestMutatedCalls(t *testing.T) {
	t.Parallel()
	v := pylonOnTheWire()
	store := &asks{}
	h, server := v.open(t, func(o *host.Options) {
		o.Asks = store
		c := o.Connections.(host.StaticConnections)["lab"]
		c.Allow = &config.Allow{Effects: []abi.Effect{"read", "write", "delete"}, Ask: []string{"write", "delete"}}
		o.Connections = host.StaticConnections{"lab": c, "twin": c}
	})
	original := map[string]any{"title": "Login fails", "body_html": "<p>It does</p>", "tags": []any{"bug", "login"}, "requester_email": "a@b.example"}
	store.answer = yes
	plan, err := h.Plan(t.Context(), "lab", host.Call{Entity: "issues", Action: "create", Params: original})
	if err != nil {
		t.Fatal(err)
	}
	approved, _ := store.Propose(t.Context(), ask.Ask{Plan: *plan, Digest: plan.Digest()})
	store.answer = nobody
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	kinds := make(map[string]int)
	for i := range *mutations {
		connection, call := "lab", host.Call{Entity: "issues", Action: "create"}
		params := maps.Clone(original)
		switch names := slices.Sorted(maps.Keys(params)); random.IntN(8) {
		case 0:
			connection = "twin"
		case 1:
			call.Action, params = "delete", map[string]any{"id": "iss_1"}
		case 2:
			delete(params, names[random.IntN(len(names))])
		case 3:
			params["tags"] = []any{"login", "bug"}
		case 4:
			params["account_id"] = fmt.Sprint("acc_", random.IntN(1000))
		case 5:
			call.Credentials = map[string]secret.Value{"api_token": secret.New([]byte(token))}
		case 6:
			call.Principal = host.Principal{Workspace: "other", Scopes: []host.Scope{"read", "write", "delete"}}
		default: // one byte of a text
			name := []string{"title", "body_html"}[random.IntN(2)]
			text := []byte(original[name].(string))
			at := random.IntN(len(text))
			text[at] ^= byte(1 << random.IntN(5))
			params[name] = string(text)
		}
		call.Params = params
		store.mu.Lock()
		maps.DeleteFunc(store.byID, func(id string, _ *ask.Ask) bool { return id != approved.ID })
		store.mu.Unlock()
		_, err := h.Execute(t.Context(), connection, call)
		var e *host.Error
		if !errors.As(err, &e) || len(server.Requests()) != 0 {
			t.Fatalf("mutation %d, %v of %s: %v, %d requests", i, call, connection, err, len(server.Requests()))
		}
		kinds[string(e.Kind)+" "+e.Code]++
	}
	t.Logf("%v", kinds)
	if kinds["denied needs_approval"] < *mutations/2 {
		t.Errorf("most changes did not get as far as the question: %v", kinds)
	}
	if _, err := h.Execute(t.Context(), "lab", host.Call{Entity: "issues", Action: "create", Params: original}); err != nil && len(server.Requests()) == 0 {
		t.Errorf("the approved call: %v", err)
	}
}
