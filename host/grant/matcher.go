package grant

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// matcher is the values or the pattern of a rule.
type matcher struct {
	values  map[string]bool // by canonical
	listed  []string        // as JSON, in the order of the rule
	pattern *regexp.Regexp
	source  string // of pattern
}

// maxValues is how many values a rule may list.
const maxValues = 1000

func newMatcher(rule ParamRule) (matcher, error) {
	switch {
	case len(rule.Values) > 0 && rule.Pattern != "":
		return matcher{}, errors.New("has both values and a pattern")
	case len(rule.Values) > maxValues:
		return matcher{}, fmt.Errorf("has %d values, the limit is %d", len(rule.Values), maxValues)
	case rule.Pattern != "":
		// By itself first: a pattern that is only one in our parentheses could close them.
		if _, err := regexp.Compile(rule.Pattern); err != nil {
			return matcher{}, errors.New("has a pattern that is no regular expression")
		}
		whole, err := regexp.Compile(`\A(?:` + rule.Pattern + `)\z`)
		if err != nil {
			return matcher{}, errors.New("has a pattern that is no regular expression")
		}
		return matcher{pattern: whole, source: rule.Pattern}, nil
	case len(rule.Values) == 0:
		return matcher{}, errors.New("has neither values nor a pattern")
	}
	m := matcher{values: make(map[string]bool, len(rule.Values))}
	for _, value := range rule.Values {
		text, err := json.Marshal(value)
		if err != nil {
			return matcher{}, fmt.Errorf("has the value %v, which is no JSON", value)
		}
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber()
		var decoded any
		if err := decoder.Decode(&decoded); err != nil {
			return matcher{}, err
		}
		key, ok := canonical(decoded)
		if !ok {
			return matcher{}, fmt.Errorf("has the value %s, which is a list or an object", text)
		}
		m.values[key] = true
		m.listed = append(m.listed, string(text))
	}
	return m, nil
}

func (m matcher) match(value any) bool {
	if m.pattern != nil {
		text, ok := value.(string)
		// What is no Unicode became U+FFFD here, and may be something else to a guest.
		return ok && !strings.ContainsRune(text, utf8.RuneError) && m.pattern.MatchString(text)
	}
	key, ok := canonical(value)
	return ok && m.values[key]
}

// mostShown is how many values a message lists.
const mostShown = 10

// String completes the sentence "team_id must be ...".
func (m matcher) String() string {
	if m.pattern != nil {
		return "a text that matches " + m.source
	}
	shown := m.listed[:min(len(m.listed), mostShown)]
	text := strings.Join(shown, ", ")
	if more := len(m.listed) - len(shown); more > 0 {
		text += fmt.Sprintf(" or %d others", more)
	}
	if len(m.listed) == 1 {
		return text
	}
	return "one of " + text
}

// config writes the rule the way a configuration does.
func (m matcher) config() string {
	if m.pattern != nil {
		return "{pattern: " + strconv.Quote(m.source) + "}"
	}
	text := strings.Join(m.listed[:min(len(m.listed), mostShown)], ", ")
	if len(m.listed) > mostShown {
		text += ", ..."
	}
	return "[" + text + "]"
}

// canonical returns a text that two JSON values share if they are equal. Lists and
// objects have none.
func canonical(value any) (string, bool) {
	switch v := value.(type) {
	case nil:
		return "null", true
	case bool:
		return strconv.FormatBool(v), true
	case string:
		return `"` + v, true
	case json.Number:
		return number(v.String()), true
	}
	return "", false
}

// number writes a JSON number as its digits and the power of ten that they are counted
// in, so that 1, 1.0 and 10e-1 are one. Nothing is rounded.
func number(text string) string {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	power := 0
	if exponent != "" {
		n, err := strconv.ParseInt(exponent, 10, 32)
		if err != nil {
			return "?" + text // equal to itself alone
		}
		power = int(n)
	}
	sign := ""
	if rest, negative := strings.CutPrefix(mantissa, "-"); negative {
		sign, mantissa = "-", rest
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	power -= len(fraction)
	trimmed := strings.TrimRight(digits, "0")
	power += len(digits) - len(trimmed)
	if trimmed == "" {
		return "0"
	}
	return sign + trimmed + "e" + strconv.Itoa(power)
}
