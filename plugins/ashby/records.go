package main

// records are the members of what operations answer, by entity, and by operation where it answers
// something else than the others of its entity.
var records = map[string]string{
	"candidates": `id primaryEmailAddress{value type isPrimary:boolean} primaryPhoneNumber{value type isPrimary:boolean} position
		company school resumeFileHandle{id name handle} primaryLocation{id locationSummary locationComponents[]{type:any
		name}} location{id locationSummary locationComponents[]{type name}} fraudStatus createdAt:time updatedAt:time name
		emailAddresses[]{value type isPrimary:boolean} phoneNumbers[]{value type isPrimary:boolean} socialLinks[]{type
		url} tags[]{id title isArchived:boolean} applicationIds[] fileHandles[]:object customFields[]:object profileUrl
		source:object creditedToUser:object timezone`,
	"candidate_notes": "id createdAt:time isPrivate:boolean content author:object",
	"candidate_tags":  "id title isArchived:boolean",
	"projects":        `id title description isArchived:boolean confidential:boolean authorId createdAt:time customFieldEntries[]:object`,
	"files":           "url",
	"applications": `id openings[]{id openedAt:time closedAt:time isArchived:boolean archivedAt:time closeReasonId openingState latestVersion{id
		identifier description authorId createdAt:time teamId jobIds[] targetHireDate targetStartDate isBackfill:boolean
		employmentType locationIds[] hiringTeam[]:object customFields[]:object}} applicationHistory[]{id stageId title
		enteredStageAt:time leftStageAt:time stageNumber:integer allowedActions[]:any actorId} applicationFormSubmissions[]{id
		formDefinition{sections[]:object} submittedValues:object} referrals[]{user{id firstName lastName email
		globalRole isEnabled:boolean updatedAt:time} referredAt:time} resumeFileHandle{id name handle} createdAt:time updatedAt:time
		archivedAt:time candidate{id name} status customFields[]:object currentInterviewStage{id title type interviewPlanId
		orderInInterviewPlan:integer} source{id title isArchived:boolean sourceType{id title isArchived:boolean}}
		creditedToUser{id firstName lastName email globalRole isEnabled:boolean updatedAt:time} archiveReason{id text
		reasonType isArchived:boolean customFields[]:any} job{id title locationId departmentId brandId}
		hiringTeam[]{userId firstName lastName email role} appliedViaJobPostingId submitterClientIp submitterUserAgent`,
	"application_history": "id stageId title enteredStageAt:time leftStageAt:time stageNumber:integer allowedActions[] actorId",
	"application_feedback": `id formDefinition:object submittedValues:object submittedByUser:object interviewId interviewEventId
		feedbackFormDefinitionId applicationHistoryId applicationId submittedAt:time`,
	"jobs": `id location{id name isArchived:boolean address{postalAddress:object} isRemote:boolean workplaceType
		parentLocationId type:any} openings[]{id openedAt:time closedAt:time isArchived:boolean archivedAt:time closeReasonId
		openingState latestVersion{id identifier description authorId createdAt:time teamId jobIds[] targetHireDate
		targetStartDate isBackfill:boolean employmentType locationIds[] hiringTeam[]:object customFields[]:object}}
		compensation{compensationTiers[]{id title additionalInformation components[]:object tierSummary}} title
		confidential:boolean status employmentType locationId departmentId defaultInterviewPlanId interviewPlanIds[]
		jobPostingIds[] customFields[]{id isPrivate:boolean title value valueLabel} hiringTeam[]{userId firstName
		lastName email role} customRequisitionId brandId author{id firstName lastName email globalRole isEnabled:boolean
		updatedAt:time} createdAt:time updatedAt:time openedAt:time closedAt:time`,
	"job_postings": `id descriptionPlain descriptionHtml descriptionSocial descriptionParts{descriptionOpening{html:any plain:any}
		descriptionBody{html:any plain:any} descriptionClosing{html:any plain:any}} teamNameHierarchy[]
		linkedData{@context @type title description identifier{@type name value} datePosted hiringOrganization{@type
		name sameAs} jobLocation{@type address:object} employmentType} address{postalAddress{addressCountry
		addressRegion addressLocality postalCode streetAddress}} isRemote:boolean
		applicationFormDefinition{sections[]{title descriptionHtml descriptionPlain fields[]:object}}
		surveyFormDefinitions[]{id title isArchived:boolean formDefinition{sections[]:object} surveyType}
		suppressDescriptionOpening:boolean suppressDescriptionClosing:boolean compensation{compensationTierSummary
		summaryComponents[]{summary} compensationTiers[]{id title additionalInformation components[]:object tierSummary}
		shouldDisplayCompensationOnJobBoard:boolean} applicationLimitCalloutHtml title jobId departmentName teamName
		locationName locationExternalName workplaceType employmentType isListed:boolean publishedDate
		applicationDeadline externalLink applyLink locationIds{primaryLocationId secondaryLocationIds[]:any}
		compensationTierSummary shouldDisplayCompensationOnJobBoard:boolean updatedAt:time`,
	"job_boards": "id title isInternal:boolean",
	"job_templates": `id title status locationId departmentId defaultInterviewPlanId interviewPlanIds[] createdAt:time updatedAt:time
		location:object`,
	"openings": "id openedAt:time closedAt:time isArchived:boolean archivedAt:time closeReasonId openingState latestVersion:object",
	"interviews": `id title externalTitle isArchived:boolean isDebrief:boolean isFeedbackRequired:boolean
		isFeedbackRequested:boolean instructionsHtml instructionsPlain jobId feedbackFormDefinitionId`,
	"interview_schedules": `id status applicationId interviewStageId scheduledBy:object createdAt:time updatedAt:time interviewEvents[]:object`,
	"interview_stages":    "id title type orderInInterviewPlan:integer interviewStageGroupId interviewPlanId",
	"interview_plans":     "id title isArchived:boolean createdAt:time updatedAt:time",
	"offers": `id decidedAt:time applicationId acceptanceStatus offerStatus latestVersion:object versions[]:object
		formDefinition:object`,
	"departments": "id name externalName isArchived:boolean parentId createdAt:time updatedAt:time extraData:object",
	"locations": `id name externalName isArchived:boolean address{postalAddress{addressRegion addressCountry addressLocality}}
		isRemote:boolean workplaceType parentLocationId type extraData:object`,
	"brands": "id name hostedJobsPageSlug",
	"users": `id managerId customFields[]{id isPrivate:boolean title valueLabel:any value:any} firstName lastName email
		globalRole isEnabled:boolean updatedAt:time`,
	"sources":         "id title isArchived:boolean sourceType{id title isArchived:boolean}",
	"archive_reasons": "id text reasonType isArchived:boolean",
	"custom_fields": `id selectableValues[]{label value isArchived:boolean} isRequired:boolean title objectType isArchived:boolean
		isPrivate:boolean fieldType valueLabel:any value:any`,
	"communication_templates": "id createdAt:time updatedAt:time title intendedTypes[]",
	"feedback_form_definitions": `id organizationId title isArchived:boolean isDefaultForm:boolean formDefinition{sections[]{fields[]:object
		title}} interviewId`,
	"api_key":         "title createdAt:time scopes[]",
	"webhooks":        "id enabled:boolean requestUrl secretToken webhookType",
	"webhooks.delete": "webhookId",
	"reports.run":     "requestId status reportData:object failureReason",
}
