package overlay_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/tableimport"
	"github.com/agenthost/agenthost/internal/tableimport/overlay"
)

const harbour = `name: harbour
title: Harbour
version: 1.0.0
description: Berths of a harbour.
servers:
  - {id: main, url: "https://api.harbour.example"}
auth:
  schemes:
    - id: key
      type: bearer
      fields: [{name: key, secret: true, required: true}]
      inject: [{in: header, name: Authorization, value: "Bearer {key}"}]
      origins: ["https://api.harbour.example"]
operations:
  - {entity: berths, action: list, description: Lists berths., effect: read, method: GET, path: /berths, list: true}
  - entity: bookings
    action: list
    description: Lists bookings.
    effect: read
    method: GET
    path: /bookings
    list: true
    params: {boat: {in: query, type: string, description: Its boat., maxLength: 100}}
  - {entity: broken, action: get, description: Gets what no parameter fills., effect: read, method: GET, path: "/broken/{id}"}
`

// A mistake in the edits is an error at the line of the mistake, and leaves no operation out.
func TestBlame(t *testing.T) {
	t.Parallel()
	const head, list = "overlay: 1.0.0\nactions:\n", "  - target: $.operations[?(@.entity=='bookings')]\n"
	for name, tt := range map[string]struct{ actions, want string }{
		"an unknown key": {
			list + "    update:\n      description: All bookings.\n      paramz: {boat: {required: true}}\n" + list + "    update: {description: All of them.}\n",
			"x.yaml:6: bookings.list paramz: unknown key; did you mean params?",
		},
		"deep inside": {
			"  - {target: $.title, update: T}\n" + list + "    update:\n      params:\n        boat: {type: string}\n        berth:\n          in: qery\n",
			`x.yaml:9: bookings.list params.berth.in: "qery" is not one of the words for it; did you mean query?`,
		},
		"of all operations": {
			"  - target: $.operations[*]\n    update: {effct: read}\n",
			"x.yaml:4: berths.list effct: unknown key; did you mean effect?",
		},
		"below a member": {
			"  - target: $.operations[1].params.boat\n    update:\n      description: The boat.\n      inn: query\n",
			"x.yaml:6: bookings.list params.boat.inn: unknown key",
		},
		"one that replaces a mistake is fine": {
			list + "    update: {method: GTE}\n" + list + "    update: {method: GET}\n", "",
		},
		"a removal": {
			"  - target: $.operations[1].description\n    remove: true\n  - target: $.title\n    update: T\n",
			"x.yaml:3: bookings.list: lacks the key description",
		},
		"of the whole table": {
			"  - target: $\n    update:\n      tittle: T\n",
			"x.yaml:5: tittle: unknown key; did you mean title?",
		},
		"another operation": {
			"  - target: $.operations\n    update: {entity: boats, action: list, effect: read}\n",
			"x.yaml:4: boats.list: lacks the key",
		},
		"what cannot be said without edits either": {"  - target: $.operations[*]\n    update: {title: T}\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := tableimport.Read([]byte(harbour))
			if err != nil {
				t.Fatal(err)
			}
			made := &tableimport.Table{Document: m, Unedited: slices.Clone(m), Report: tableimport.Report{Source: "harbour", Connector: "harbour"}}
			edits := []byte(head + tt.actions)
			if _, err := overlay.Apply(&made.Document, "x.yaml", edits); err != nil {
				t.Fatal(err)
			}
			_, err = made.Finish(t.Context())
			if tt.want == "" {
				if err != nil || len(made.Report.LeftOut) != 1 {
					t.Errorf("%v, left out %+v", err, made.Report.LeftOut)
				}
				return
			}
			var wrong *tableimport.EditError
			if !errors.As(err, &wrong) {
				t.Fatalf("%v is no *EditError", err)
			}
			got := overlay.Blame(made.Unedited, "x.yaml", edits, wrong)
			if !strings.HasPrefix(got.Error(), tt.want) || !errors.Is(got, fault.ErrConfiguration) {
				t.Errorf("%v, want %s", got, tt.want)
			}
		})
	}
}
