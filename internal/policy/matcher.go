package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/pattern"
	"github.com/agenthost/agenthost/internal/rawjson"
)

// matcher has the values or the pattern of a rule.
type matcher struct {
	values  map[string]bool // by canonical
	listed  []string        // as JSON, in the order of the rule
	pattern *pattern.Pattern
	source  string // of pattern
}

// maxValues is the largest number of values in a rule.
const maxValues = 1000

func newMatcher(rule grant.ParamRule) (matcher, error) {
	switch {
	case len(rule.Values) > 0 && rule.Pattern != "":
		return matcher{}, errors.New("has both values and a pattern")
	case len(rule.Values) > maxValues:
		return matcher{}, fmt.Errorf("has %d values, but the limit is %d", len(rule.Values), maxValues)
	case rule.Pattern != "":
		whole, err := pattern.Whole(rule.Pattern)
		if err != nil {
			return matcher{}, fmt.Errorf("has a pattern that %w", err)
		}
		return matcher{pattern: whole, source: rule.Pattern}, nil
	case len(rule.Values) == 0:
		return matcher{}, errors.New("has neither values nor a pattern")
	}
	m := matcher{values: make(map[string]bool, len(rule.Values))}
	for _, value := range rule.Values {
		text, err := json.Marshal(value)
		if err != nil {
			return matcher{}, fmt.Errorf("has the value %v, which is not JSON", value)
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
		// Invalid Unicode became U+FFFD here, and a guest may read it as something else.
		return ok && !strings.ContainsRune(text, utf8.RuneError) && m.pattern.MatchString(text)
	}
	key, ok := canonical(value)
	return ok && m.values[key]
}

// mostShown is the largest number of values in a message.
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

// config formats the rule as in a configuration.
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

// canonical returns a text that is the same for equal JSON values. It fails for lists and
// objects.
func canonical(value any) (string, bool) {
	switch v := value.(type) {
	case nil:
		return "null", true
	case bool:
		return strconv.FormatBool(v), true
	case string:
		return `"` + v, true
	case json.Number:
		return rawjson.CanonicalNumber(v.String()), true
	}
	return "", false
}
