package main

import "github.com/agenthost/agenthost/pdk"

// applicationID is the parameter of operations that change an application.
//
//go:noinline
func applicationID() pdk.Param {
	return pdk.Body("applicationId", id("Id of the application.")).Required()
}

// onlyApplication filters a list.
//
//go:noinline
func onlyApplication() pdk.Param {
	return pdk.Body("applicationId", id("Only those of this application."))
}

func applicationOperations() []pdk.Operation {
	return []pdk.Operation{
		{
			Entity: "applications", Action: "list", Title: "List applications", Effect: pdk.Read, Permission: "candidatesRead",
			Description: "All applications. One is a candidate considered for a job; it says at which stage.",
			Method:      "POST", Path: "/application.list",
			Params: []pdk.Param{
				createdAfter(), syncToken(),
				pdk.Body("status", pdk.Enum("Only applications with this status.", "Hired", "Archived", "Active", "Lead")),
				pdk.Body("jobId", id("Only applications for this job.")),
				expand("openings"),
			},
			Data: "/results", Meta: syncMeta, Page: page(), Handle: listSync,
			Examples: []string{`{}`, `{"status":"Active","jobId":"2c6991c5-c9e2-4af8-879e-29c5a9d26509"}`},
		},
		{
			Entity: "applications", Action: "get", Title: "Get an application", Effect: pdk.Read, Permission: "candidatesRead",
			Description: "One application, with the stages that it went through.",
			Method:      "POST", Path: "/application.info",
			Params: []pdk.Param{
				pdk.Body("applicationId", id("Id of the application. Needed unless submittedFormInstanceId is given.")),
				expand("openings", "applicationFormSubmissions", "referrals"),
				pdk.Body("submittedFormInstanceId", id("Id of the application form that was sent in, in place of applicationId.")),
			},
			Data: "/results", Meta: warnings, AnyOf: []string{"applicationId", "submittedFormInstanceId"},
			Examples: []string{`{"applicationId":"3ae2b801-19f6-41ef-ad28-214bd731948f","expand":["openings"]}`},
		},
		{
			Entity: "applications", Action: "create", Title: "Create an application", Effect: pdk.Write, Permission: "candidatesWrite",
			Description: "Considers a candidate for a job.",
			Method:      "POST", Path: "/application.create",
			Params: []pdk.Param{
				candidateID(),
				pdk.Body("jobId", id("Id of the job.")).Required(),
				pdk.Body("interviewPlanId", id("Interview plan to follow; the job's default one, if absent.")),
				pdk.Body("interviewStageId", id("Stage of that plan to begin with; the first lead stage, if absent. FirstPreInterviewScreen stands for the first stage before interviews.")),
				pdk.Body("sourceId", id("Where the application comes from; sources.list has the ids.")),
				pdk.Body("creditedToUserId", id("User who gets the credit.")),
				pdk.Body("createdAt", pdk.DateTime("When the application shall count as created; now, if absent.")),
				pdk.Body("applicationHistory", pdk.Array("Stages that it shall count as having gone through. Each is an object with stageId, "+
					"stageNumber (0 is the first), enteredStageAt (RFC 3339) and, for an archived stage, archiveReasonId.", pdk.Map("One stage.")).Max(maxItems)),
			},
			Data: "/results", Meta: warnings,
			Examples: []string{`{"candidateId":"3ae2b801-19f6-41ef-ad28-214bd731948f","jobId":"2c6991c5-c9e2-4af8-879e-29c5a9d26509"}`},
		},
		{
			Entity: "applications", Action: "update", Title: "Update an application", Effect: pdk.Write, Idempotent: true, Permission: "candidatesWrite",
			Description: "Changes the source, the credit or the date of an application. The stage is changed with applications.change_stage.",
			Method:      "POST", Path: "/application.update",
			Params: []pdk.Param{
				applicationID(),
				pdk.Body("sourceId", id("Where the application comes from; sources.list has the ids.")),
				pdk.Body("creditedToUserId", id("User who gets the credit.")),
				pdk.Body("createdAt", pdk.DateTime("When the application shall count as created.")),
				pdk.Body("sendNotifications", pdk.Boolean("Tell users who follow the application.").Default("true")),
			},
			Data: "/results", Meta: warnings,
			Examples: []string{`{"applicationId":"3ae2b801-19f6-41ef-ad28-214bd731948f","sourceId":"2c6991c5-c9e2-4af8-879e-29c5a9d26509"}`},
		},
		{
			Entity: "applications", Action: "change_stage", Title: "Move an application to a stage", Effect: pdk.Write, Permission: "candidatesWrite",
			Description: "Moves an application to another stage of its interview plan; interview_stages.list has the ids. Moving it to a stage of type Archived rejects or withdraws it, and needs archiveReasonId.",
			Method:      "POST", Path: "/application.changeStage",
			Params: []pdk.Param{
				applicationID(),
				pdk.Body("interviewStageId", id("Stage to move it to.")).Required(),
				pdk.Body("archiveReasonId", id("Why it is archived; archive_reasons.list has the ids. Only for stages of type Archived, and needed there.")),
				pdk.Body("archiveEmail", pdk.Object("E-mail to send to the candidate. Only for stages of type Archived. If it cannot be sent, the stage does not change.",
					pdk.Prop("communicationTemplateId", id("Template of the e-mail; communication_templates.list has the ids.")).Required(),
					pdk.Prop("sendAt", pdk.DateTime("When to send it; the next morning, if absent, and at once, if past.")))),
			},
			Data: "/results", Meta: warnings,
			Examples: []string{`{"applicationId":"3ae2b801-19f6-41ef-ad28-214bd731948f","interviewStageId":"2c6991c5-c9e2-4af8-879e-29c5a9d26509"}`},
		},
		{
			Entity: "applications", Action: "change_source", Title: "Change an application's source", Effect: pdk.Write, Idempotent: true, Permission: "candidatesWrite",
			Description: "Says where an application comes from.",
			Method:      "POST", Path: "/application.changeSource",
			Params: []pdk.Param{applicationID(), pdk.Body("sourceId", id("The source; sources.list has the ids.")).Required()},
			Data:   "/results", Meta: warnings,
			Examples: []string{`{"applicationId":"3ae2b801-19f6-41ef-ad28-214bd731948f","sourceId":"2c6991c5-c9e2-4af8-879e-29c5a9d26509"}`},
		},
		{
			Entity: "applications", Action: "transfer", Title: "Transfer an application to another job", Effect: pdk.Write, Permission: "candidatesWrite",
			Description: "Moves an application to another job, at a stage of one of that job's interview plans.",
			Method:      "POST", Path: "/application.transfer",
			Params: []pdk.Param{
				applicationID(),
				pdk.Body("jobId", id("Job to move it to.")).Required(),
				pdk.Body("interviewPlanId", id("Interview plan of that job.")).Required(),
				pdk.Body("interviewStageId", id("Stage of that plan.")).Required(),
				pdk.Body("startAutomaticActivities", pdk.Boolean("Start what the stage does by itself, such as sending e-mails.")),
			},
			Data: "/results", Meta: warnings,
			Examples: []string{`{"applicationId":"3ae2b801-19f6-41ef-ad28-214bd731948f","jobId":"2c6991c5-c9e2-4af8-879e-29c5a9d26509","interviewPlanId":"c3f0a1de-6a53-4b0e-9a2f-58d1c3b1a7f4","interviewStageId":"5e1bb7a2-1c6f-4c3e-8f0e-7d2a9b4c6e10"}`},
		},
	}
}

// applicationDetailOperations are the operations on parts of applications.
func applicationDetailOperations() []pdk.Operation {
	return []pdk.Operation{
		{
			Entity: "application_history", Action: "list", Title: "List an application's history", Effect: pdk.Read, Permission: "candidatesRead",
			Description: "The stages that an application went through, and when.",
			Method:      "POST", Path: "/application.listHistory",
			Params: []pdk.Param{pdk.Body("applicationId", id("Id of the application."))},
			Data:   "/results", Meta: pageMeta, Page: page(),
			Examples: []string{`{"applicationId":"3ae2b801-19f6-41ef-ad28-214bd731948f"}`},
		},
		{
			Entity: "application_feedback", Action: "list", Title: "List feedback on applications", Effect: pdk.Read, Permission: "candidatesRead",
			Description: "The feedback that interviewers gave: the form and the values that they filled in.",
			Method:      "POST", Path: "/applicationFeedback.list",
			Params: []pdk.Param{createdAfter(), syncToken(), onlyApplication()},
			Data:   "/results", Meta: syncMeta, Page: page(), Handle: listSync,
			Examples: []string{`{"applicationId":"3ae2b801-19f6-41ef-ad28-214bd731948f"}`},
		},
	}
}
