package ashby

// Field names and order are the vendor's. Fields that the vendor may leave out are omitempty.

type contactPoint struct {
	Value     string `json:"value"`
	Type      string `json:"type"`
	IsPrimary bool   `json:"isPrimary"`
}

type socialLink struct {
	Type string `json:"type"`
	URL  string `json:"url"`
}

type tag struct {
	ID         string `json:"id"`
	Title      string `json:"title"`
	IsArchived bool   `json:"isArchived"`
}

type fileHandle struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Handle string `json:"handle"`
}

type customValue struct {
	ID         string `json:"id"`
	IsPrivate  bool   `json:"isPrivate"`
	Title      string `json:"title"`
	Value      any    `json:"value"`
	ValueLabel any    `json:"valueLabel,omitempty"`
}

type locationComponent struct {
	Type string `json:"type"`
	Name string `json:"name"`
}

type candidateLocation struct {
	ID                 string              `json:"id"`
	LocationSummary    string              `json:"locationSummary"`
	LocationComponents []locationComponent `json:"locationComponents"`
}

type candidate struct {
	ID                  string             `json:"id"`
	CreatedAt           stamp              `json:"createdAt"`
	UpdatedAt           stamp              `json:"updatedAt"`
	Name                string             `json:"name"`
	PrimaryEmailAddress *contactPoint      `json:"primaryEmailAddress,omitempty"`
	EmailAddresses      []contactPoint     `json:"emailAddresses"`
	PrimaryPhoneNumber  *contactPoint      `json:"primaryPhoneNumber,omitempty"`
	PhoneNumbers        []contactPoint     `json:"phoneNumbers"`
	SocialLinks         []socialLink       `json:"socialLinks"`
	Tags                []tag              `json:"tags"`
	Position            string             `json:"position,omitempty"`
	Company             string             `json:"company,omitempty"`
	School              string             `json:"school,omitempty"`
	ApplicationIDs      []string           `json:"applicationIds"`
	ResumeFileHandle    *fileHandle        `json:"resumeFileHandle,omitempty"`
	FileHandles         []fileHandle       `json:"fileHandles"`
	CustomFields        []customValue      `json:"customFields"`
	ProfileURL          string             `json:"profileUrl"`
	Source              *applicationSource `json:"source,omitempty"`
	CreditedToUser      *userRef           `json:"creditedToUser,omitempty"`
	Timezone            string             `json:"timezone,omitempty"`
	PrimaryLocation     *candidateLocation `json:"primaryLocation,omitempty"`
	Location            *candidateLocation `json:"location,omitempty"`
	FraudStatus         *string            `json:"fraudStatus"`

	// externalMappingID is another system's name of the candidate.
	externalMappingID string
}

type note struct {
	ID        string   `json:"id"`
	CreatedAt stamp    `json:"createdAt"`
	IsPrivate bool     `json:"isPrivate"`
	Content   string   `json:"content"`
	Author    *nameRef `json:"author,omitempty"`
}

type nameRef struct {
	ID        string `json:"id"`
	FirstName string `json:"firstName"`
	LastName  string `json:"lastName"`
	Email     string `json:"email"`
}

type project struct {
	ID                 string        `json:"id"`
	Title              string        `json:"title"`
	Description        string        `json:"description,omitempty"`
	IsArchived         bool          `json:"isArchived"`
	Confidential       bool          `json:"confidential"`
	AuthorID           string        `json:"authorId"`
	CreatedAt          stamp         `json:"createdAt"`
	CustomFieldEntries []customValue `json:"customFieldEntries"`
}

// user is a member of the organization; userRef is what other records show of one.
type user struct {
	userRef
	ManagerID    string        `json:"managerId,omitempty"`
	CustomFields []customValue `json:"customFields"`
}

func (u *user) ref() userRef { return u.userRef }

func (u *user) name() nameRef {
	return nameRef{ID: u.ID, FirstName: u.FirstName, LastName: u.LastName, Email: u.Email}
}

type userRef struct {
	ID         string `json:"id"`
	FirstName  string `json:"firstName"`
	LastName   string `json:"lastName"`
	Email      string `json:"email"`
	GlobalRole string `json:"globalRole"`
	IsEnabled  bool   `json:"isEnabled"`
	UpdatedAt  stamp  `json:"updatedAt"`
}

