package conformance

import (
	"bytes"
	"context"

	"github.com/agenthost/agenthost/pdk/abi"
)

// exact is an integer that a float64 rounds, and rounded how the two begin. Ids are as long.
const (
	exact   = "9007199254740993"
	rounded = "900719925474099"
)

// numbersKept puts an integer into the id of records. A connector may leave it out, but must not
// change it.
func numbersKept(ctx context.Context, s *subject, c *Check) {
	if s.Effect != abi.EffectRead || !s.records {
		return
	}
	body := bytes.ReplaceAll(s.answer, []byte(`"id":"a"`), []byte(`"id":`+exact))
	if bytes.Equal(body, s.answer) {
		return
	}
	c.Cases++
	r := s.run(ctx, s.sending, answers(200, body))
	if r.failed() != nil || bytes.Contains(r.outcome.Data, []byte(exact)) {
		return
	}
	if plain := bytes.ReplaceAll(r.outcome.Data, []byte("."), nil); bytes.Contains(plain, []byte(rounded)) {
		c.problem("%s changes the number %s: keep the vendor's digits, and do not read numbers as float64", s.Name(), exact)
	}
}
