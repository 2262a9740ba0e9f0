package ashby

type hiringTeamMember struct {
	UserID    string `json:"userId"`
	FirstName string `json:"firstName"`
	LastName  string `json:"lastName"`
	Email     string `json:"email"`
	Role      string `json:"role"`
}

type job struct {
	ID                     string             `json:"id"`
	Title                  string             `json:"title"`
	Confidential           bool               `json:"confidential"`
	Status                 string             `json:"status"`
	EmploymentType         string             `json:"employmentType"`
	LocationID             string             `json:"locationId"`
	DepartmentID           string             `json:"departmentId"`
	DefaultInterviewPlanID *string            `json:"defaultInterviewPlanId"`
	InterviewPlanIDs       []string           `json:"interviewPlanIds"`
	CustomFields           []customValue      `json:"customFields"`
	JobPostingIDs          []string           `json:"jobPostingIds"`
	CustomRequisitionID    *string            `json:"customRequisitionId"`
	BrandID                *string            `json:"brandId"`
	HiringTeam             []hiringTeamMember `json:"hiringTeam"`
	Author                 *userRef           `json:"author"`
	CreatedAt              stamp              `json:"createdAt"`
	UpdatedAt              stamp              `json:"updatedAt"`
	OpenedAt               *stamp             `json:"openedAt"`
	ClosedAt               *stamp             `json:"closedAt"`
	Compensation           *jobCompensation   `json:"compensation,omitempty"`

	// unpublished are the postings that are not listed; JobPostingIDs are the others.
	unpublished []string
}

type jobCompensation struct {
	CompensationTiers []compensationTier `json:"compensationTiers"`
}

type compensationTier struct {
	ID                    string                  `json:"id"`
	Title                 string                  `json:"title"`
	AdditionalInformation string                  `json:"additionalInformation,omitempty"`
	Components            []compensationComponent `json:"components"`
	TierSummary           string                  `json:"tierSummary"`
}

type compensationComponent struct {
	ID               string `json:"id"`
	Summary          string `json:"summary"`
	CompensationType string `json:"compensationType"`
	Interval         string `json:"interval"`
	CurrencyCode     string `json:"currencyCode"`
	MinValue         int    `json:"minValue"`
	MaxValue         int    `json:"maxValue"`
}

type opening struct {
	ID            string         `json:"id"`
	OpenedAt      *stamp         `json:"openedAt"`
	ClosedAt      *stamp         `json:"closedAt"`
	IsArchived    bool           `json:"isArchived"`
	ArchivedAt    *stamp         `json:"archivedAt"`
	CloseReasonID *string        `json:"closeReasonId"`
	OpeningState  string         `json:"openingState"`
	LatestVersion openingVersion `json:"latestVersion"`
}

type openingVersion struct {
	ID              string             `json:"id"`
	Identifier      string             `json:"identifier"`
	Description     string             `json:"description"`
	AuthorID        string             `json:"authorId"`
	CreatedAt       stamp              `json:"createdAt"`
	TeamID          string             `json:"teamId"`
	JobIDs          []string           `json:"jobIds"`
	TargetHireDate  string             `json:"targetHireDate"`
	TargetStartDate string             `json:"targetStartDate"`
	IsBackfill      bool               `json:"isBackfill"`
	EmploymentType  string             `json:"employmentType"`
	LocationIDs     []string           `json:"locationIds"`
	HiringTeam      []hiringTeamMember `json:"hiringTeam"`
	CustomFields    []customValue      `json:"customFields"`
}

type postingLocations struct {
	PrimaryLocationID    string   `json:"primaryLocationId"`
	SecondaryLocationIDs []string `json:"secondaryLocationIds"`
}

type jobPosting struct {
	ID                      string           `json:"id"`
	Title                   string           `json:"title"`
	JobID                   string           `json:"jobId"`
	DepartmentName          string           `json:"departmentName"`
	TeamName                string           `json:"teamName"`
	LocationName            string           `json:"locationName"`
	LocationIDs             postingLocations `json:"locationIds"`
	WorkplaceType           string           `json:"workplaceType"`
	EmploymentType          string           `json:"employmentType"`
	IsListed                bool             `json:"isListed"`
	PublishedDate           string           `json:"publishedDate"`
	ApplicationDeadline     *stamp           `json:"applicationDeadline"`
	ExternalLink            string           `json:"externalLink"`
	ApplyLink               string           `json:"applyLink"`
	CompensationTierSummary string           `json:"compensationTierSummary"`
	ShouldDisplayCompTier   bool             `json:"shouldDisplayCompensationOnJobBoard"`
	UpdatedAt               stamp            `json:"updatedAt"`

	boardID string
	body    string
}

