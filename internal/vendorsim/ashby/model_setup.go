package ashby

type jobBoard struct {
	ID         string `json:"id"`
	Title      string `json:"title"`
	IsInternal bool   `json:"isInternal"`
}

type communicationTemplate struct {
	ID            string   `json:"id"`
	Title         string   `json:"title"`
	IntendedTypes []string `json:"intendedTypes"`
	CreatedAt     stamp    `json:"createdAt"`
	UpdatedAt     stamp    `json:"updatedAt"`
}

type brand struct {
	ID                 string `json:"id"`
	Name               string `json:"name"`
	HostedJobsPageSlug string `json:"hostedJobsPageSlug"`
}

type jobTemplate struct {
	ID                     string   `json:"id"`
	Title                  string   `json:"title"`
	Status                 string   `json:"status"`
	LocationID             string   `json:"locationId"`
	DepartmentID           string   `json:"departmentId"`
	DefaultInterviewPlanID string   `json:"defaultInterviewPlanId"`
	InterviewPlanIDs       []string `json:"interviewPlanIds"`
	CreatedAt              stamp    `json:"createdAt"`
	UpdatedAt              stamp    `json:"updatedAt"`
}