type department struct {
	ID           string         `json:"id"`
	Name         string         `json:"name"`
	ExternalName *string        `json:"externalName"`
	IsArchived   bool           `json:"isArchived"`
	ParentID     *string        `json:"parentId"`
	CreatedAt    stamp          `json:"createdAt"`
	UpdatedAt    stamp          `json:"updatedAt"`
	ExtraData    map[string]any `json:"extraData,omitempty"`
}

type postalAddress struct {
	AddressCountry  string `json:"addressCountry,omitempty"`
	AddressRegion   string `json:"addressRegion,omitempty"`
	AddressLocality string `json:"addressLocality,omitempty"`
	PostalCode      string `json:"postalCode,omitempty"`
	StreetAddress   string `json:"streetAddress,omitempty"`
}

type address struct {
	PostalAddress postalAddress `json:"postalAddress"`
}

type location struct {
	ID               string         `json:"id"`
	Name             string         `json:"name"`
	ExternalName     *string        `json:"externalName"`
	IsArchived       bool           `json:"isArchived"`
	Address          *address       `json:"address"`
	IsRemote         bool           `json:"isRemote"`
	WorkplaceType    *string        `json:"workplaceType"`
	ParentLocationID *string        `json:"parentLocationId"`
	Type             string         `json:"type"`
	ExtraData        map[string]any `json:"extraData,omitempty"`
}

type sourceType struct {
	ID         string `json:"id"`
	Title      string `json:"title"`
	IsArchived bool   `json:"isArchived"`
}

// applicationSource is what the vendor calls a source.
type applicationSource struct {
	ID         string     `json:"id"`
	Title      string     `json:"title"`
	IsArchived bool       `json:"isArchived"`
	SourceType sourceType `json:"sourceType"`
}

type archiveReason struct {
	ID           string        `json:"id"`
	Text         string        `json:"text"`
	ReasonType   string        `json:"reasonType"`
	IsArchived   bool          `json:"isArchived"`
	CustomFields []customValue `json:"customFields,omitempty"`
}

type selectableValue struct {
	Label      string `json:"label"`
	Value      string `json:"value"`
	IsArchived bool   `json:"isArchived"`
}

type customField struct {
	ID               string            `json:"id"`
	Title            string            `json:"title"`
	ObjectType       string            `json:"objectType"`
	FieldType        string            `json:"fieldType"`
	IsArchived       bool              `json:"isArchived"`
	IsPrivate        bool              `json:"isPrivate"`
	IsRequired       bool              `json:"isRequired"`
	SelectableValues []selectableValue `json:"selectableValues,omitempty"`
}

type formField struct {
	ID                string            `json:"id"`
	Type              string            `json:"type"`
	Path              string            `json:"path"`
	HumanReadablePath string            `json:"humanReadablePath"`
	Title             string            `json:"title"`
	IsNullable        bool              `json:"isNullable"`
	SelectableValues  []selectableValue `json:"selectableValues,omitempty"`
}

type formEntry struct {
	IsRequired       bool      `json:"isRequired"`
	DescriptionHTML  string    `json:"descriptionHtml,omitempty"`
	DescriptionPlain string    `json:"descriptionPlain,omitempty"`
	Field            formField `json:"field"`
}

type formSection struct {
	Title  string      `json:"title,omitempty"`
	Fields []formEntry `json:"fields"`
}

type formDefinition struct {
	Sections []formSection `json:"sections"`
}

type feedbackForm struct {
	ID             string         `json:"id"`
	OrganizationID string         `json:"organizationId"`
	Title          string         `json:"title"`
	IsArchived     bool           `json:"isArchived"`
	IsDefaultForm  bool           `json:"isDefaultForm"`
	FormDefinition formDefinition `json:"formDefinition"`
	InterviewID    *string        `json:"interviewId"`
}

type file struct {
	Name, ContentType, Content string
}

// report is a report that can be run by its id; the organization's web pages show the ids.
type report struct {
	Title string
	Fails string
	run   func(*store) ([]string, [][]any)
}

type webhook struct {
	ID          string `json:"id"`
	Enabled     bool   `json:"enabled"`
	WebhookType string `json:"webhookType"`
	RequestURL  string `json:"requestUrl"`
	SecretToken string `json:"secretToken"`
}
