package connector

import (
	"errors"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
)

func TestCheckField(t *testing.T) {
	pylon := &abi.AuthField{Name: "start_date", Format: "date-time", Pattern: `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`}
	ashby := &abi.AuthField{Name: "start_date", Format: "date-time", Pattern: `\d{4}-\d\d-\d\dT00:00:00Z`}
	for _, test := range []struct {
		field           *abi.AuthField
		value, say, try string
	}{
		{pylon, "2026-01-31T09:30:00Z", "", ""},
		{pylon, "2026-01-31", "does not have the required form", "2026-01-31T09:30:00Z"},
		{pylon, "2026-02-30T09:30:00Z", "not an existing date and time", "2026-01-31T09:30:00Z"},
		{pylon, "2026-01-31T09:30:00+01:00", "does not have the required form", ""},
		{pylon, "2026-01-31T09:30:00Z\n", "does not have the required form", ""},
		{pylon, "", "is empty", ""},
		{ashby, "2026-01-31T00:00:00Z", "", ""},
		{ashby, "2026-01-31T09:30:00Z", "does not have the required form", "2026-01-31T00:00:00Z"},
		{&abi.AuthField{Name: "day", Format: "date"}, "2026-02-30", "not an existing date", "2026-01-31"},
		{&abi.AuthField{Name: "day", Format: "date"}, "2026-02-28", "", ""},
		{&abi.AuthField{Name: "any"}, "x", "", ""},
	} {
		err := CheckField("replication."+test.field.Name, test.field, test.value)
		var e *abi.Error
		switch {
		case test.say == "" && err != nil:
			t.Errorf("%q: %v", test.value, err)
		case test.say == "":
		case !errors.As(err, &e) || e.Kind != abi.KindInvalidParams || !strings.Contains(e.Message, test.say) || !strings.Contains(e.Hint, test.try):
			t.Errorf("%q: %#v", test.value, err)
		}
	}
}
