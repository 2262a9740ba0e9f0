package main

import (
	"flag"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/pdk/pdktest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestManifestGolden makes every change of what the connector may do show up in
// review.
func TestManifestGolden(t *testing.T) {
	pdktest.GoldenManifest(t, &connector, "testdata/manifest.golden.json", *update)
}

func TestAuthSchema(t *testing.T) {
	a := pdktest.Run(t, &connector, nil).AuthSchema()
	if len(a.Schemes) != 1 || a.Schemes[0].Type != abi.AuthBearer {
		t.Fatalf("schemes are %+v", a.Schemes)
	}
	s := a.Schemes[0]
	if want := (abi.Injection{In: "header", Name: "Authorization", Value: "Bearer {api_token}"}); len(s.Inject) != 1 || s.Inject[0] != want {
		t.Errorf("inject is %+v", s.Inject)
	}
	if len(s.Fields) != 1 || s.Fields[0].Name != "api_token" || !s.Fields[0].Secret || !s.Fields[0].Required {
		t.Errorf("fields are %+v", s.Fields)
	}
	if got := strings.Join(s.Origins, " "); got != "https://api.usepylon.com https://api.eu.usepylon.com" {
		t.Errorf("origins are %s", got)
	}
	if len(a.Replication) != 1 || a.Replication[0].Name != "start_date" || !a.Replication[0].Required || a.Replication[0].Format != "date-time" {
		t.Errorf("replication is %+v", a.Replication)
	}
}

// TestEffectsMatchMethods catches a row whose effect was copied from another one.
func TestEffectsMatchMethods(t *testing.T) {
	for _, op := range connector.Operations {
		name := op.Entity + "." + op.Action
		want := map[string]abi.Effect{"GET": abi.EffectRead, "POST": abi.EffectWrite, "PATCH": abi.EffectWrite, "DELETE": abi.EffectDelete}[op.Method]
		switch op.Action {
		case "search":
			want = abi.EffectRead
		case "redact":
			want = abi.EffectDelete
		}
		if op.Effect != want {
			t.Errorf("%s has the effect %s, want %s", name, op.Effect, want)
		}
		if op.Title == "" || op.RateLimit.PerSeconds != 60 || len(op.Requests) != 0 {
			t.Errorf("%s lacks a title or a rate limit, or sends more than one request", name)
		}
	}
}
