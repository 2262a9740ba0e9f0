package ashby

import "strconv"

// Forms have fixed fields: what matters is the shape.

func field(id, kind, path, title string, required bool) formEntry {
	return formEntry{IsRequired: required, Field: formField{ID: id, Type: kind, Path: path, HumanReadablePath: title, Title: title, IsNullable: !required}}
}

func applicationForm() formDefinition {
	return formDefinition{Sections: []formSection{{Title: "Application", Fields: []formEntry{
		field("f0000001-0000-4000-8000-000000000001", "String", "_systemfield_name", "Name", true),
		field("f0000001-0000-4000-8000-000000000002", "Email", "_systemfield_email", "Email", true),
		field("f0000001-0000-4000-8000-000000000003", "File", "_systemfield_resume", "Resume", false),
		field("f0000001-0000-4000-8000-000000000004", "LongText", "motivation", "Why us?", false),
	}}}}
}

func offerForm() formDefinition {
	return formDefinition{Sections: []formSection{{Title: "Offer", Fields: []formEntry{
		field("f0000002-0000-4000-8000-000000000001", "Date", "_systemfield_startDate", "Start date", true),
		field("f0000002-0000-4000-8000-000000000002", "Currency", "_systemfield_salary", "Salary", true),
	}}}}
}

func feedbackDefinition() formDefinition {
	recommendation := field("f0000003-0000-4000-8000-000000000001", "ValueSelect", "overall_recommendation", "Overall recommendation", true)
	recommendation.Field.SelectableValues = []selectableValue{{Label: "Strong yes", Value: "4"}, {Label: "Yes", Value: "3"}, {Label: "No", Value: "2"}, {Label: "Strong no", Value: "1"}}
	notes := field("f0000003-0000-4000-8000-000000000002", "RichText", "feedback", "Feedback", false)
	notes.DescriptionHTML, notes.DescriptionPlain = "<p>What did you see &amp; hear?</p>", "What did you see & hear?"
	return formDefinition{Sections: []formSection{{Title: "Scorecard", Fields: []formEntry{recommendation, notes}}}}
}

func (s *seeder) feedbackDefinitions() {
	for i := range 8 {
		f := feedbackForm{
			ID: s.newID(), OrganizationID: s.org, Title: "Scorecard " + strconv.Itoa(i+1), IsArchived: i == 6, IsDefaultForm: i == 0, FormDefinition: feedbackDefinition(),
		}
		s.feedbackForms.Insert(f.ID, 0, f)
	}
}
