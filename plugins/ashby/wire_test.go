package main

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/pdk/pdktest"
)

// wireCase is an operation with every parameter that it has, each of which must
// arrive in the body under its own name. The cases in testdata/wire.json were made
// from the vendor's specification and from Airbyte's list of operations, not from
// the tables here.
type wireCase struct {
	pdktest.WireCase
	Permission      string
	URL             string
	List, Paginated bool
	// Whole lists are answered in one piece: limit is not sent.
	Whole bool
}

// exchange is the request with params, and an answer that fits.
func (c *wireCase) exchange(t *testing.T, params map[string]json.RawMessage) pdktest.Exchange {
	t.Helper()
	if c.Whole {
		params = maps.Clone(params)
		delete(params, "limit")
	}
	body, err := json.Marshal(params)
	if err != nil {
		t.Fatal(err)
	}
	return pdktest.Exchange{Method: "POST", URL: c.URL, Body: string(body), Answer: c.answer()}
}

// answer fits the operation; its members that have no place in meta must not get
// there.
func (c *wireCase) answer() string {
	results := `{"id":"x"}`
	if c.List {
		results = `[{"id":"x"}]`
	}
	return `{"success":true,"results":` + results + `,"moreDataAvailable":true,"nextCursor":"next","syncToken":"sync","warnings":["careful"]}`
}

func wireCases(t *testing.T) []wireCase {
	t.Helper()
	return pdktest.ReadCases[wireCase](t, "testdata/wire.json")
}

func TestEveryOperationOnTheWire(t *testing.T) {
	runner := pdktest.Run(t, &connector, nil)
	for _, c := range wireCases(t) {
		t.Run(c.Name(), func(t *testing.T) {
			r := runner.With(t, pdktest.Script(t, c.exchange(t, c.Params)))
			data, meta, err := r.Execute(c.Entity, c.Action, c.Params)
			if err != nil {
				t.Fatal(err)
			}
			want := `{"id":"x"}`
			if c.List {
				want = `[{"id":"x"}]`
			}
			if string(data) != want {
				t.Errorf("data is %s, want %s", data, want)
			}
			wantMeta := `"warnings":["careful"]`
			_, sync := c.Params["syncToken"]
			switch {
			case sync:
				wantMeta = `"cursor":"next","syncToken":"sync",` + wantMeta + `,"next_cursor":"next","has_more":true`
			case c.Paginated:
				wantMeta = `"cursor":"next",` + wantMeta + `,"next_cursor":"next","has_more":true`
			}
			if string(meta) != "{"+wantMeta+"}" {
				t.Errorf("meta is %s, want {%s}", meta, wantMeta)
			}
			if got := r.Requests()[0].Header.Get("Content-Type"); got != "application/json" {
				t.Errorf("Content-Type is %q", got)
			}
		})
	}
}

func TestOnlyRequiredParameters(t *testing.T) {
	runner := pdktest.Run(t, &connector, nil)
	for _, c := range wireCases(t) {
		t.Run(c.Name(), func(t *testing.T) {
			runner.With(t, pdktest.Script(t, c.exchange(t, c.Least()))).CheckLeast(c.WireCase)
			for _, name := range c.AnyOf {
				alone := c.Least()
				for _, other := range c.AnyOf {
					delete(alone, other)
				}
				alone[name] = c.Params[name]
				r := runner.With(t, pdktest.Script(t, c.exchange(t, alone)))
				if _, _, err := r.Execute(c.Entity, c.Action, alone); err != nil {
					t.Errorf("with %s alone: %v", name, err)
				}
			}
		})
	}
}

func TestOperationsAreExactlyThese(t *testing.T) {
	var want []string
	for _, c := range wireCases(t) {
		want = append(want, c.Name())
	}
	if len(want) != 62 {
		t.Errorf("%d operations are wanted", len(want))
	}
	pdktest.Run(t, &connector, nil).CheckOperations(want...)
}

