package main

import (
	"flag"
	"slices"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk"
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
	if len(a.Schemes) != 2 || len(a.Replication) != 0 {
		t.Fatalf("the auth schema is %+v", a)
	}
	for i, field := range []string{"api_key", "alert_source_token"} {
		s := a.Schemes[i]
		if want := (abi.Injection{In: "header", Name: "Authorization", Value: "Bearer {" + field + "}"}); s.Type != abi.AuthBearer || len(s.Inject) != 1 || s.Inject[0] != want {
			t.Errorf("inject is %+v", s.Inject)
		}
		if len(s.Fields) != 1 || s.Fields[0].Name != field || !s.Fields[0].Secret || !s.Fields[0].Required {
			t.Errorf("fields are %+v", s.Fields)
		}
		if got := strings.Join(s.Origins, " "); got != "https://api.incident.io" {
			t.Errorf("origins are %s", got)
		}
	}
}

// TestEffectsMatchMethods catches a row whose effect, pagination or limit was copied
// from another one.
func TestEffectsMatchMethods(t *testing.T) {
	noScope := []string{"identity.get", "status_pages.list", "incident_timestamps.list", "incident_timestamps.get", "incidents.update", "alert_events.create",
		"status_page_structures.get", "status_page_incidents.list", "status_page_incidents.get"}
	for _, op := range connector.Operations {
		name := op.Entity + "." + op.Action
		want := map[string]abi.Effect{"GET": abi.EffectRead, "POST": abi.EffectWrite, "PUT": abi.EffectWrite, "DELETE": abi.EffectDelete}[op.Method]
		if op.Effect != want {
			t.Errorf("%s has the effect %s, want %s", name, op.Effect, want)
		}
		if op.Title == "" || op.RateLimit.PerSeconds != 60 || op.RateLimit.Bucket == "" || len(op.Requests) != 0 {
			t.Errorf("%s lacks a title or a rate limit, or sends more than one request", name)
		}
		if (op.Permission == "") != slices.Contains(noScope, name) {
			t.Errorf("%s needs the permission %q", name, op.Permission)
		}
		if op.Page != nil && (op.Page.CursorName != "after" || op.Page.LimitName != "page_size" || len(op.Meta) != 3) {
			t.Errorf("%s is not paginated as incident.io does it", name)
		}
		takesKey := slices.ContainsFunc(op.Parameters(), func(p pdk.Parameter) bool { return p.Name == "idempotency_key" && p.In == pdk.InBody })
		if op.Effect == abi.EffectWrite && op.Idempotent != (takesKey || op.Method == "PUT") {
			t.Errorf("%s is idempotent: %v", name, op.Idempotent)
		}
	}
}
