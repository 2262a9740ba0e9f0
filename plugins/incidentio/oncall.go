package main

import "github.com/agenthost/agenthost/pdk"

// escalationOperations are the operations on escalations.
func escalationOperations() []pdk.Operation {
	return []pdk.Operation{
		{
			Entity: "escalations", Action: "list", Title: "List escalations", Effect: pdk.Read, Permission: "escalations.view",
			Description: "Escalations: each one pages people until somebody answers.",
			Method:      "GET", Path: "/v2/escalations", Handle: listFiltered,
			Params: []pdk.Param{
				amongValues("status", "of these statuses",
					"pending", "triggered", "acked", "resolved", "expired", "cancelled", "snoozed", "delayed", "pending_repeat"),
				among("escalation_path", "on these escalation paths", ", as escalation_paths.list gives them"),
				among("alert", "for these alerts", ", as alerts.list gives them"),
				among("incident", "for these incidents", ", as incidents.list gives them"),
				dates("created_at", "created"),
				dates("updated_at", "changed"),
				pdk.Query("idempotency_key", pdk.Object("Only those made with such a key.",
					pdk.Prop("is", text("The whole key.")),
					pdk.Prop("starts_with", text("How the key starts.")),
				)),
			},
			Data: "/escalations", Meta: pageMeta, Page: page(50), RateLimit: perKey,
			Examples: []string{`{"status":{"one_of":["triggered","acked"]}}`},
		},
		{
			Entity: "escalations", Action: "get", Title: "Get an escalation", Effect: pdk.Read, Permission: "escalations.view",
			Description: "One escalation, with whom it paged and what they answered.",
			Method:      "GET", Path: "/v2/escalations/{id}",
			Params: []pdk.Param{pdk.Path("id", id("Id of the escalation."))},
			Data:   "/escalation", RateLimit: perKey, Examples: oneID,
		},
		{
			Entity: "escalations", Action: "create", Title: "Page people", Effect: pdk.Write, Idempotent: true, Permission: "escalations.create",
			Description: "Pages people at once: those on an escalation path, or users by their ids. Give escalation_path_id or user_ids.",
			Method:      "POST", Path: "/v2/escalations",
			Params: []pdk.Param{
				idempotencyKey("escalation"),
				pdk.Body("title", text("What people read when they are paged.")).Required(),
				pdk.Body("description", prose("More about it.")),
				pdk.Body("escalation_path_id", id("Escalation path to follow, as escalation_paths.list gives it.")),
				pdk.Body("user_ids", ids("Users to page.")),
				pdk.Body("incident_id", id("Incident that it is about.")),
			},
			Data: "/escalation", RateLimit: perKey,
			Examples: []string{`{"idempotency_key":"db-1-disk-2026-06-01","title":"Disk is full on db-1","escalation_path_id":"01FCNDV6P870EA6S7TK1DSYDG0"}`},
		},
		{
			Entity: "escalations", Action: "cancel", Title: "Cancel an escalation", Effect: pdk.Write, Permission: "escalations.cancel",
			Description: "Stops paging people for an escalation.",
			Method:      "POST", Path: "/v2/escalations/{id}/actions/cancel",
			Params:    []pdk.Param{pdk.Path("id", id("Id of the escalation, as escalations.list gives it."))},
			RateLimit: perKey, Examples: oneID,
		},
		{
			Entity: "escalation_paths", Action: "list", Title: "List escalation paths", Effect: pdk.Read, Permission: "escalation_paths.view",
			Description: "Escalation paths: whom each one pages, in which order, and how long it waits.",
			Method:      "GET", Path: "/v2/escalation_paths",
			Data: "/escalation_paths", Meta: pageMeta, Page: page(25), RateLimit: perKey,
		},
		{
			Entity: "escalation_paths", Action: "get", Title: "Get an escalation path", Effect: pdk.Read, Permission: "escalation_paths.view",
			Description: "One escalation path: whom it pages, in which order, and how long it waits.",
			Method:      "GET", Path: "/v2/escalation_paths/{id}",
			Params: []pdk.Param{pdk.Path("id", id("Id of the escalation path, as escalation_paths.list gives it."))},
			Data:   "/escalation_path", RateLimit: perKey, Examples: oneID,
		},
	}
}