type text struct {
	HTML  string `json:"html"`
	Plain string `json:"plain"`
}

// jobPostingView is what info shows of a posting.
type jobPostingView struct {
	jobPosting
	DescriptionPlain           string               `json:"descriptionPlain"`
	DescriptionHTML            string               `json:"descriptionHtml"`
	DescriptionSocial          string               `json:"descriptionSocial"`
	DescriptionParts           map[string]text      `json:"descriptionParts"`
	TeamNameHierarchy          []string             `json:"teamNameHierarchy"`
	LinkedData                 map[string]any       `json:"linkedData"`
	Address                    *address             `json:"address,omitempty"`
	IsRemote                   bool                 `json:"isRemote"`
	ApplicationFormDefinition  formDefinition       `json:"applicationFormDefinition"`
	SurveyFormDefinitions      []surveyForm         `json:"surveyFormDefinitions"`
	SuppressDescriptionOpening bool                 `json:"suppressDescriptionOpening"`
	SuppressDescriptionClosing bool                 `json:"suppressDescriptionClosing"`
	Compensation               *postingCompensation `json:"compensation,omitempty"`
	Job                        *job                 `json:"job,omitempty"`
}

type surveyForm struct {
	ID             string         `json:"id"`
	Title          string         `json:"title"`
	IsArchived     bool           `json:"isArchived"`
	FormDefinition formDefinition `json:"formDefinition"`
	SurveyType     string         `json:"surveyType"`
}

type postingCompensation struct {
	CompensationTierSummary string             `json:"compensationTierSummary"`
	CompensationTiers       []compensationTier `json:"compensationTiers"`
	ShouldDisplay           bool               `json:"shouldDisplayCompensationOnJobBoard"`
}

type interviewPlan struct {
	ID         string `json:"id"`
	Title      string `json:"title"`
	IsArchived bool   `json:"isArchived"`
	CreatedAt  stamp  `json:"createdAt"`
	UpdatedAt  stamp  `json:"updatedAt"`
}

type interviewStage struct {
	ID                    string  `json:"id"`
	Title                 string  `json:"title"`
	Type                  string  `json:"type"`
	OrderInInterviewPlan  int     `json:"orderInInterviewPlan"`
	InterviewStageGroupID *string `json:"interviewStageGroupId"`
	InterviewPlanID       string  `json:"interviewPlanId"`
}

type candidateRef struct {
	ID                  string        `json:"id"`
	Name                string        `json:"name"`
	PrimaryEmailAddress *contactPoint `json:"primaryEmailAddress,omitempty"`
	PrimaryPhoneNumber  *contactPoint `json:"primaryPhoneNumber,omitempty"`
}

type jobRef struct {
	ID           string  `json:"id"`
	Title        string  `json:"title"`
	LocationID   string  `json:"locationId"`
	DepartmentID string  `json:"departmentId"`
	BrandID      *string `json:"brandId,omitempty"`
}

type stageRef struct {
	ID                   string `json:"id"`
	Title                string `json:"title"`
	Type                 string `json:"type"`
	OrderInInterviewPlan int    `json:"orderInInterviewPlan"`
	InterviewPlanID      string `json:"interviewPlanId"`
}

type application struct {
	ID                     string             `json:"id"`
	CreatedAt              stamp              `json:"createdAt"`
	UpdatedAt              stamp              `json:"updatedAt"`
	Status                 string             `json:"status"`
	CustomFields           []customValue      `json:"customFields"`
	Candidate              candidateRef       `json:"candidate"`
	CurrentInterviewStage  stageRef           `json:"currentInterviewStage"`
	Source                 *applicationSource `json:"source,omitempty"`
	ArchiveReason          *archiveReason     `json:"archiveReason,omitempty"`
	ArchivedAt             *stamp             `json:"archivedAt,omitempty"`
	Job                    jobRef             `json:"job"`
	CreditedToUser         *userRef           `json:"creditedToUser,omitempty"`
	HiringTeam             []hiringTeamMember `json:"hiringTeam"`
	AppliedViaJobPostingID string             `json:"appliedViaJobPostingId,omitempty"`
	SubmitterClientIP      string             `json:"submitterClientIp,omitempty"`
	SubmitterUserAgent     string             `json:"submitterUserAgent,omitempty"`

	// formID is the submitted form instance that made the application.
	formID string
}

type referral struct {
	User       userRef `json:"user"`
	ReferredAt stamp   `json:"referredAt"`
}

