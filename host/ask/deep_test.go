package ask

import (
	"strings"
	"testing"
)

// TestDeepBody: the text of a plan is not much longer than what it shows, however deep that is.
//
// threat: D8
func TestDeepBody(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		strings.Repeat("[", 5000) + strings.Repeat("1,", 500) + "1" + strings.Repeat("]", 5000),
		`{"a":` + strings.Repeat(`{"a":`, 3000) + "1" + strings.Repeat("}", 3001),
	} {
		p := Plan{Params: []byte("{}"), Requests: []Request{{Method: "POST", Body: []byte(body)}}}
		if text := p.Text(); len(text) > 2*len(body) || !strings.Contains(text, body) {
			t.Errorf("%d bytes are shown in %d", len(body), len(text))
		}
	}
	p := Plan{Params: []byte(`{"a":[1]}`)}
	if !strings.Contains(p.Text(), "\n      \"a\": [\n") {
		t.Errorf("what is not deep is indented: %s", p.Text())
	}
}
