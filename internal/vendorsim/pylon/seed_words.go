package pylon

// The words that the data is made of. Names and sentences in several scripts are here on purpose: a client that
// mangles them should be found out.

var firstNames = []string{
	"Ada", "Björn", "Chidi", "Dolores", "Émilie", "Farah", "Grace", "Hiroshi", "Ines", "Jürgen", "Katarzyna", "Liam", "Mei", "Nils",
	"Olga", "Priya", "Quentin", "Rosa", "Søren", "Tomás", "Uma", "Václav", "Wen", "Ximena", "Yusuf", "Zoë", "Αλέξανδρος", "Дмитрий", "さくら", "지우",
}

var lastNames = []string{
	"Andersson", "Brown", "Castillo", "Dubois", "Eriksen", "Ferrari", "García", "Haddad", "Ivanov", "Jansen", "Kowalski", "Li", "Müller", "Nguyễn",
	"O'Brien", "Patel", "Quirós", "Rossi", "Šimić", "Tanaka", "Ueda", "Vogel", "Williams", "Xu", "Yılmaz", "Zhang", "Öztürk",
}

var companyNames = []string{
	"Aperture Labs", "Blue Bottle Freight", "Café Río", "Delta Hydraulics", "Elbe Logistik", "Fjord Analytics", "Granite Bank", "Harbor & Sons", "Ikigai Foods",
	"Juniper Health", "Kestrel Robotics", "Lumen Energía", "Meridian Maps", "Nordlys Media", "Orchid Insurance", "Pinewood Games", "Quartz Semiconductors",
	"Redwood Education", "Sable Security", "Tidewater Shipping", "Umbra Optics", "Vesta Heating", "Willow Retail", "Xenon Motors", "Yonder Travel", "Zephyr Airlines",
	"Zürich Präzision", "北極星ソフト", "Ñandú Agro", "Þór Verk",
}

var companySuffixes = []string{"Europe", "Group", "Holdings", "International", "Japan", "Labs", "Nordic", "Partners", "Services", "US"}

var teamNames = []string{
	"Support EMEA", "Support Americas", "Support APAC", "Escalations", "Onboarding", "Billing", "Solutions", "Developer Relations", "Security", "Success",
	"Night Shift", "Infrastructure", "Data", "Équipe francophone",
}

var tagWords = []string{
	"bug", "billing", "urgent-customer", "feature-request", "how-to", "login", "sso", "api", "webhook", "performance", "export", "import", "mobile", "dashboard",
	"permissions", "gdpr", "outage", "regression", "docs", "onboarding", "renewal", "vip", "français", "日本語", "beta", "sandbox", "quota", "invoice", "notifications", "search",
}

var colours = []string{"#d73a4a", "#0e8a16", "#1d76db", "#fbca04", "#5319e7", "#b60205", "#006b75", "#c2e0c6"}

var jobTitles = []string{"Engineer", "Head of Support", "IT Manager", "CTO", "Operations Lead", "Buchhaltung", "Product Owner"}

var products = []string{"Dashboard", "Webhooks", "Billing portal", "CSV export", "SSO", "Search", "Mobile app", "Audit log", "Public API", "Notifications", "Importer", "Slack bridge"}

var subjects = []string{
	"%s stopped working after the last release", "How do I enable %s for a new team?", "%s is slow since Monday", "Error 500 when opening %s",
	"Question about %s limits", "%s shows yesterday's data", "Cannot log in to %s", "Feature request: %s in dark mode", "%s – Fehler beim Speichern", "%s ne répond plus",
}

var taskTitles = []string{"Configure %s", "Review %s with the customer", "Document the %s setup", "Train the team on %s", "Migrate %s"}

var articleTitles = []string{"Set up %s", "%s: limits and quotas", "Troubleshoot %s", "What is %s?", "%s for administrators"}

var milestoneNames = []string{"Kick-off", "Technical setup", "Data migration", "Training", "Go-live", "Review"}

var sentences = []string{
	"We see this in every browser.",
	"It worked until last week.",
	"Our team of 40 is blocked.",
	"The log says \"timeout after 30 s\".",
	"Steps: open the page, click <b>Save</b>, wait.",
	"Könnt ihr das bitte prüfen?",
	"Nothing changed on our side.",
	"Merci d'avance !",
	"A screenshot is attached.",
	"これは本番環境で起きています。",
	"Is there a workaround &amp; an ETA?",
	"The invoice shows €1,204.50 twice.",
	"It fails for admins only.",
	"Retrying helps about half the time.",
	"Thanks for the quick help 🙏",
	"The second region is fine.",
}

var customFieldSeeds = []customField{
	{Slug: "priority", Label: "Priority", ObjectType: "issue", Type: "select", Description: "How fast it has to go.", SelectMetadata: &selectMetadata{
		Options: []selectOption{{"Urgent", "urgent"}, {"High", "high"}, {"Medium", "medium"}, {"Low", "low"}},
	}},
	{Slug: "affected_regions", Label: "Affected regions", ObjectType: "issue", Type: "multiselect", SelectMetadata: &selectMetadata{
		Options: []selectOption{{"EU West", "eu-west"}, {"US East", "us-east"}},
	}},
	{Slug: "root_cause", Label: "Root cause", ObjectType: "issue", Type: "text"},
	{Slug: "refund_amount", Label: "Refund amount", ObjectType: "issue", Type: "number", NumberMetadata: &numberMetadata{Currency: "USD", DecimalPlaces: 2, Format: "currency"}},
	{Slug: "plan", Label: "Plan", ObjectType: "account", Type: "select", SelectMetadata: &selectMetadata{
		Options: []selectOption{{"Free", "free"}, {"Team", "team"}, {"Business", "business"}, {"Enterprise", "enterprise"}},
	}},
	{Slug: "arr", Label: "ARR", ObjectType: "account", Type: "number", Source: "salesforce", IsReadOnly: true, NumberMetadata: &numberMetadata{Currency: "USD", Format: "currency"}},
	{Slug: "job_title", Label: "Job title", ObjectType: "contact", Type: "text"},
	{Slug: "newsletter", Label: "Newsletter", ObjectType: "contact", Type: "boolean"},
	{Slug: "effort", Label: "Effort", ObjectType: "task", Type: "number", NumberMetadata: &numberMetadata{Format: "number"}},
	{Slug: "risk", Label: "Risk", ObjectType: "project", Type: "select", SelectMetadata: &selectMetadata{Options: []selectOption{{"High", "high"}, {"Low", "low"}}}},
	{Slug: "meeting_notes", Label: "Meeting notes", ObjectType: "meeting", Type: "text"},
	{Slug: "deal_size", Label: "Deal size", ObjectType: "opportunity", Type: "number"},
}