// scheduleOperations are the operations on schedules.
func scheduleOperations() []pdk.Operation {
	return []pdk.Operation{
		{
			Entity: "schedules", Action: "list", Title: "List schedules", Effect: pdk.Read, Permission: "schedules.view",
			Description: "On-call schedules, with who is on call now. next_shifts comes only with a limit of 25 or less.",
			Method:      "GET", Path: "/v2/schedules",
			Data: "/schedules", Meta: pageMeta, Page: page(10000), RateLimit: perKey,
		},
		{
			Entity: "schedules", Action: "get", Title: "Get a schedule", Effect: pdk.Read, Permission: "schedules.view",
			Description: "One on-call schedule, with its rotations and who is on call now.",
			Method:      "GET", Path: "/v2/schedules/{id}",
			Params: []pdk.Param{pdk.Path("id", id("Id of the schedule."))},
			Data:   "/schedule", RateLimit: perKey, Examples: oneID,
		},
		{
			Entity: "schedule_entries", Action: "list", Title: "List shifts of a schedule", Effect: pdk.Read, Permission: "schedules.view",
			Description: "Who is on call when, in a window of time. Answers an object of three lists: scheduled (by the rotations), overrides, and final (what comes of both).",
			Method:      "GET", Path: "/v2/schedule_entries",
			Params: []pdk.Param{
				pdk.Query("schedule_id", id("Id of the schedule.")).Required(),
				pdk.Query("entry_window_start", pdk.DateTime("Start of the window, RFC 3339.")),
				pdk.Query("entry_window_end", pdk.DateTime("End of the window, RFC 3339.")),
			},
			Data: "/schedule_entries", RateLimit: perKey,
			Examples: []string{`{"schedule_id":"01FCNDV6P870EA6S7TK1DSYDG0","entry_window_start":"2026-06-01T00:00:00Z","entry_window_end":"2026-06-08T00:00:00Z"}`},
		},
		{
			Entity: "schedule_overrides", Action: "list", Title: "List overrides of a schedule", Effect: pdk.Read, Permission: "schedules.view",
			Description: "The overrides of a schedule: who is on call in place of whoever the rotation says.",
			Method:      "GET", Path: "/v2/schedule_overrides",
			Params: []pdk.Param{
				pdk.Query("schedule_id", id("Id of the schedule, as schedules.list gives it.")).Required(),
				pdk.Query("rotation_id", id("Only those of this rotation, as the schedule's config has it.")),
				pdk.Query("layer_id", id("Only those of this layer of the rotation, as the schedule's config has it.")),
			},
			Data: "/overrides", Meta: pageMeta, Page: page(250), RateLimit: perKey,
			Examples: []string{`{"schedule_id":"01FCNDV6P870EA6S7TK1DSYDG0"}`},
		},
		{
			Entity: "schedule_overrides", Action: "create", Title: "Override a shift", Effect: pdk.Write, Permission: "schedule_overrides.create",
			Description: "Puts somebody on call for a while, in place of whoever the rotation says.",
			Method:      "POST", Path: "/v2/schedule_overrides",
			Params: append([]pdk.Param{
				pdk.Body("schedule_id", id("Id of the schedule.")).Required(),
			}, overrideFields()...),
			Data: "/override", RateLimit: perKey,
			Examples: []string{`{"schedule_id":"01FCNDV6P870EA6S7TK1DSYDG0","rotation_id":"01G0J1EXE7AXZ2C93K61WBPYEH","layer_id":"01G0J1EXE7AXZ2C93K61WBPYNH","start_at":"2026-06-01T09:00:00Z","end_at":"2026-06-01T17:00:00Z","user":{"email":"ada@example.com"}}`},
		},
		{
			Entity: "schedule_overrides", Action: "update", Title: "Change an override", Effect: pdk.Write, Idempotent: true, Permission: "schedule_overrides.update",
			Description: "Replaces an override of a shift: who takes over, and when.",
			Method:      "PUT", Path: "/v2/schedule_overrides/{id}",
			Params: append([]pdk.Param{overrideID}, overrideFields()...),
			Data:   "/override", RateLimit: perKey,
			Examples: []string{`{"id":"01FCNDV6P870EA6S7TK1DSYDG0","rotation_id":"01G0J1EXE7AXZ2C93K61WBPYEH","layer_id":"01G0J1EXE7AXZ2C93K61WBPYNH","start_at":"2026-06-01T09:00:00Z","end_at":"2026-06-01T12:00:00Z","user":{"email":"ada@example.com"}}`},
		},
		{
			Entity: "schedule_overrides", Action: "delete", Title: "Delete an override", Effect: pdk.Delete, Idempotent: true, Permission: "schedule_overrides.destroy",
			Description: "Takes an override away; whoever the rotation says is on call again.",
			Method:      "DELETE", Path: "/v2/schedule_overrides/{id}",
			Params:    []pdk.Param{overrideID},
			RateLimit: perKey, Examples: oneID,
		},
	}
}

var overrideID = pdk.Path("id", id("Id of the override, as schedule_overrides.list gives it."))

// overrideFields are the parameters of create and update.
func overrideFields() []pdk.Param {
	return []pdk.Param{
		pdk.Body("rotation_id", id("Id of the rotation, as the schedule's config has it.")).Required(),
		pdk.Body("layer_id", id("Id of the layer of the rotation, as the schedule's config has it.")).Required(),
		pdk.Body("start_at", pdk.DateTime("From when on, RFC 3339.")).Required(),
		pdk.Body("end_at", pdk.DateTime("Until when, RFC 3339.")).Required(),
		pdk.Body("user", user("Who takes over.")).Required(),
	}
}
