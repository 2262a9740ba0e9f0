package connector

import (
	"fmt"
	"github.com/agenthost/agenthost/internal/fault"
	"time"

	"github.com/agenthost/agenthost/internal/pattern"
	"github.com/agenthost/agenthost/pdk/abi"
)

// CheckField checks the value of a field that is not secret: its pattern, and its format if that
// is a time. The error has kind invalid_params and the Field at; it shows the value.
func CheckField(at string, f *abi.AuthField, value string) error {
	var problem string
	if f.Pattern != "" {
		whole, err := pattern.Whole(f.Pattern)
		if err != nil {
			return malformed(at, "has a pattern that is not a regular expression")
		}
		if !whole.MatchString(value) {
			problem = "does not have the required form"
		}
	}
	switch {
	case value == "":
		problem = "is empty"
	case problem != "":
	case f.Format == "date-time":
		if _, err := time.Parse(time.RFC3339, value); err != nil {
			problem = "is not an existing date and time"
		}
	case f.Format == "date":
		if _, err := time.Parse(time.DateOnly, value); err != nil {
			problem = "is not an existing date"
		}
	}
	if problem == "" {
		return nil
	}
	return fault.Invalid(at, fmt.Sprintf("%s is %q, which %s", f.Name, clip(value), problem), fieldHint(f))
}

// fieldHint shows a good value.
func fieldHint(f *abi.AuthField) string {
	whole, err := pattern.Whole(f.Pattern)
	for _, example := range []string{"2026-01-31T09:30:00Z", "2026-01-31T00:00:00Z", "2026-01-31"} {
		isTime := f.Format == "date-time" || f.Format == "date"
		if err == nil && isTime && (f.Pattern == "" || whole.MatchString(example)) && (len(example) == len(time.DateOnly)) == (f.Format == "date") {
			return "write it as in " + example
		}
	}
	return f.Description
}
