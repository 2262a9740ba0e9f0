package browsertest

import "testing"

// TestProblem: a page that says what is wrong is one that everybody can read.
func TestProblem(t *testing.T) {
	t.Parallel()
	s := serve(t, "")
	p := newTab(t, s.url)
	p.open("/pages/nowhere")
	if got := p.title(); got != "There is no such page" {
		t.Errorf("the title is %q", got)
	}
	p.looks("problem")
}
