package ashby

// The words that the data is made of. Names and sentences in several scripts are here on purpose: a client that mangles
// them should be found out.

var firstNames = []string{
	"Amara", "Bjarte", "Chloé", "Dmitri", "Elif", "Fionn", "Gabriela", "Håkon", "Iwona", "Jürgen", "Kofi", "Leïla", "Mateo", "Noor",
	"Odile", "Paulo", "Qi", "Ruth", "Sanjay", "Þóra", "Uma", "Víctor", "Wanjiru", "Xavier", "Yael", "Zoltán", "Ελένη", "Ольга", "陽子", "민준",
}

var lastNames = []string{
	"Adeyemi", "Berg", "Cruz", "Dąbrowski", "Eze", "Fischer", "Grünwald", "Hernández", "Ito", "Jensen", "Kaya", "Lindström", "Mbeki", "Novák",
	"O'Connor", "Petrov", "Quispe", "Rao", "Sørensen", "Tran", "Ueno", "Varga", "Wójcik", "Yang", "Zimmermann", "Łuczak",
}

var departmentNames = []string{"Engineering", "Product", "Design", "Sales", "Marketing", "People", "Finance", "Legal", "Support", "Operations", "Data", "Security"}

var teamNames = []string{"Platform", "Core", "Growth", "EMEA", "Americas", "Research", "Tools", "Équipe Québec"}

var cities = [][3]string{
	{"San Francisco", "California", "United States"}, {"New York", "New York", "United States"}, {"Toronto", "Ontario", "Canada"},
	{"Montréal", "Québec", "Canada"}, {"London", "England", "United Kingdom"}, {"Dublin", "Leinster", "Ireland"}, {"Berlin", "Berlin", "Germany"},
	{"München", "Bayern", "Germany"}, {"Zürich", "Zürich", "Switzerland"}, {"Paris", "Île-de-France", "France"}, {"Madrid", "Madrid", "Spain"},
	{"Kraków", "Małopolskie", "Poland"}, {"Stockholm", "Stockholm", "Sweden"}, {"Tokyo", "東京都", "Japan"}, {"Bengaluru", "Karnataka", "India"},
	{"Singapore", "Singapore", "Singapore"}, {"Sydney", "New South Wales", "Australia"}, {"São Paulo", "São Paulo", "Brazil"},
}

var jobTitles = []string{
	"Software Engineer", "Senior Software Engineer", "Staff Engineer", "Product Manager", "Product Designer", "Account Executive",
	"Customer Success Manager", "Data Scientist", "Recruiter", "Financial Analyst", "Security Engineer", "Site Reliability Engineer",
	"Marketing Lead", "Counsel", "Support Specialist (m/w/d)", "Développeur·euse Go", "営業担当",
}

var companies = []string{"Aperture Labs", "Café Río", "Elbe Logistik", "Fjord Analytics", "Kestrel Robotics", "Lumen Energía", "Orchid Insurance", "Zürich Präzision", "北極星ソフト"}

var schools = []string{"ETH Zürich", "University of Toronto", "École Polytechnique", "東京大学", "IIT Bombay", "Universidade de São Paulo", "Open University"}

var tagTitles = []string{
	"silver medalist", "referral", "relocation", "remote only", "visa needed", "boomerang", "diversity slate", "passive", "do not contact", "campus",
	"golang", "rust", "kubernetes", "ML", "manager track", "français", "日本語", "contractor", "exec", "alumni",
}

var sourceSeeds = []struct {
	kind   string
	titles []string
}{
	{"Inbound", []string{"Applied", "Careers page", "Job board"}},
	{"Job Boards", []string{"LinkedIn Jobs", "Indeed", "Hacker News", "StepStone", "Welcome to the Jungle"}},
	{"Sourced", []string{"LinkedIn", "GitHub", "AngelList", "Conference"}},
	{"Referral", []string{"Employee referral", "Investor referral"}},
	{"Agency", []string{"Agency A", "Cabinet Léger & Fils"}},
	{"Other", []string{"Event", "University", "Rehire"}},
}

var archiveReasonSeeds = []archiveReason{
	{Text: "Not enough experience", ReasonType: "RejectedByOrg"}, {Text: "Failed technical screen", ReasonType: "RejectedByOrg"},
	{Text: "Position closed", ReasonType: "RejectedByOrg"}, {Text: "Culture add unclear", ReasonType: "RejectedByOrg", IsArchived: true},
	{Text: "Accepted another offer", ReasonType: "RejectedByCandidate"}, {Text: "Compensation too low", ReasonType: "RejectedByCandidate"},
	{Text: "Withdrew", ReasonType: "RejectedByCandidate"}, {Text: "Duplicate", ReasonType: "Other"}, {Text: "Spam", ReasonType: "Other"},
}

var customFieldSeeds = []customField{
	{Title: "Notice period", ObjectType: "Candidate", FieldType: "String"},
	{Title: "Willing to relocate", ObjectType: "Candidate", FieldType: "Boolean"},
	{Title: "Seniority", ObjectType: "Candidate", FieldType: "ValueSelect", SelectableValues: options("Junior", "Mid", "Senior", "Staff")},
	{Title: "Languages", ObjectType: "Candidate", FieldType: "MultiValueSelect", SelectableValues: options("English", "Deutsch", "日本語")},
	{Title: "Expected salary", ObjectType: "Application", FieldType: "Currency", IsPrivate: true},
	{Title: "Available from", ObjectType: "Application", FieldType: "Date"},
	{Title: "Screening score", ObjectType: "Application", FieldType: "Number"},
	{Title: "Cost centre", ObjectType: "Job", FieldType: "String", IsRequired: true},
	{Title: "Budget", ObjectType: "Job", FieldType: "CompensationRange", IsPrivate: true},
	{Title: "Headcount band", ObjectType: "Opening", FieldType: "NumberRange"},
	{Title: "Justification", ObjectType: "Opening", FieldType: "LongText"},
	{Title: "Sign-on bonus", ObjectType: "Offer", FieldType: "Currency", IsPrivate: true},
	{Title: "Badge number", ObjectType: "Employee", FieldType: "String"},
	{Title: "Legacy rating", ObjectType: "Candidate", FieldType: "Number", IsArchived: true},
}

func options(labels ...string) []selectableValue {
	var out []selectableValue
	for _, l := range labels {
		out = append(out, selectableValue{Label: l, Value: l})
	}
	return out
}

var stageSeeds = []struct{ title, kind string }{
	{"New lead", "Lead"}, {"Application review", "PreInterviewScreen"}, {"Recruiter screen", "Active"}, {"Hiring manager screen", "Active"},
	{"Onsite", "Active"}, {"Offer", "Offer"}, {"Hired", "Hired"}, {"Archived", "Archived"},
}

var interviewTitles = []string{
	"Recruiter call", "Technical screen", "System design", "Pair programming", "Portfolio review", "Values interview", "Case study", "Panel",
	"Founder chat", "Debrief", "Gespräch mit dem Team", "Reference call",
}

var remarks = []string{
	"Strong on fundamentals & <b>clear</b> communicator.", "Asked for a later start date.", "Könnte im Herbst anfangen.", "Prefers e-mail over phone.",
	"Very interested in the platform team 🙂", "Salary expectation €95,000.", "Parle français couramment.", "Left a voicemail: \"call back Monday\".",
	"面接はオンライン希望。", "Referred by two people.", "Needs visa sponsorship.", "Great take-home, see the attached file.",
}
