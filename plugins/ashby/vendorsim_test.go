package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim/ashby"
	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/pdk/pdktest"
)

// simulated runs the connector against the simulated vendor, with the credential
// that a host would add.
func simulated(t *testing.T, o ashby.Options, key string) (*ashby.Vendor, *pdktest.Runner) {
	t.Helper()
	o.Seed = 1
	if o.Scale == (ashby.Scale{}) {
		o.Scale = ashby.SmallScale()
	}
	v := ashby.New(o)
	return v, pdktest.Run(t, &connector, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.SetBasicAuth(key, "")
		v.ServeHTTP(w, r)
	}))
}

// writeNotes writes some notes about the candidate whose notes samples ask for.
func writeNotes(t *testing.T, v *ashby.Vendor, r *pdktest.Runner) {
	t.Helper()
	for i := range connector.Operations {
		op := &connector.Operations[i]
		for n := 0; op.Entity == "candidate_notes" && op.Action == "create" && n < 10; n++ {
			if _, _, err := r.Execute(op.Entity, op.Action, required(t, v, op)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// contract returns the simulated vendor's operation that a row of the tables uses.
func contract(t *testing.T, op *pdk.Operation) ashby.Operation {
	t.Helper()
	all := ashby.Operations()
	i := slices.IndexFunc(all, func(sim ashby.Operation) bool { return sim.Method == op.Method && sim.Path == op.Path })
	if i < 0 {
		t.Fatalf("the simulated vendor has no %s", op.Path)
	}
	return all[i]
}

// TestEveryOperationAgainstTheSimulatedVendor calls each operation with the least
// and with the most that the vendor takes.
func TestEveryOperationAgainstTheSimulatedVendor(t *testing.T) {
	v, r := simulated(t, ashby.Options{Token: "key"}, "key")
	writeNotes(t, v, r)
	for _, full := range []bool{false, true} {
		for i := range connector.Operations {
			op := &connector.Operations[i]
			name := op.Entity + "." + op.Action
			if full {
				name += " full"
			}
			t.Run(name, func(t *testing.T) {
				sim := contract(t, op)
				params := v.Sample(sim, full).Body
				data, meta, err := r.Execute(op.Entity, op.Action, params)
				if err != nil {
					t.Fatalf("%v\nparams %v", err, params)
				}
				if got := string(data); got == "{}" || got == "[]" && !full {
					t.Errorf("data is %s", got)
				}
				if pdk.Raw(meta).Member(metaReset).Exists() {
					t.Errorf("meta is %s", meta)
				}
				if sim.Permission != op.Permission || sim.Paginated != (op.Page != nil && !op.Page.NoLimit) || sim.Writes() == (op.Effect == pdk.Read) {
					t.Errorf("the vendor says %+v", sim)
				}
			})
		}
	}
}

// all follows the pages of a list to its end, and returns the ids of the records, in
// order, and the meta of the last page.
func all(t *testing.T, r *pdktest.Runner, op *pdk.Operation, params map[string]any) ([]string, pdk.Raw) {
	t.Helper()
	var ids []string
	params["limit"] = 7
	for range 1000 {
		data, meta, err := r.Execute(op.Entity, op.Action, params)
		if err != nil {
			t.Fatalf("%v\nparams %v", err, params)
		}
		for record := range pdk.Raw(data).Elements() {
			ids = append(ids, record.Member("id").Text())
		}
		next := pdk.Raw(meta).Member(abi.MetaNextCursor)
		if next.Kind() != pdk.JSONString {
			return ids, pdk.Raw(meta)
		}
		params["cursor"] = next.Text()
	}
	t.Fatal("the pages do not end")
	return nil, nil
}

// truth lists everything without the connector, straight from the vendor.
func truth(t *testing.T, v *ashby.Vendor, path string, body map[string]any) []string {
	t.Helper()
	var ids []string
	for range 1000 {
		b, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		q := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(b))
		q.SetBasicAuth("key", "")
		q.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		v.ServeHTTP(w, q)
		var page struct {
			Results    []struct{ ID string }
			NextCursor string
		}
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil {
			t.Fatal(err)
		}
		for _, record := range page.Results {
			ids = append(ids, record.ID)
		}
		if page.NextCursor == "" {
			return ids
		}
		body["cursor"] = page.NextCursor
	}
	t.Fatal("the pages do not end")
	return nil
}

// required are the parameters that an operation cannot do without.
func required(t *testing.T, v *ashby.Vendor, op *pdk.Operation) map[string]any {
	t.Helper()
	return v.Sample(contract(t, op), false).Body
}

// TestPagesAndSync lists everything page by page, asks for changes when there are
// none, and lists everything again when the token has become stale.
func TestPagesAndSync(t *testing.T) {
	now := time.Date(2026, 7, 26, 12, 0, 0, 0, time.UTC)
	v, r := simulated(t, ashby.Options{Token: "key", Now: func() time.Time { return now }, SyncTokenLife: time.Hour}, "key")
	writeNotes(t, v, r)
	for i := range connector.Operations {
		op := &connector.Operations[i]
		if op.Page == nil {
			continue
		}
		t.Run(op.Entity+"."+op.Action, func(t *testing.T) {
			whole, meta := all(t, r, op, required(t, v, op))
			if want := truth(t, v, op.Path, required(t, v, op)); len(whole) == 0 || !slices.Equal(whole, want) {
				t.Errorf("%d records, want %d", len(whole), len(want))
			}
			token := meta.Member("syncToken").Text()
			if op.Handle == nil {
				if token != "" {
					t.Errorf("a list that takes no syncToken answers %q", token)
				}
				return
			}
			params := required(t, v, op)
			params["syncToken"] = token
			if changed, meta := all(t, r, op, params); len(changed) != 0 || meta.Member(metaReset).Exists() || meta.Member("syncToken").Text() == "" {
				t.Errorf("%d records changed, meta is %s", len(changed), meta)
			}
			before := now
			now = now.Add(2 * time.Hour)
			defer func() { now = before }()
			params = required(t, v, op)
			params["syncToken"] = token
			again, meta := all(t, r, op, params)
			if !slices.Equal(again, whole) || !meta.Member(metaReset).Bool() || meta.Member("syncToken").Text() == "" {
				t.Errorf("%d records in place of %d, meta is %s", len(again), len(whole), meta)
			}
		})
	}
}

func TestSyncGetsWhatChanged(t *testing.T) {
	_, r := simulated(t, ashby.Options{Token: "key"}, "key")
	op := &connector.Operations[slices.IndexFunc(connector.Operations, func(op pdk.Operation) bool {
		return op.Entity == "candidates" && op.Action == "list"
	})]
	whole, meta := all(t, r, op, map[string]any{})
	data, _, err := r.Execute("candidates", "create", map[string]any{"name": "Ada Lovelace", "email": "ada@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	created := pdk.Raw(data).Member("id").Text()
	if _, _, err := r.Execute("candidates", "update", map[string]any{"candidateId": whole[0], "name": "Grace Hopper"}); err != nil {
		t.Fatal(err)
	}
	changed, _ := all(t, r, op, map[string]any{"syncToken": meta.Member("syncToken").Text()})
	slices.Sort(changed)
	want := []string{whole[0], created}
	slices.Sort(want)
	if !slices.Equal(changed, want) {
		t.Errorf("changed are %v, want %v", changed, want)
	}
}

// TestMissingPermissionIsNamed takes a key that works and may do nothing.
func TestMissingPermissionIsNamed(t *testing.T) {
	v, r := simulated(t, ashby.Options{Token: "full", Keys: []ashby.Key{{Token: "bare"}}}, "bare")
	for i := range connector.Operations {
		op := &connector.Operations[i]
		_, _, err := r.Execute(op.Entity, op.Action, v.Sample(contract(t, op), false).Body)
		var e *abi.Error
		if !errors.As(err, &e) || e.Kind != abi.KindPermissionDenied || e.RequestID == "" ||
			!strings.Contains(e.Message, op.Permission) || !strings.Contains(e.Hint, op.Permission) {
			t.Errorf("%s.%s: %+v", op.Entity, op.Action, err)
		}
	}
}

func TestCheckSaysWhatIsWrong(t *testing.T) {
	options := ashby.Options{Token: "full", Keys: []ashby.Key{{Token: "bare"}, {Token: "off", Permissions: ashby.Permissions(), Disabled: true}}}
	for key, kind := range map[string]abi.Kind{"full": "", "bare": abi.KindPermissionDenied, "off": abi.KindAuthFailed, "wrong": abi.KindAuthFailed, "": abi.KindAuthFailed} {
		_, r := simulated(t, options, key)
		data, _, err := r.Execute(connector.Check.Entity, connector.Check.Action, nil)
		if kind == "" {
			if err != nil || !slices.Contains(textsOf(pdk.Raw(data).Member("scopes")), "candidatesRead") {
				t.Errorf("key %q: %s, %v", key, data, err)
			}
			continue
		}
		var e *abi.Error
		if !errors.As(err, &e) || e.Kind != kind {
			t.Errorf("key %q: %v", key, err)
		}
	}
}

func textsOf(list pdk.Raw) []string {
	var all []string
	for e := range list.Elements() {
		all = append(all, e.Text())
	}
	return all
}

func TestRefusalsOfTheSimulatedVendor(t *testing.T) {
	_, r := simulated(t, ashby.Options{Token: "key"}, "key")
	const nobody = "00000000-0000-4000-8000-000000000000"
	for _, tt := range []struct {
		entity, action, params string
		kind                   abi.Kind
	}{
		{"candidates", "get", `{"id":"` + nobody + `"}`, abi.KindNotFound},
		{"candidates", "get", `{"id":"no UUID"}`, abi.KindInvalidParams},
		{"applications", "list", `{"cursor":"nonsense"}`, abi.KindInvalidParams},
		{"jobs", "get", `{"id":"` + nobody + `"}`, abi.KindNotFound},
		{"applications", "create", `{"candidateId":"` + nobody + `","jobId":"` + nobody + `"}`, abi.KindNotFound},
	} {
		_, _, err := r.Execute(tt.entity, tt.action, json.RawMessage(tt.params))
		var e *abi.Error
		if !errors.As(err, &e) || e.Kind != tt.kind || e.Code == "" || e.RequestID == "" || e.Hint == "" {
			t.Errorf("%s.%s %s: %+v", tt.entity, tt.action, tt.params, err)
		}
	}
}

func TestRateLimitOfTheSimulatedVendor(t *testing.T) {
	_, r := simulated(t, ashby.Options{Token: "key", RateLimit: true, RequestsPerMinute: 3}, "key")
	for range 10 {
		_, _, err := r.Execute("users", "list", map[string]any{"limit": 1})
		if err == nil {
			continue
		}
		var e *abi.Error
		if !errors.As(err, &e) || e.Kind != abi.KindRateLimited || !e.Retryable || e.RetryAfterMS <= 0 {
			t.Errorf("error is %+v", err)
		}
		return
	}
	t.Error("the limit is none")
}
