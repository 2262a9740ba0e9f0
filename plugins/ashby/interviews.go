package main

import "github.com/agenthost/agenthost/pdk"

// interviewOperations are the operations on interviews, their schedules and plans.
func interviewOperations() []pdk.Operation {
	return []pdk.Operation{
		{
			Entity: "interviews", Action: "list", Title: "List interviews", Effect: pdk.Read, Permission: "interviewsRead",
			Description: "The kinds of interviews that the organization conducts. When one takes place is in interview_schedules.list.",
			Method:      "POST", Path: "/interview.list",
			Params: []pdk.Param{
				syncToken(), includeArchived(),
				include("includeNonSharedInterviews", "interviews that belong to one job and are not shared."),
				option("excludeArchivedScheduleTemplateInterviews", "Leave out interviews of archived schedule templates."),
			},
			Data: "/results", Meta: syncMeta, Page: page(), Handle: listSync,
			Examples: []string{`{}`},
		},
		{
			Entity: "interview_schedules", Action: "list", Title: "List interview schedules", Effect: pdk.Read, Permission: "interviewsRead",
			Description: "The interview schedules of applications, with their events: when, with whom, and whether they took place.",
			Method:      "POST", Path: "/interviewSchedule.list",
			Params: []pdk.Param{
				createdAfter(), syncToken(), onlyApplication(),
				pdk.Body("interviewStageId", id("Only those for this stage.")),
			},
			Data: "/results", Meta: syncMeta, Page: page(), Handle: listSync,
			Examples: []string{`{}`, `{"applicationId":"3ae2b801-19f6-41ef-ad28-214bd731948f"}`},
		},
		{
			Entity: "interview_schedules", Action: "create", Title: "Schedule interviews", Effect: pdk.Write, Permission: "interviewsWrite",
			Description: "Schedules one or several interviews for an application.",
			Method:      "POST", Path: "/interviewSchedule.create",
			Params: []pdk.Param{
				applicationID(),
				pdk.Body("interviewEvents", pdk.Array("The interviews.", pdk.Object("One interview.",
					pdk.Prop("startTime", text("When it begins, RFC 3339: 2026-06-01T14:00:00Z.")).Required(),
					pdk.Prop("endTime", text("When it ends, RFC 3339.")).Required(),
					pdk.Prop("interviewers", pdk.Array("Who conducts it.", pdk.Object("One interviewer.",
						pdk.Prop("email", text("E-mail address of the user.")).Required(),
						pdk.Prop("feedbackRequired", pdk.Boolean("Feedback is asked of this user.")))).Min(1).Max(maxItems)).Required(),
					pdk.Prop("extraData", pdk.Map("Data of your own to keep with it.")),
					pdk.Prop("interviewId", id("Which interview it is; interviews.list has the ids.")),
				)).Min(1).Max(maxItems)).Required(),
			},
			Data: "/results", Meta: warnings,
			Examples: []string{`{"applicationId":"3ae2b801-19f6-41ef-ad28-214bd731948f","interviewEvents":[{"startTime":"2026-06-01T14:00:00Z","endTime":"2026-06-01T15:00:00Z","interviewers":[{"email":"grace@example.com","feedbackRequired":true}]}]}`},
		},
		{
			Entity: "interview_schedules", Action: "cancel", Title: "Cancel an interview schedule", Effect: pdk.Delete, Permission: "interviewsWrite",
			Description: "Cancels a schedule with all of its interviews.",
			Method:      "POST", Path: "/interviewSchedule.cancel",
			Params: []pdk.Param{
				pdk.Body("id", id("Id of the interview schedule.")).Required(),
				option("allowReschedule", "Keep the application where it can be scheduled again."),
			},
			Data: "/results", Meta: warnings,
			Examples: []string{`{"id":"3ae2b801-19f6-41ef-ad28-214bd731948f"}`},
		},
		{
			Entity: "interview_stages", Action: "list", Title: "List interview stages", Effect: pdk.Read, Permission: "interviewsRead",
			Description: "The stages of an interview plan." + onePiece,
			Method:      "POST", Path: "/interviewStage.list",
			Params: []pdk.Param{pdk.Body("interviewPlanId", id("Id of the interview plan.")).Required()},
			Data:   "/results", Meta: pageMeta, Page: whole(),
			Examples: []string{`{"interviewPlanId":"3ae2b801-19f6-41ef-ad28-214bd731948f"}`},
		},
		{
			Entity: "interview_plans", Action: "list", Title: "List interview plans", Effect: pdk.Read, Permission: "interviewsRead",
			Description: "The interview plans. Each is a series of stages, which interview_stages.list has.",
			Method:      "POST", Path: "/interviewPlan.list",
			Params: []pdk.Param{includeArchived(), syncToken()},
			Data:   "/results", Meta: syncMeta, Page: page(), Handle: listSync,
			Examples: []string{`{}`},
		},
	}
}