// TestTablesSayWhatTheFactsSay keeps the tables from growing parameters that the
// facts do not have, and from losing what the facts have.
func TestTablesSayWhatTheFactsSay(t *testing.T) {
	r := pdktest.Run(t, &connector, nil)
	for _, c := range wireCases(t) {
		r.CheckParameters(c.WireCase)
		name, op := c.Name(), r.Operation(c.Entity, c.Action)
		for _, p := range op.Parameters() {
			if (p.In != pdk.InBody) != (c.Whole && p.Name == "limit") || p.Wire != p.Name {
				t.Errorf("%s sends %s elsewhere or under another name", name, p.Name)
			}
		}
		if op.Permission != c.Permission {
			t.Errorf("%s needs %s, want %s", name, op.Permission, c.Permission)
		}
		if paginated := op.Page != nil; paginated != c.Paginated {
			t.Errorf("%s is paginated: %v", name, paginated)
		}
		said := strings.Contains(op.Description, "does not paginate this list")
		if c.List && said == (c.Paginated && !c.Whole) {
			t.Errorf("%s is paginated: %v, and its description says otherwise: %s", name, c.Paginated, op.Description)
		}
	}
}

func TestValuesOfSeveralTypes(t *testing.T) {
	r := pdktest.Run(t, &connector, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"success":true,"results":{}}`)) }))
	try := func(entity, action, params, name, value string) error {
		_, _, err := r.Execute(entity, action, json.RawMessage(`{`+params+`,"`+name+`":`+value+`}`))
		return err
	}
	for value, valid := range map[string]bool{
		`true`: true, `1.50`: true, `"2026-06-01T09:30:00Z"`: true, `["a","b"]`: true, `{"value":5,"currencyCode":"EUR"}`: true,
		`{"type":"compensation-range","minValue":1,"maxValue":2,"currencyCode":"EUR","interval":"1 YEAR"}`: true,
		`{"interval":"1 AEON"}`: false, `{"other":1}`: false, `[1]`: false,
	} {
		err := try("custom_fields", "set_value", `"objectId":"o","objectType":"Job","fieldId":"f"`, "fieldValue", value)
		if (err == nil) != valid {
			t.Errorf("fieldValue %s: %v", value, err)
		}
		if sent := r.Requests(); valid && !strings.HasSuffix(sent[len(sent)-1].Body, `"fieldValue":`+value+`}`) {
			t.Errorf("fieldValue %s became %s", value, sent[len(sent)-1].Body)
		}
	}
	for value, valid := range map[string]bool{
		`"text"`: true, `{"type":"text/html","value":"<b>x</b>"}`: true, `{"type":"text/markdown","value":"x"}`: false, `7`: false, `""`: false,
	} {
		if err := try("candidate_notes", "create", `"candidateId":"c"`, "note", value); (err == nil) != valid {
			t.Errorf("note %s: %v", value, err)
		}
	}
}

// TestNoneOfSeveralIsRefused leaves out all of the parameters of which one is needed, or
// leaves them empty. Nothing is sent then.
func TestNoneOfSeveralIsRefused(t *testing.T) {
	r := pdktest.Run(t, &connector, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") }))
	needy := 0
	for _, c := range wireCases(t) {
		if len(c.AnyOf) == 0 {
			continue
		}
		needy++
		none, empty := c.Least(), c.Least()
		for _, name := range c.AnyOf {
			delete(none, name)
			empty[name] = json.RawMessage(`""`)
		}
		for _, params := range []map[string]json.RawMessage{none, empty} {
			_, _, err := r.Execute(c.Entity, c.Action, params)
			var e *abi.Error
			if !errors.As(err, &e) || e.Kind != abi.KindInvalidParams || e.Field == "" {
				t.Errorf("%s with %s: %v", c.Name(), params, err)
			}
		}
	}
	if needy < 4 {
		t.Errorf("%d operations need one of several parameters", needy)
	}
}
