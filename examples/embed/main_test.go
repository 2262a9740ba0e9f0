package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/exampletest"
	"github.com/agenthost/agenthost/pdk/abi"
)

func TestEmbed(t *testing.T) {
	options := exampletest.Options(t)
	env := map[string]string{
		"AGENTHOST_PYLON_API_TOKEN": exampletest.Token,
		"AGENTHOST_PYLON_SERVER":    options.Connections.(host.StaticConnections)["support"].Server,
	}
	options.Connections = nil
	options.LookupEnv = func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	}
	var out strings.Builder
	if err := run(t.Context(), options, &out); err != nil {
		t.Fatal(err)
	}
	var got []exampletest.Issue
	for line := range strings.Lines(out.String()) {
		var issue exampletest.Issue
		if err := json.Unmarshal([]byte(line), &issue); err != nil {
			t.Fatal(err)
		}
		got = append(got, issue)
	}
	if want := exampletest.PickedUpByNobody(t, exampletest.Host(t)); exampletest.Answer(got) != exampletest.Answer(want) {
		t.Errorf("got %v, want %v", got, want)
	}

	// What goes wrong is an *host.Error.
	env["AGENTHOST_PYLON_API_TOKEN"] = "another"
	err := run(t.Context(), options, &out)
	var e *host.Error
	if !errors.As(err, &e) || e.Kind != abi.KindAuthFailed {
		t.Errorf("with a wrong token the error is %v", err)
	}
}
