package conformance

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/rawjson"
)

// resultsFit holds what the operation answers against the result that it declares: with the
// manifest's own answers, and with a record made up from the result in the place of those of the
// answer that was found.
func resultsFit(ctx context.Context, s *subject, c *Check) {
	if len(s.Result) == 0 {
		return
	}
	declared, err := connector.CompileSchema(s.Result)
	if err != nil {
		return // with the declaration
	}
	vendors := s.Answers
	var found any
	if json.Unmarshal(s.answer, &found) == nil {
		record := (&filling{}).value(parseSchema(s.Result), 0)
		vendors = append(vendors[:len(vendors):len(vendors)], marshal(replaceRecords(found, record)))
	}
	for _, answer := range vendors {
		r := s.run(ctx, s.sending, s.good(answer))
		if r.failed() != nil {
			continue // other checks have the failures
		}
		c.Cases++
		data := [][]byte{r.outcome.Data}
		if rawjson.KindOf(r.outcome.Data) == rawjson.Array {
			data = nil
			for record := range rawjson.Elements(r.outcome.Data) {
				data = append(data, record)
			}
		}
		for _, record := range data {
			if err := declared.Validate(ctx, record); err != nil {
				c.problem("%s answers %s, which differs from its result: %s", s.Name(), short(record), strings.ReplaceAll(message(err), "parameter ", "member "))
				break
			}
		}
	}
}

// replaceRecords puts a record in the place of those that discover puts into answers.
func replaceRecords(found, record any) any {
	switch found := found.(type) {
	case map[string]any:
		if id := found["id"]; len(found) == 1 && (id == "a" || id == "b") {
			return record
		}
		for name, value := range found {
			found[name] = replaceRecords(value, record)
		}
	case []any:
		for i, value := range found {
			found[i] = replaceRecords(value, record)
		}
	}
	return found
}
