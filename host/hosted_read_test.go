package host_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/airbyte"
	"github.com/agenthost/agenthost/pdk/abi"
)

// fails runs a call and returns its error.
func (l *hostedLab) fails(t *testing.T, connection string, call host.Call) *host.Error {
	t.Helper()
	result, err := l.h.Execute(t.Context(), connection, call)
	var e *host.Error
	if !errors.As(err, &e) {
		t.Fatalf("%s: %+v, %v", connection, result, err)
	}
	return e
}

// Ashby answers most failures with status 200, and Airbyte's connector hands on what Ashby
// sent. Such a failure used to be the result of a hosted call.
func TestHostedFailureWithStatus200(t *testing.T) {
	t.Parallel()
	v := ashbyOnTheWire()
	l := v.hosted(t, nil, nil)
	l.create(t, "lab")
	call := host.Call{Entity: "candidates", Action: "get", Params: host.Params{"id": "00000000-0000-4000-8000-000000000000"}}
	direct, hosted := l.fails(t, "lab", call), l.fails(t, "hosted", call)
	if direct.Kind != abi.KindNotFound || hosted.Kind != direct.Kind || hosted.Message != direct.Message || hosted.Code != direct.Code || hosted.Hint != direct.Hint || !hosted.RequestSent {
		t.Errorf("direct %#v\nhosted %#v", direct, hosted)
	}

	// The vendor's own words decide, and the hint is about the credential that Airbyte has.
	l.vendor.Inject(vendorsim.Fault{Effect: vendorsim.Respond(http.StatusOK, nil, `{"success":false,"errors":["invalid_api_key"]}`)})
	if e := l.fails(t, "hosted", call); e.Kind != abi.KindAuthFailed || !strings.Contains(e.Hint, "that Airbyte keeps") {
		t.Errorf("error = %#v", e)
	}
}

// Of a failed list Airbyte's connector makes an empty one: nothing there used to be the
// answer, and a check of the credential was content with it.
func TestHostedFailedList(t *testing.T) {
	t.Parallel()
	for _, camel := range []bool{false, true} {
		v := ashbyOnTheWire()
		l := v.hosted(t, func(o *airbyte.Options) { o.CamelCase = camel }, nil)
		l.create(t, "lab")
		refuse := func() {
			l.vendor.Inject(vendorsim.Fault{Effect: vendorsim.Respond(http.StatusOK, nil, `{"success":false,"errors":["missing_endpoint_permission"]}`)})
		}
		refuse()
		if e := l.fails(t, "hosted", host.Call{Entity: "candidates", Action: "list"}); e.Kind != abi.KindVendorError || !e.RequestSent || !strings.Contains(e.Message, "candidates.list failed at the vendor") {
			t.Errorf("error = %#v", e)
		}
		refuse()
		if result, err := l.h.Check(t.Context(), "hosted"); err == nil {
			t.Errorf("the check found %s", result.Data)
		}
		// A list that has nothing is no failure.
		l.vendor.Inject(vendorsim.Fault{Effect: vendorsim.Respond(http.StatusOK, http.Header{"Content-Type": {"application/json"}}, `{"success":true,"results":[],"moreDataAvailable":false}`)})
		result, err := l.h.Execute(t.Context(), "hosted", host.Call{Entity: "candidates", Action: "list"})
		if err != nil || string(result.Data) != "[]" || result.HasMore {
			t.Errorf("%+v, %v", result, err)
		}
	}
}

// A deletion in Pylon answers a request id and no record: that used to be the record.
func TestHostedDeletion(t *testing.T) {
	t.Parallel()
	v := pylonOnTheWire()
	l := v.hosted(t, nil, nil)
	l.create(t, "lab")
	var results [2]*host.Result
	for i, connection := range []string{"lab", "hosted"} {
		made, err := l.h.Execute(t.Context(), connection, host.Call{Entity: "issues", Action: "create", Params: host.Params{"title": "t", "body_html": "b"}, Select: []string{"id"}})
		if err != nil {
			t.Fatal(err)
		}
		var issue map[string]string
		if err := made.Decode(&issue); err != nil || len(issue) != 1 || issue["id"] == "" {
			t.Fatalf("%s created %s, %v", connection, made.Data, err)
		}
		if results[i], err = l.h.Execute(t.Context(), connection, host.Call{Entity: "issues", Action: "delete", Params: host.Params{"id": issue["id"]}}); err != nil {
			t.Fatal(err)
		}
	}
	direct, hosted := results[0], results[1]
	if !reflect.DeepEqual(decodeNumbers(t, direct.Data), decodeNumbers(t, hosted.Data)) || !strings.Contains(string(hosted.Meta), "request_id") {
		t.Errorf("direct %s %s, hosted %s %s", direct.Data, direct.Meta, hosted.Data, hosted.Meta)
	}
	if hosted.Mode != config.Hosted || hosted.Stats.Requests != 1 || hosted.Stats.Fuel == 0 {
		t.Errorf("hosted is %s, and cost %+v", hosted.Mode, hosted.Stats)
	}
}

// nothing answers null, as Airbyte's connector does where it finds no record.
type nothing struct{}

func (nothing) Run(context.Context, string, map[string]string, string, string, json.RawMessage) (data, meta json.RawMessage, err error) {
	return json.RawMessage("null"), json.RawMessage("{}"), nil
}

func TestHostedNull(t *testing.T) {
	t.Parallel()
	v := pylonOnTheWire()
	l := v.hosted(t, func(o *airbyte.Options) { o.Run = nothing{} }, nil)
	l.create(t, "lab")
	if e := l.fails(t, "hosted", host.Call{Entity: "me", Action: "get"}); e.Kind != abi.KindVendorError || !strings.Contains(e.Message, "me.get is null") || !e.RequestSent {
		t.Errorf("error = %#v", e)
	}
}
