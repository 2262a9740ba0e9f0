package host_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/vendorsim/airbyte"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TestCreateHostedRefuses makes every mistake there is: each has words of its own, and
// nothing is created. What can be found out here sends nothing at all.
func TestCreateHostedRefuses(t *testing.T) {
	t.Parallel()
	v := pylonOnTheWire()
	l := v.hosted(t, func(o *airbyte.Options) {
		o.Organizations = append(o.Organizations, airbyte.Organization{ID: "1c6b1d9e-4c5f-4c55-9d0a-6b1f8f0f6a02"})
	}, func(o *host.Options) {
		lookup := o.LookupEnv
		o.LookupEnv = func(name string) (string, bool) {
			if name == "WRONG" {
				return "canary-wrong-secret-77aa", true
			}
			return lookup(name)
		}
	})
	good := func() host.NewHosted {
		return host.NewHosted{
			At: host.HostedAt{Connector: "pylon", Airbyte: config.Airbyte{WorkspaceName: "acme"}}, Name: "support",
			Credentials: map[string]string{"api_token": "env:TOKEN"}, Replication: map[string]string{"start_date": "2026-01-31T09:30:00Z"},
		}
	}
	for _, test := range []struct {
		name     string
		change   func(n *host.NewHosted)
		kind     abi.Kind
		say, try string
		sends    bool
	}{
		{"no name", func(n *host.NewHosted) { n.Name = "" }, abi.KindInvalidParams, "is not a name", "255", false},
		{"a name with a line break", func(n *host.NewHosted) { n.Name = "a\nb" }, abi.KindInvalidParams, "is not a name", "", false},
		{"no start date", func(n *host.NewHosted) { n.Replication = nil }, abi.KindInvalidParams, "start_date is missing", "--replication start_date=", false},
		{"a malformed date", func(n *host.NewHosted) { n.Replication["start_date"] = "31.1.2026" }, abi.KindInvalidParams, "does not have the required form", "2026-01-31T09:30:00Z", false},
		{"a date that is none", func(n *host.NewHosted) { n.Replication["start_date"] = "2026-02-30T09:30:00Z" }, abi.KindInvalidParams, "not an existing date and time", "", false},
		{"an unknown setting", func(n *host.NewHosted) { n.Replication["start_dat"] = "x" }, abi.KindInvalidParams, `no replication setting "start_dat"`, "did you mean start_date?", false},
		{"an unknown credential", func(n *host.NewHosted) { n.Credentials["api_tokn"] = "env:TOKEN" }, abi.KindInvalidParams, `no credential "api_tokn"`, "did you mean api_token?", false},
		{"no credential", func(n *host.NewHosted) { n.Credentials = nil }, abi.KindAuthFailed, "api_token is missing", "--credential api_token=env:NAME", false},
		{"a credential that is not there", func(n *host.NewHosted) { n.Credentials["api_token"] = "env:UNSET" }, abi.KindAuthFailed, "env:UNSET", "", false},
		{"a credential instead of a reference", func(n *host.NewHosted) { n.Credentials["api_token"] = "canary-3f1c9a7e5b2d4068" }, abi.KindInvalidParams, "not a reference", "", false},
		{"no workspace", func(n *host.NewHosted) { n.At.Airbyte = config.Airbyte{} }, abi.KindInvalidParams, "the workspace is not set", "", false},
		{"two workspaces", func(n *host.NewHosted) { n.At.Airbyte.CustomerName = "other" }, abi.KindInvalidParams, "both name the workspace", "", false},
		{"an unknown connector", func(n *host.NewHosted) { n.At.Connector = "pylonn" }, abi.KindUnknownOperation, "pylonn", "did you mean pylon?", false},
		{"a direct connection", func(n *host.NewHosted) { n.At = host.HostedAt{Connection: "lab"} }, abi.KindInvalidParams, "lab is direct", "mode: hosted", false},
		{"a missing workspace", func(n *host.NewHosted) { n.At.Airbyte.WorkspaceName = "acmee" }, abi.KindNotFound, `no workspace "acmee"`, "did you mean acme?", true},
		{"a wrong client secret", func(n *host.NewHosted) { n.At.Airbyte.ClientSecret = "env:WRONG" }, abi.KindAuthFailed, "does not know this client id and secret", "client_secret", true},
		{"a wrong organization", func(n *host.NewHosted) {
			n.At.Airbyte.OrganizationID = "00000000-0000-0000-0000-000000000000"
		}, abi.KindPermissionDenied, "organization", "organization_id", true},
		{"another organization", func(n *host.NewHosted) {
			n.At.Airbyte.OrganizationID = "1c6b1d9e-4c5f-4c55-9d0a-6b1f8f0f6a02"
		}, abi.KindNotFound, "no workspace", "organization_id", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := good()
			test.change(&n)
			l.airbyte.Reset()
			_, err := l.h.CreateHosted(t.Context(), n)
			var e *host.Error
			if !errors.As(err, &e) || e.Kind != test.kind || e.RequestSent || !strings.Contains(e.Message, test.say) || !strings.Contains(e.Hint, test.try) {
				t.Errorf("error = %#v", err)
			}
			if strings.Contains(fmt.Sprintf("%+v", err), "canary") {
				t.Errorf("a secret is in %v", err)
			}
			if sent := len(l.airbyte.Requests()); sent > 0 != test.sends {
				t.Errorf("%d requests were sent", sent)
			}
			if ids := l.service.Connectors(); len(ids) != 0 {
				t.Fatalf("there are connectors: %v", ids)
			}
		})
	}
	if _, err := l.h.CreateHosted(t.Context(), good()); err != nil {
		t.Fatal(err)
	}
	_, err := l.h.CreateHosted(t.Context(), good())
	var e *host.Error
	if !errors.As(err, &e) || e.Kind != abi.KindConflict || !strings.Contains(e.Message, l.service.Connectors()[0]) {
		t.Errorf("the second one of a name: %v", err)
	}
}

