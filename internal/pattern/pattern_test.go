package pattern_test

import (
	"regexp/syntax"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/pattern"
)

func TestCompile(t *testing.T) {
	t.Parallel()
	for expression, wrong := range map[string]string{
		`^[a-z]+$`: "",
		`^([a-zA-Z0-9_.+-]+)@([a-zA-Z0-9-]+\.)+[a-zA-Z]{2,63}$`:               "",
		`^[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$`: "",
		`a{1000}`:                       "",
		`\p{L}{1,10}`:                   "",
		`\p{L}{1000}`:                   "steps",
		strings.Repeat(`a{1000}`, 20):   "steps",
		`(((((a{100}){100}){100})`:      "not a regular expression",
		strings.Repeat(`a`, 4097):       "limit is 4096",
		strings.Repeat(`(`, 2000):       "not a regular expression",
		`(?=a)`:                         "not a regular expression",
		`a)|(?:b`:                       "not a regular expression",
		strings.Repeat(`a?`, 500):       "",
		`(?i)` + strings.Repeat(`k`, 9): "",
	} {
		_, err := pattern.Compile(expression)
		if (err == nil) != (wrong == "") || err != nil && !strings.Contains(err.Error(), wrong) {
			t.Errorf("%.40q: %v, want %q", expression, err, wrong)
		}
	}
}

func TestWhole(t *testing.T) {
	t.Parallel()
	p, err := pattern.Whole(`a|b`)
	if err != nil || !p.MatchString("a") || !p.MatchString("b") || p.MatchString("ab") || p.MatchString("a\n") {
		t.Errorf("%v, %v", p, err)
	}
	if _, err := pattern.Whole(`a)|(?:b`); err == nil {
		t.Error("a text that closes the parentheses around it is taken for a pattern")
	}
}

// FuzzSize holds the estimate against the program that Go makes.
func FuzzSize(f *testing.F) {
	for _, expression := range []string{`a{0,1000}`, `(a{2,}b){3}`, `(?i)straße`, `[^a]|\d+?`, `\pL{3}`, `()`, `a{0}`, `(?:a|b|cd)*`, `^\b$\A\z`} {
		f.Add(expression)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		p, err := pattern.Compile(expression)
		if err != nil {
			return
		}
		parsed, err := syntax.Parse(expression, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		program, err := syntax.Compile(parsed.Simplify())
		if err != nil {
			t.Fatal(err)
		}
		if made := len(program.Inst); made > 2*p.Size+10 {
			t.Errorf("%q: %d instructions, counted as %d", expression, made, p.Size)
		}
	})
}
