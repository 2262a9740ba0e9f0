package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/secret"
)

// testRecords: every change has a record of who made it, which has names and no values; a change
// that is not made has none.
//
// threat: K8 in TestSQLite
func testRecords(t *testing.T, l *lab) {
	const canary = "canary-of-a-value"
	bare := t.Context()
	ctx := WithActor(bare, Actor{Via: "api", Caller: "app-1", Request: "req-1"})
	organization := ok(l.CreateOrganization(bare, "Acme"))(t).ID
	a, _, err := l.CreateApplication(bare, organization, "agents", nil)
	if err != nil {
		t.Fatal(err)
	}
	w := ok(l.CreateWorkspace(ctx, organization, "ada"))(t)
	p := Scope{organization, w.ID}
	given := Credentials{map[string]secret.Value{"password": value(canary), "api_token": value(canary)}, origins}
	c := ok(l.CreateConnection(ctx, p, Connection{Name: "crm", Config: map[string]string{"region": canary}}, given))(t)
	if _, err := l.CreateConnection(ctx, p, Connection{Name: "crm"}, given); err == nil {
		t.Error("a name is there twice")
	}
	c.Name, c.State, c.Allow = "CRM", NeedsLogin, canary
	c = ok(l.UpdateConnection(ctx, p, c, &Credentials{}))(t)
	c = ok(l.UpdateConnection(ctx, p, c, nil))(t)
	job := ok(l.DeleteConnection(ctx, p, c.ID))(t)
	if got := ok(l.Job(ctx, p, job.ID))(t); got.Actor != "app-1" || got != job {
		t.Errorf("the job is %+v", got)
	}
	name, inactive := "Ada", Inactive
	if _, err := l.UpdateWorkspace(ctx, p, w.ID, WorkspaceChange{Name: &name, Status: &inactive}); err != nil {
		t.Fatal(err)
	}
	if _, job, err = l.DeleteWorkspace(bare, p, w.ID); err != nil || job.Actor != "server" {
		t.Fatalf("%+v, %v", job, err)
	}
	if err := l.Record(ctx, p, Change{Entity: "tokens", Action: "create", Fields: []string{"read"}}); err != nil {
		t.Fatal(err)
	}
	ok(l.RotateSigningKey(bare, time.Hour))(t)
	if err := l.RenameOrganization(ctx, organization, "Acme Ltd"); err != nil {
		t.Fatal(err)
	}
	o, _ := ok2(l.CreateOperatorToken(ctx, "ada", RoleViewer, l.clock().Add(time.Hour), nil))(t)
	ok(l.RevokeOperatorToken(ctx, o.ID))(t)
	l.later(time.Second)
	user := WithActor(bare, Actor{Via: "command", Caller: "root"})
	ok(l.CreateWorkspace(ctx, organization, "grace"))(t)
	other := l.turnover(t, "second", "first")
	for range 2 {
		ok(other.RotateMaster(user))(t)
	}
	l.later(time.Second)
	ok(other.RotateData(user))(t)
	if err := l.RevokeApplication(ctx, organization, a.ID); err != nil {
		t.Fatal(err)
	}
	wantErr(t, "revoked twice", l.RevokeApplication(ctx, organization, a.ID), ErrNone)

	var got []string
	for _, r := range ok(l.Audit(bare, Scope{Organization: organization}, Page{}))(t) {
		var said struct {
			Event, ID, Via, Caller, Request, Workspace string
			Time                                       time.Time
			Change
		}
		if err := json.Unmarshal(r.Record, &said); err != nil {
			t.Fatal(err)
		}
		if said.Event != EventChange || r.Event != EventChange || said.ID != r.ID || said.Time.IsZero() || said.Workspace != r.Scope.Workspace || (said.Via == "api") != (said.Request == "req-1") {
			t.Errorf("%+v: %s", r, r.Record)
		}
		if strings.Contains(string(r.Record), canary) {
			t.Errorf("a value is in %s", r.Record)
		}
		got = append(got, strings.TrimSpace(fmt.Sprintln(said.Via+said.Caller, said.Entity, said.Action, said.Name, said.State, strings.Join(said.Fields, " "), said.Count)))
	}
	want := []string{
		"server organizations create Acme   0",
		"server applications create agents   0",
		"apiapp-1 workspaces create ada active  0",
		"apiapp-1 connections create crm ready credentials credentials.api_token credentials.password 0",
		"apiapp-1 connections update CRM needs_login name state allow credentials 0",
		"apiapp-1 connections update CRM needs_login  0",
		"apiapp-1 connections delete CRM   0",
		"apiapp-1 workspaces update Ada inactive name status 0",
		"server workspaces delete Ada   0",
		"apiapp-1 tokens create   read 0",
		"server signing_keys rotate    0",
		"apiapp-1 organizations update Acme Ltd  name 0",
		"apiapp-1 operator_tokens create ada  viewer 0",
		"apiapp-1 operator_tokens revoke ada   0",
		"apiapp-1 workspaces create grace active  0",
		"commandroot master_keys begin_rotation    0",
		"commandroot master_keys end_rotation    2",
		"commandroot data_keys begin_rotation    0",
		"commandroot data_keys end_rotation    1",
		"apiapp-1 applications revoke    0",
	}
	slices.Sort(got) // those of one millisecond have no order
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("records\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	// A change whose record cannot be written is not made.
	if _, err := l.writer.ExecContext(bare, "ALTER TABLE audit RENAME TO gone"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.CreateWorkspace(ctx, organization, "nobody"); err == nil {
		t.Error("a workspace is made without a record")
	}
	l.Store.queries["test.named"] = "SELECT COUNT(*) FROM workspace WHERE name = 'nobody'"
	if n := ok(readOne(bare, l.Store, scanNumber, "test.named"))(t); n != 0 {
		t.Error("the workspace is there")
	}
}