// TestDirectOnlySchemes keeps a credential here that the Airbyte API does not take.
func TestDirectOnlySchemes(t *testing.T) {
	t.Parallel()
	v := incidentioOnTheWire()
	l := v.hosted(t, nil, nil)
	_, err := l.h.CreateHosted(t.Context(), host.NewHosted{
		At: host.HostedAt{Connection: "hosted"}, Name: "alerts", Credentials: map[string]string{"alert_source_token": "env:OTHER"},
	})
	var e *host.Error
	if !errors.As(err, &e) || e.Kind != abi.KindInvalidParams || e.Field != "credentials.alert_source_token" || len(l.airbyte.Requests()) != 0 {
		t.Errorf("error = %v", err)
	}
}

// TestManageHosted lists, checks and deletes by connection and by id.
func TestManageHosted(t *testing.T) {
	t.Parallel()
	v := ashbyOnTheWire()
	l := v.hosted(t, nil, nil)
	ctx, at := t.Context(), host.HostedAt{Connection: "hosted"}
	id := l.create(t, "hiring")
	for _, where := range []host.HostedAt{at, {Airbyte: config.Airbyte{ExternalUserID: "acme"}}, {Connector: "ashby", Airbyte: config.Airbyte{CustomerName: "acme"}}} {
		list, err := l.h.ListHosted(ctx, where)
		if err != nil || len(list) != 1 || list[0].ID != id || list[0].Name != "hiring" {
			t.Errorf("%+v lists %+v, %v", where, list, err)
		}
	}
	for _, given := range []string{"", id, "source_id:" + id} {
		if found, status, _, err := l.h.CheckHosted(ctx, at, given); err != nil || status != "succeeded" || found != id {
			t.Errorf("check of %q: %s is %s, %v", given, found, status, err)
		}
	}
	if _, _, _, err := l.h.CheckHosted(ctx, at, "../../x"); err == nil {
		t.Error("a path passes for an id")
	}
	if _, err := l.h.DeleteHosted(ctx, host.HostedAt{}, ""); err == nil {
		t.Error("nothing names a connector to delete")
	}
	// A workspace that there is not is no empty one.
	if _, err := l.h.ListHosted(ctx, host.HostedAt{Connector: "ashby", Airbyte: config.Airbyte{WorkspaceName: "empty"}}); err != nil {
		t.Errorf("an empty workspace: %v", err)
	}
	var missing *host.Error
	if _, err := l.h.ListHosted(ctx, host.HostedAt{Airbyte: config.Airbyte{WorkspaceName: "acmee"}}); !errors.As(err, &missing) || missing.Kind != abi.KindNotFound || missing.Hint != "did you mean acme?" {
		t.Errorf("a missing workspace: %v", err)
	}
	second := l.create(t, "again")
	if _, err := l.h.DeleteHosted(ctx, at, ""); !errors.As(err, &missing) || missing.Kind != abi.KindConflict || missing.Hint != "add the id of one of them" {
		t.Errorf("one of two: %v", err)
	}
	if _, err := l.h.DeleteHosted(ctx, at, second); err != nil {
		t.Error(err)
	}
	if deleted, err := l.h.DeleteHosted(ctx, at, ""); err != nil || deleted != id {
		t.Errorf("deleted %s, %v", deleted, err)
	}
	var e *host.Error
	if _, err := l.h.DeleteHosted(ctx, at, id); !errors.As(err, &e) || e.Kind != abi.KindNotFound {
		t.Errorf("deleted again: %v", err)
	}
}
