package connector

import (
	"fmt"
	"regexp"
	"time"

	"github.com/agenthost/agenthost/pdk/abi"
)

// CheckField checks the value of a field that is no secret: its pattern, and its format
// where that is a time. The error has kind invalid_params, and Field says where the value
// stands; it shows the value.
func CheckField(at string, f *abi.AuthField, value string) error {
	var problem string
	if f.Pattern != "" {
		whole, err := regexp.Compile(`\A(?:` + f.Pattern + `)\z`)
		if err != nil {
			return fault(at, "has a pattern that is no regular expression")
		}
		if !whole.MatchString(value) {
			problem = "is not in the form that is wanted"
		}
	}
	switch {
	case value == "":
		problem = "is empty"
	case problem != "":
	case f.Format == "date-time":
		if _, err := time.Parse(time.RFC3339, value); err != nil {
			problem = "is no date and time that exists"
		}
	case f.Format == "date":
		if _, err := time.Parse(time.DateOnly, value); err != nil {
			problem = "is no date that exists"
		}
	}
	if problem == "" {
		return nil
	}
	return invalid(at, fmt.Sprintf("%s is %s, which %s", f.Name, quoteShort(value), problem), fieldHint(f))
}

// fieldHint shows a value that would do.
func fieldHint(f *abi.AuthField) string {
	whole, err := regexp.Compile(`\A(?:` + f.Pattern + `)\z`)
	for _, example := range []string{"2026-01-31T09:30:00Z", "2026-01-31T00:00:00Z", "2026-01-31"} {
		isTime := f.Format == "date-time" || f.Format == "date"
		if err == nil && isTime && (f.Pattern == "" || whole.MatchString(example)) && (len(example) == len(time.DateOnly)) == (f.Format == "date") {
			return "write it as in " + example
		}
	}
	return f.Description
}
