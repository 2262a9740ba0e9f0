package incidentio

// The words that the data is made of. Names and sentences in several scripts are here on purpose: a client that
// mangles them should be found out.

var firstNames = []string{
	"Amara", "Bohdan", "Chloé", "Dmitri", "Eilidh", "Fátima", "Goran", "Hana", "Ibrahim", "Jørgen", "Keiko", "Łukasz", "Malala", "Noor",
	"Óscar", "Petra", "Rhys", "Siobhán", "Théo", "Umut", "Vera", "Wanjiru", "Xóchitl", "Yara", "Zdeněk", "Ελένη", "翔太", "민준",
}

var lastNames = []string{
	"Abebe", "Bakker", "Čapek", "Diallo", "Estévez", "Fraser", "Grímsson", "Hoang", "Ismail", "Jónsdóttir", "Kapoor", "Lindqvist", "Mbeki",
	"Novák", "O'Neill", "Papadopoulos", "Ruiz", "Saitō", "Třeštík", "Usman", "van der Meer", "Weiß", "Zieliński",
}

var services = []string{
	"checkout", "payments", "search", "login", "notifications", "billing", "catalogue", "recommendations", "webhooks", "exports", "mobile-gateway", "image-resizer",
	"fraud-check", "inventory", "feature-flags", "audit-log", "scheduler", "mailer", "geo", "ledger",
}

var symptoms = []string{
	"%s: error rate above 5%%", "%s is slow", "%s returns 502", "%s: certificate expires in 3 days", "%s database out of disk", "%s: queue is growing",
	"%s – Verbindungen brechen ab", "%s ne répond plus", "%s で遅延が発生", "%s: retries exhausted", "%s serves stale data",
}

var teamNames = []string{
	"Platform", "Payments", "Search", "Identity", "Mobile", "Data", "Growth", "Infrastructure", "Customer Experience", "Équipe Paris", "Security", "Ledger",
}

var updateMessages = []string{
	"We have found the cause and are rolling back.", "Rollback is done; error rate is falling.", "No change, waiting for the provider.", "Failed over to the second region.",
	"Wir beobachten weiter.", "Cause: a migration locked the table.\n\nNext update in 30 minutes.", "Résolu pour 80 % des clients.", "Monitoring.",
}

var chores = []string{
	"Add an alert for %s", "Write a runbook for %s", "Raise the connection limit of %s", "Remove the retry storm in %s", "Load-test %s", "Rotate the keys of %s", "Document how %s fails over",
}

var customers = []string{
	"Aperture Labs", "Blue Bottle Freight", "Café Río", "Delta Hydraulics", "Elbe Logistik", "Fjord Analytics", "Granite Bank", "Harbor & Sons", "Ikigai Foods", "Ñandú Agro", "北極星ソフト",
}
