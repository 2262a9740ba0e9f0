package rawjson

import (
	"strings"
	"testing"
)

func TestCheckNumber(t *testing.T) {
	t.Parallel()
	for number, ok := range map[string]bool{
		"0": true, "-12.5e-3": true, "1e400": true, "1E-400": true, strings.Repeat("9", 400): true, "1e+400": true, "1e0000000400": true,
		"1e401": false, "1e-401": false, "1e99999999": false, "1e-99999999": false, "1e99999999999999999999": false,
		strings.Repeat("9", 401): false, "0." + strings.Repeat("9", 400): false,
	} {
		if err := CheckNumber([]byte(number)); (err == nil) != ok {
			t.Errorf("%.20s: %v", number, err)
		} else if err != nil && strings.Contains(err.Error(), number) {
			t.Errorf("%.20s is quoted", number)
		}
	}
}

func TestDecodeBounds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"exponent":     {`{"a":[1e99999999]}`, "exponent beyond 400"},
		"digits":       {`{"a":` + strings.Repeat("1", 2_000_000) + `}`, "2000000 characters"},
		"values":       {"[" + strings.Repeat("1,", MaxValues) + "1]", "more than 262144 values"},
		"empty values": {"[" + strings.Repeat("{},", MaxValues) + "[]]", "more than 262144 values"},
		"depth":        {strings.Repeat("[", 66) + strings.Repeat("]", 66), "nested too deeply"},
		"a name twice": {`{"a":[{"b":1,"b":1e99999999}]}`, ""},
		"not JSON":     {`{"a":[1,]}`, "no value starts like this at byte 8"},
		"text after":   {`{} {}`, "text after the value at byte 3"},
		"an empty one": {``, "unexpected end at byte 0"},
	} {
		value, twice, err := Decode([]byte(c.text))
		if value != nil || (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) || (twice == "b") != (name == "a name twice") {
			t.Errorf("%s: %v, %q, %v", name, value, twice, err)
		}
	}
}
