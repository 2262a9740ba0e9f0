package main

import "github.com/agenthost/agenthost/pdk"

const unpublished = "the ids of job postings that are not published, in jobPostingIds."

// jobOperations are the operations on jobs, their postings and openings.
func jobOperations() []pdk.Operation {
	return []pdk.Operation{
		{
			Entity: "jobs", Action: "list", Title: "List jobs", Effect: pdk.Read, Permission: "jobsRead",
			Description: "All jobs, whatever their status. To find one by title, use jobs.search.",
			Method:      "POST", Path: "/job.list",
			Params: []pdk.Param{
				syncToken(),
				pdk.Body("status", several("Only jobs with one of these statuses.", "Draft", "Open", "Closed", "Archived")),
				millis("openedAfter", "Only jobs opened after this time."),
				millis("openedBefore", "Only jobs opened before this time."),
				millis("closedAfter", "Only jobs closed after this time."),
				millis("closedBefore", "Only jobs closed before this time."),
				pdk.Body("includeUnpublishedJobPostingsIds", pdk.Boolean("Include "+unpublished)),
				expand("location", "openings"),
				createdAfter(),
			},
			Data: "/results", Meta: syncMeta, Page: page(), Handle: listSync,
			Examples: []string{`{}`, `{"status":["Open"],"expand":["location"]}`},
		},
		{
			Entity: "jobs", Action: "get", Title: "Get a job", Effect: pdk.Read, Permission: "jobsRead",
			Description: "One job, with its status and its hiring team.",
			Method:      "POST", Path: "/job.info",
			Params: []pdk.Param{
				pdk.Body("id", id("Id of the job.")).Required(),
				pdk.Body("includeUnpublishedJobPostingsIds", pdk.Boolean("Include "+unpublished)),
				expand("location", "openings"),
			},
			Data: "/results", Meta: warnings,
			Examples: []string{`{"id":"2c6991c5-c9e2-4af8-879e-29c5a9d26509"}`},
		},
		{
			Entity: "jobs", Action: "search", Title: "Search jobs", Effect: pdk.Read, List: true, Permission: "jobsRead",
			Description: "Jobs with a title or a requisition id; give at least one of the two." + onePiece,
			Method:      "POST", Path: "/job.search",
			Params: []pdk.Param{
				pdk.Body("title", text("Title of the job.")),
				pdk.Body("requisitionId", text("Requisition id of the job.")),
			},
			Data: "/results", Meta: warnings, AnyOf: []string{"title", "requisitionId"},
			Examples: []string{`{"title":"Data engineer"}`},
		},
		{
			Entity: "jobs", Action: "create", Title: "Create a job", Effect: pdk.Write, Permission: "jobsWrite",
			Description: "Adds a job. jobs.set_status opens it.",
			Method:      "POST", Path: "/job.create",
			Params: []pdk.Param{
				pdk.Body("title", text("Title of the job.").Min(1)).Required(),
				pdk.Body("teamId", id("Department or team that hires; departments.list has the ids.")).Required(),
				pdk.Body("locationId", id("Where the job is; locations.list has the ids.")).Required(),
				pdk.Body("defaultInterviewPlanId", id("Interview plan of the job; interview_plans.list has the ids.")),
				pdk.Body("jobTemplateId", id("Template to make the job from; job_templates.list has the ids.")),
				pdk.Body("brandId", id("Brand to advertise it under; brands.list has the ids.")),
			},
			Data: "/results", Meta: warnings,
			Examples: []string{`{"title":"Data engineer","teamId":"3ae2b801-19f6-41ef-ad28-214bd731948f","locationId":"2c6991c5-c9e2-4af8-879e-29c5a9d26509"}`},
		},
		{
			Entity: "jobs", Action: "set_status", Title: "Set a job's status", Effect: pdk.Write, Idempotent: true, Permission: "jobsWrite",
			Description: "Opens, closes or archives a job, or makes it a draft again.",
			Method:      "POST", Path: "/job.setStatus",
			Params: []pdk.Param{
				pdk.Body("jobId", id("Id of the job.")).Required(),
				pdk.Body("status", pdk.Enum("The new status.", "Draft", "Open", "Closed", "Archived")).Required(),
			},
			Data: "/results", Meta: warnings,
			Examples: []string{`{"jobId":"2c6991c5-c9e2-4af8-879e-29c5a9d26509","status":"Open"}`},
		},
		{
			Entity: "job_postings", Action: "list", Title: "List job postings", Effect: pdk.Read, Permission: "jobsRead",
			Description: "The published job postings. They lack the texts, which job_postings.get has." + onePiece,
			Method:      "POST", Path: "/jobPosting.list",
			Params: []pdk.Param{
				pdk.Body("location", text("Only postings with this location, by its name.")),
				pdk.Body("department", text("Only postings of this department, by its name.")),
				option("listedOnly", "Only postings that the public sees."),
				pdk.Body("jobBoardId", id("Only postings on this job board, as job_boards.list gives it; the main external one, if absent.")),
			},
			Data: "/results", Meta: pageMeta, Page: whole(),
			Examples: []string{`{}`, `{"listedOnly":true}`},
		},
		{
			Entity: "job_postings", Action: "get", Title: "Get a job posting", Effect: pdk.Read, Permission: "jobsRead",
			Description: "One job posting, with its texts, its application form and its compensation.",
			Method:      "POST", Path: "/jobPosting.info",
			Params: []pdk.Param{
				pdk.Body("jobPostingId", id("Id of the job posting.")).Required(),
				expand("job"),
				pdk.Body("jobBoardId", id("Job board whose version of the posting to get, as job_boards.list gives it; the external one, if absent.")),
			},
			Data: "/results", Meta: warnings,
			Examples: []string{`{"jobPostingId":"3ae2b801-19f6-41ef-ad28-214bd731948f"}`},
		},
		{
			Entity: "job_boards", Action: "list", Title: "List job boards", Effect: pdk.Read, Permission: "jobsRead",
			Description: "The job boards that are enabled, and whether each one is internal." + onePiece,
			Method:      "POST", Path: "/jobBoard.list",
			Data: "/results", Meta: pageMeta, Page: whole(),
			Examples: []string{`{}`},
		},
		{
			Entity: "job_templates", Action: "list", Title: "List job templates", Effect: pdk.Read, Permission: "jobsRead",
			Description: "The templates that jobs.create can make a job from.",
			Method:      "POST", Path: "/jobTemplate.list",
			Params: []pdk.Param{syncToken(), expand("location")},
			Data:   "/results", Meta: syncMeta, Page: page(), Handle: listSync,
			Examples: []string{`{}`},
		},
		{
			Entity: "openings", Action: "list", Title: "List openings", Effect: pdk.Read, Permission: "jobsRead",
			Description: "The openings: positions that were approved to be filled, each by one hire.",
			Method:      "POST", Path: "/opening.list",
			Params: []pdk.Param{createdAfter(), syncToken()},
			Data:   "/results", Meta: syncMeta, Page: page(), Handle: listSync,
			Examples: []string{`{}`},
		},
	}
}
