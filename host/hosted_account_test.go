package host_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/airbyte"
	"github.com/agenthost/agenthost/pdk/abi"
)

// hosts are connections at one account, however that is written, and at others.
func hosts(here string) host.StaticConnections {
	const organization = "1c6b1d9e-4c5f-4c55-9d0a-6b1f8f0f6a02"
	connections := host.StaticConnections{}
	for name, a := range map[string]config.Airbyte{
		"a-first":   {WorkspaceName: "acme"},
		"b-same":    {CustomerName: "acme", BaseURL: here + "/api/v1/", ClientID: "env:AIRBYTE_CLIENT_ID"},
		"c-chosen":  {ConnectorID: "3f1c9a7e-5b2d-4068-9a4e-0d7c1b2a3f4e"},
		"d-client":  {WorkspaceName: "acme", ClientID: "env:OTHER"},
		"e-place":   {WorkspaceName: "acme", BaseURL: "http://127.0.0.1:1"},
		"f-another": {WorkspaceName: "acme", OrganizationID: organization},
	} {
		connections[name] = host.Connection{Connector: "ashby", Mode: config.Hosted, Airbyte: &a}
	}
	return connections
}

// severalAccounts gives a host the connections of hosts.
func severalAccounts(o *host.Options) {
	here, _ := o.LookupEnv("AIRBYTE_API_HOST")
	delete(o.Connections.(host.StaticConnections), "hosted")
	maps.Copy(o.Connections.(host.StaticConnections), hosts(here))
}

