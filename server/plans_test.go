package server

import (
	"net/http"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/pdk/abi"
)

// A call in allow.ask waits for an operator, and no token of who asks can answer.
//
// threat: S6, A4
func TestPlans(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(o *Options) {
		pylon := o.Connectors["pylon"]
		pylon.Allow = &config.Allow{Effects: []abi.Effect{"read", "write", "delete"}, Ask: []string{"write", "delete"}}
		o.Connectors = map[string]host.Connection{"pylon": pylon}
	})
	id := l.create("acme", "Pylon")
	run := at(airbyteapi.ExecutePath, id)
	l.writes()
	f := l.fails(l.ask(http.MethodPost, run, l.token, newTeam, keyHeader, "k1"), http.StatusForbidden, "a person must approve this call")
	if f.Code() != abi.CodeNeedsApproval || l.writes() != 0 {
		t.Errorf("code %s", f.Code())
	}
	var found planRecords
	l.ok(l.ask(http.MethodGet, plansPath+"?workspace_name=acme", l.token, nil), &found)
	if len(found.Data) != 1 || found.Data[0].State != "pending" || !strings.Contains(found.Data[0].Text, "POST "+l.vendor.URL+"/teams") {
		t.Fatalf("%+v", found)
	}
	p := found.Data[0]
	w, err := l.s.store.WorkspaceByName(t.Context(), store.Scope{Organization: l.first.Organization}, "acme")
	if err != nil {
		t.Fatal(err)
	}
	answer := filled(adminapi.PlanAnswerPath, w.Organization, w.ID, p.ID)
	yes := adminapi.PlanAnswer{Digest: p.Digest, Answer: "approve"}
	viewer, operator := l.operator(store.RoleViewer), l.operator(store.RoleOperator)
	for name, token := range map[string]string{"application": l.token, "workspace": l.scoped("acme"), "viewer": viewer} {
		if r := l.ask(http.MethodPost, answer, token, yes); r.status != http.StatusUnauthorized && r.status != http.StatusForbidden {
			t.Errorf("%s answers: %d %s", name, r.status, r.body)
		}
	}
	l.fails(l.ask(http.MethodPost, answer, operator, adminapi.PlanAnswer{Digest: strings.Repeat("0", 64), Answer: "approve"}), http.StatusNotFound, "no such plan")
	l.fails(l.ask(http.MethodPost, run, l.token, newTeam, keyHeader, "k1"), http.StatusForbidden, "a person must approve this call")
	var answered adminapi.Plan
	l.ok(l.ask(http.MethodPost, answer, operator, yes), &answered)
	if answered.State != "approved" || answered.AnsweredBy == "" {
		t.Errorf("%+v", answered)
	}
	// Another call is not approved, this one is, once; its key is still free.
	l.fails(l.ask(http.MethodPost, run, l.token, strings.Replace(newTeam, `"a"`, `"b"`, 1)), http.StatusForbidden, "a person must approve this call")
	if n := l.writes(); n != 0 {
		t.Errorf("%d writes", n)
	}
	l.ok(l.ask(http.MethodPost, run, l.token, newTeam, keyHeader, "k1"), &airbyteapi.ExecuteAnswer{})
	l.ok(l.ask(http.MethodPost, run, l.token, newTeam, keyHeader, "k1"), &airbyteapi.ExecuteAnswer{})
	l.fails(l.ask(http.MethodPost, run, l.token, newTeam), http.StatusForbidden, "a person must approve this call")
	if n := l.writes(); n != 1 {
		t.Errorf("%d writes", n)
	}
	// What another workspace, and another organization, asks is not there.
	l.create("other", "Pylon")
	var theirs planRecords
	l.ok(l.ask(http.MethodGet, plansPath+"?workspace_name=other", l.token, nil), &theirs)
	if len(theirs.Data) != 0 {
		t.Errorf("%+v", theirs)
	}
	if r := l.ask(http.MethodGet, strings.ReplaceAll(planPath, "{plan_id}", p.ID)+"?workspace_id="+w.ID, l.another(), nil); r.status != http.StatusNotFound {
		t.Errorf("%d %s", r.status, r.body)
	}
}
