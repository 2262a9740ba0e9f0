package main

import (
	"flag"
	"slices"
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
	if len(a.Schemes) != 1 || a.Schemes[0].Type != abi.AuthBasic {
		t.Fatalf("schemes are %+v", a.Schemes)
	}
	s := a.Schemes[0]
	if want := (abi.Basic{Username: "{api_key}", Password: ""}); s.Basic == nil || *s.Basic != want || len(s.Inject) != 0 {
		t.Errorf("basic is %+v, inject is %+v", s.Basic, s.Inject)
	}
	if len(s.Fields) != 1 || s.Fields[0].Name != "api_key" || !s.Fields[0].Secret || !s.Fields[0].Required {
		t.Errorf("fields are %+v", s.Fields)
	}
	if got := strings.Join(s.Origins, " "); got != "https://api.ashbyhq.com" {
		t.Errorf("origins are %s", got)
	}
	if len(a.Replication) != 1 || a.Replication[0].Name != "start_date" || !a.Replication[0].Required || a.Replication[0].Format != "date-time" {
		t.Errorf("replication is %+v", a.Replication)
	}
}

// TestEffectsMatchPermissions catches a row whose effect was copied from another
// one: what writes needs a permission to write.
func TestEffectsMatchPermissions(t *testing.T) {
	deletes := []string{"candidates.anonymize", "interview_schedules.cancel", "webhooks.delete"}
	for _, op := range connector.Operations {
		name := op.Entity + "." + op.Action
		want := abi.EffectRead
		switch {
		case slices.Contains(deletes, name):
			want = abi.EffectDelete
		case strings.HasSuffix(op.Permission, "Write"):
			want = abi.EffectWrite
		}
		if op.Effect != want {
			t.Errorf("%s has the effect %s, want %s", name, op.Effect, want)
		}
		if op.Title == "" || op.Method != "POST" || op.Data != "/results" || len(op.Requests) != 0 {
			t.Errorf("%s lacks a title, or is not one POST that answers results", name)
		}
	}
}
