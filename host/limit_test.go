package host_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
)

// Some lists of Pylon and Ashby have no limit at the vendor. The host keeps it to itself and
// cuts the vendor's page: a caller gets as many records as it asked for, learns truthfully
// whether there are more, and gets every record once by the cursors.
func TestLimitThatTheVendorLacks(t *testing.T) {
	t.Parallel()
	p := pylonOnTheWire()
	// More contacts than the vendor gives per page.
	p.vendor = pylon.New(pylon.Options{Token: token, Scale: func() pylon.Scale { s := pylon.SmallScale(); s.Contacts = 130; return s }()})
	lists := map[string][]string{
		"pylon": {"contacts", "users", "user_roles", "teams", "tags", "ticket_forms", "custom_fields"},
		"ashby": {"job_postings", "sources", "archive_reasons", "interview_stages", "job_boards", "communication_templates"},
	}
	for _, v := range []wireVendor{p, ashbyOnTheWire()} {
		h, server := v.open(t)
		operations, err := h.Operations(t.Context(), "lab")
		if err != nil {
			t.Fatal(err)
		}
		for _, entity := range lists[v.connector] {
			t.Run(entity, func(t *testing.T) {
				i := slices.IndexFunc(operations, func(op host.Operation) bool { return op.Entity == entity && op.Action == "list" })
				call := func(params host.Params) host.Call {
					switch entity {
					case "custom_fields":
						params["object_type"] = "issue"
					case "interview_stages":
						plans, err := h.Execute(t.Context(), "lab", host.Call{Entity: "interview_plans", Action: "list"})
						if err != nil {
							t.Fatal(err)
						}
						id, _, _ := rawjson.Pointer(plans.Data, "/0/id")
						params["interviewPlanId"] = rawjson.Unquote(id)
					}
					return host.Call{Entity: entity, Action: "list", Params: params}
				}
				if !operations[i].Paginated {
					t.Fatal("it is not paginated")
				}
				whole := records(t, h, call(host.Params{}))
				for _, limit := range []int{1, 2, len(whole), len(whole) + 1} {
					if limit < len(whole)/20 {
						limit = len(whole) / 4
					}
					first, err := h.Execute(t.Context(), "lab", call(host.Params{"limit": limit}))
					if err != nil {
						t.Fatal(err)
					}
					// Contacts fill more than one page of the vendor.
					want := min(limit, len(whole), 100)
					more := len(whole) > want
					if rawjson.Count(first.Data) != want || first.HasMore != more || (first.NextCursor != "") != more {
						t.Errorf("limit %d of %d: %d records, more %t, cursor %q", limit, len(whole), rawjson.Count(first.Data), first.HasMore, first.NextCursor)
					}
					if got := records(t, h, call(host.Params{"limit": limit})); !slices.Equal(got, whole) {
						t.Errorf("pages of %d have %d records, want %d", limit, len(got), len(whole))
					}
				}
				for _, r := range server.Requests() {
					if r.Path == "/interviewPlan.list" {
						continue
					}
					query, err := url.ParseQuery(r.RawQuery)
					if all := r.RawQuery + string(r.Body); err != nil || query.Has("limit") || strings.Contains(all, `"limit"`) || strings.Contains(all, "agenthost") {
						t.Errorf("sent %s", all)
					}
				}
			})
		}
	}
}

// A recording of such a call is of what the connector did, and replays as that.
func TestRecordingOfACutPage(t *testing.T) {
	t.Parallel()
	v := pylonOnTheWire()
	h, _ := v.open(t)
	first, err := h.Execute(t.Context(), "lab", host.Call{Entity: "users", Action: "list", Params: host.Params{"limit": 2}})
	if err != nil {
		t.Fatal(err)
	}
	second, tape, err := h.Record(t.Context(), "lab", host.Call{Entity: "users", Action: "list", Params: host.Params{"limit": 2, "cursor": first.NextCursor}})
	if err != nil || rawjson.Count(second.Data) != 2 || rawjson.Count(tape.Data) <= 4 || strings.Contains(string(tape.Call.Params), "agenthost") {
		t.Fatalf("%s of %s, %v", second.Data, tape.Call.Params, err)
	}
	if differences, err := h.Replay(t.Context(), tape); err != nil || len(differences) > 0 {
		t.Errorf("%v, %v", differences, err)
	}
}

// A cursor of the host's that was changed is refused before anything is sent.
func TestCursorOfACutPage(t *testing.T) {
	t.Parallel()
	v := pylonOnTheWire()
	h, server := v.open(t)
	for _, cursor := range []string{"agenthost-part.", "agenthost-part.x.", "agenthost-part.0.c", "agenthost-part.99999999."} {
		_, err := h.Execute(t.Context(), "lab", host.Call{Entity: "users", Action: "list", Params: host.Params{"cursor": cursor}})
		if err == nil || !strings.Contains(err.Error(), "not from an earlier page") {
			t.Errorf("%s: %v", cursor, err)
		}
	}
	if n := len(server.Requests()); n > 0 {
		t.Errorf("%d requests were sent", n)
	}
}