type formSubmission struct {
	ID              string         `json:"id"`
	FormDefinition  formDefinition `json:"formDefinition"`
	SubmittedValues map[string]any `json:"submittedValues"`
}

type historyEntry struct {
	ID             string   `json:"id"`
	StageID        string   `json:"stageId"`
	Title          string   `json:"title"`
	EnteredStageAt stamp    `json:"enteredStageAt"`
	LeftStageAt    *stamp   `json:"leftStageAt,omitempty"`
	StageNumber    int      `json:"stageNumber"`
	AllowedActions []string `json:"allowedActions"`
	ActorID        string   `json:"actorId,omitempty"`

	applicationID string
}

type feedback struct {
	ID                       string         `json:"id"`
	FormDefinition           formDefinition `json:"formDefinition"`
	SubmittedValues          map[string]any `json:"submittedValues"`
	SubmittedByUser          *userRef       `json:"submittedByUser,omitempty"`
	InterviewID              string         `json:"interviewId,omitempty"`
	InterviewEventID         string         `json:"interviewEventId,omitempty"`
	FeedbackFormDefinitionID string         `json:"feedbackFormDefinitionId"`
	ApplicationHistoryID     string         `json:"applicationHistoryId"`
	ApplicationID            string         `json:"applicationId"`
	SubmittedAt              stamp          `json:"submittedAt"`
}

type interview struct {
	ID                       string  `json:"id"`
	Title                    string  `json:"title"`
	ExternalTitle            *string `json:"externalTitle"`
	IsArchived               bool    `json:"isArchived"`
	IsDebrief                bool    `json:"isDebrief"`
	IsFeedbackRequired       bool    `json:"isFeedbackRequired"`
	IsFeedbackRequested      bool    `json:"isFeedbackRequested"`
	InstructionsHTML         string  `json:"instructionsHtml"`
	InstructionsPlain        string  `json:"instructionsPlain"`
	JobID                    *string `json:"jobId"`
	FeedbackFormDefinitionID string  `json:"feedbackFormDefinitionId"`

	// ofArchivedTemplate marks interviews that only an archived schedule template uses.
	ofArchivedTemplate bool
}

type interviewSchedule struct {
	ID               string           `json:"id"`
	Status           string           `json:"status"`
	ApplicationID    string           `json:"applicationId"`
	InterviewStageID string           `json:"interviewStageId"`
	ScheduledBy      *userRef         `json:"scheduledBy,omitempty"`
	CreatedAt        stamp            `json:"createdAt"`
	UpdatedAt        stamp            `json:"updatedAt"`
	InterviewEvents  []interviewEvent `json:"interviewEvents"`
}

type interviewEvent struct {
	ID                  string         `json:"id"`
	InterviewID         string         `json:"interviewId"`
	InterviewScheduleID string         `json:"interviewScheduleId"`
	InterviewerUserIDs  []string       `json:"interviewerUserIds"`
	CreatedAt           stamp          `json:"createdAt"`
	UpdatedAt           stamp          `json:"updatedAt"`
	StartTime           stamp          `json:"startTime"`
	EndTime             stamp          `json:"endTime"`
	FeedbackLink        string         `json:"feedbackLink"`
	Location            string         `json:"location,omitempty"`
	MeetingLink         string         `json:"meetingLink,omitempty"`
	HasSubmittedFeed    bool           `json:"hasSubmittedFeedback"`
	ExtraData           map[string]any `json:"extraData,omitempty"`
}

type offer struct {
	ID               string       `json:"id"`
	DecidedAt        *string      `json:"decidedAt"`
	ApplicationID    string       `json:"applicationId"`
	AcceptanceStatus string       `json:"acceptanceStatus"`
	OfferStatus      string       `json:"offerStatus"`
	LatestVersion    offerVersion `json:"latestVersion"`

	earlier []offerVersion
}

type offerView struct {
	offer
	Versions       []offerVersion  `json:"versions"`
	FormDefinition *formDefinition `json:"formDefinition,omitempty"`
}

type offerVersion struct {
	ID             string        `json:"id"`
	StartDate      string        `json:"startDate"`
	Salary         money         `json:"salary"`
	CreatedAt      stamp         `json:"createdAt"`
	OpeningID      string        `json:"openingId,omitempty"`
	CustomFields   []customValue `json:"customFields"`
	FileHandles    []fileHandle  `json:"fileHandles"`
	Author         *userRef      `json:"author,omitempty"`
	ApprovalStatus string        `json:"approvalStatus"`
}

type money struct {
	CurrencyCode string `json:"currencyCode"`
	Value        int    `json:"value"`
}