// TestHostedConnections tells accounts apart by what they mean, not by how they are written.
func TestHostedConnections(t *testing.T) {
	t.Parallel()
	v := ashbyOnTheWire()
	l := v.hosted(t, nil, severalAccounts)
	var got []string
	connections, err := l.h.HostedConnections(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range connections {
		got = append(got, strings.Join([]string{c.Name, c.Connector, c.Workspace, c.Organization, c.At.Account, c.At.Airbyte.CustomerName}, "|"))
	}
	want := []string{
		"a-first|ashby|acme||a-first|",
		"b-same|ashby|acme||a-first|acme",
		"c-chosen|ashby|||a-first|",
		"d-client|ashby|acme||d-client|",
		"e-place|ashby|acme||e-place|",
		"f-another|ashby|acme|1c6b1d9e-4c5f-4c55-9d0a-6b1f8f0f6a02|f-another|",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if sent := l.airbyte.Requests(); len(sent) > 0 {
		t.Errorf("requests were sent: %v", sent)
	}
}

// TestAccountOfAConnection uses an account for a connector that has no connection, and
// never a part of one account at the place of another.
func TestAccountOfAConnection(t *testing.T) {
	t.Parallel()
	v := ashbyOnTheWire()
	l := v.hosted(t, nil, func(o *host.Options) {
		here, _ := o.LookupEnv("AIRBYTE_API_HOST")
		hosted := o.Connections.(host.StaticConnections)["hosted"]
		hosted.Airbyte = &config.Airbyte{BaseURL: here, WorkspaceName: "acme", ConnectorID: "3f1c9a7e-5b2d-4068-9a4e-0d7c1b2a3f4e"}
		o.Connections.(host.StaticConnections)["hosted"] = hosted
		lookup := o.LookupEnv
		o.LookupEnv = func(name string) (string, bool) {
			if name == "AIRBYTE_API_HOST" {
				return "http://127.0.0.1:1", true
			}
			return lookup(name)
		}
	})
	good := func() host.HostedAt {
		return host.HostedAt{Connector: "ashby", Account: "hosted", Airbyte: config.Airbyte{WorkspaceName: "empty"}}
	}
	made, err := l.h.CreateHosted(t.Context(), host.NewHosted{
		At: good(), Name: "hiring", Credentials: map[string]string{v.credential: "env:TOKEN"}, Replication: map[string]string{"start_date": "2026-01-01T00:00:00Z"},
	})
	if err != nil {
		t.Fatal(err)
	}
	// Neither the workspace nor the connector of the connection is meant.
	if found, _, _, err := l.h.CheckHosted(t.Context(), good(), ""); err != nil || found != made.ID {
		t.Errorf("checked %s, not %s: %v", found, made.ID, err)
	}
	l.airbyte.Reset()
	for _, test := range []struct {
		name   string
		change func(*host.HostedAt)
		say    string
	}{
		{"an unknown connection", func(at *host.HostedAt) { at.Account = "hostd" }, `no hosted connection "hostd"`},
		{"a direct connection", func(at *host.HostedAt) { at.Account = "lab" }, "lab is direct"},
		{"a connection as well", func(at *host.HostedAt) { at.Connection = "hosted" }, "its own account"},
		{"another base URL", func(at *host.HostedAt) { at.Airbyte.BaseURL = "http://127.0.0.1:1" }, "another base URL or client"},
		{"another client", func(at *host.HostedAt) { at.Airbyte.ClientSecret = "env:OTHER" }, "another base URL or client"},
	} {
		t.Run(test.name, func(t *testing.T) {
			at := good()
			test.change(&at)
			_, err := l.h.ListHosted(t.Context(), at)
			var e *host.Error
			if !errors.As(err, &e) || e.Kind != abi.KindInvalidParams || e.Field != "account" || !strings.Contains(e.Message, test.say) || e.Hint == "" {
				t.Errorf("error = %#v", err)
			}
		})
	}
	if sent := l.airbyte.Requests(); len(sent) > 0 {
		t.Errorf("requests were sent: %v", sent)
	}
}

// With one hosted connection that has a base URL of its own, a question that named neither it
// nor an account used to go to the environment's API, with the environment's client.
func TestNothingNamedStaysAtTheOnlyAccount(t *testing.T) {
	t.Parallel()
	elsewhere, err := vendorsim.Start(t.Context(), airbyte.New(airbyte.Options{ClientID: airbyteID, ClientSecret: airbyteSecret}), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = elsewhere.Close() })
	v := ashbyOnTheWire()
	l := v.hosted(t, nil, func(o *host.Options) {
		here, _ := o.LookupEnv("AIRBYTE_API_HOST")
		hosted := o.Connections.(host.StaticConnections)["hosted"]
		hosted.Airbyte = &config.Airbyte{BaseURL: here, ClientID: "env:OWN_ID", ClientSecret: "env:OWN_SECRET", WorkspaceName: "acme"}
		o.Connections.(host.StaticConnections)["hosted"] = hosted
		lookup := o.LookupEnv
		o.LookupEnv = func(name string) (string, bool) {
			switch name {
			case "OWN_ID":
				return airbyteID, true
			case "OWN_SECRET":
				return airbyteSecret, true
			case "AIRBYTE_API_HOST":
				return elsewhere.URL, true
			}
			return lookup(name)
		}
	})
	ctx, credentials := t.Context(), map[string]string{v.credential: "env:TOKEN"}
	made, err := l.h.CreateHosted(ctx, host.NewHosted{
		At: host.HostedAt{Connector: "ashby", Airbyte: config.Airbyte{WorkspaceName: "acme"}}, Name: "hiring",
		Credentials: credentials, Replication: map[string]string{"start_date": "2026-01-01T00:00:00Z"},
	})
	if err != nil {
		t.Fatal(err)
	}
	list, err := l.h.ListHosted(ctx, host.HostedAt{})
	if err != nil || len(list) != 1 || list[0].ID != made.ID {
		t.Errorf("the only workspace has %+v, %v", list, err)
	}
	if _, _, _, err := l.h.CheckHosted(ctx, host.HostedAt{}, made.ID); err != nil {
		t.Error(err)
	}
	if _, err := l.h.DeleteHosted(ctx, host.HostedAt{}, made.ID); err != nil {
		t.Error(err)
	}
	// A connection's client is not sent to another base URL.
	_, err = l.h.ListHosted(ctx, host.HostedAt{Connection: "hosted", Airbyte: config.Airbyte{BaseURL: elsewhere.URL}})
	var e *host.Error
	if !errors.As(err, &e) || e.Kind != abi.KindInvalidParams || e.Field != "account" {
		t.Errorf("error = %v", err)
	}
	if sent := elsewhere.Requests(); len(sent) > 0 {
		t.Errorf("%d requests went to the environment's API", len(sent))
	}
}

// Where the connections have several accounts, nothing is sent before one is named.
func TestSeveralAccountsAskForOne(t *testing.T) {
	t.Parallel()
	v := ashbyOnTheWire()
	l := v.hosted(t, nil, severalAccounts)
	for name, at := range map[string]host.HostedAt{
		"workspace_name": {},
		"account":        {Airbyte: config.Airbyte{WorkspaceName: "acme"}},
	} {
		_, err := l.h.ListHosted(t.Context(), at)
		var e *host.Error
		if !errors.As(err, &e) || e.Kind != abi.KindInvalidParams || e.Field != name || !strings.Contains(e.Hint, "--account") {
			t.Errorf("%+v: error = %#v", at, err)
		}
	}
	if sent := l.airbyte.Requests(); len(sent) > 0 {
		t.Errorf("requests were sent: %v", sent)
	}
}
