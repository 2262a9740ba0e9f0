package architecture

import (
	"strings"
	"testing"
)

// rule is something that holds everywhere in the repository.
type rule struct {
	name string
	// why is printed when the rule is broken.
	why string
	// names are the packages that the rule speaks of. One that is gone means that the
	// rule guards nothing any more.
	names []string
	// check returns what breaks the rule, each with its place.
	check func(*tree) []string
	// broken is code that breaks the rule, and kept is code close to it that does not:
	// they prove that check can tell.
	broken, kept map[string]string
}

func rules() []rule {
	var all []rule
	for _, table := range [][]rule{importRules(), moduleRules(), useRules(), sourceRules()} {
		all = append(all, table...)
	}
	return all
}

func TestRules(t *testing.T) {
	r := repository(t)
	if len(r.packages) < 20 {
		t.Fatalf("only %d packages were found", len(r.packages))
	}
	for _, rule := range rules() {
		t.Run(rule.name, func(t *testing.T) {
			for _, name := range rule.names {
				if len(r.sorted(name)) == 0 {
					t.Errorf("the rule names %s, and there is no such package: correct the rule in internal/architecture", name)
				}
			}
			broken := rule.check(r)
			for _, b := range broken {
				t.Error(b)
			}
			if len(broken) > 0 {
				t.Errorf("why not: %s", rule.why)
			}
		})
	}
}

// TestRulesCatch plants code that breaks each rule.
func TestRulesCatch(t *testing.T) {
	for _, rule := range rules() {
		t.Run(rule.name, func(t *testing.T) {
			if len(rule.broken) == 0 || rule.why == "" {
				t.Fatal("a rule needs a reason, and code that breaks it")
			}
			for name, source := range rule.broken {
				found := rule.check(planted(t, map[string]string{name: source}))
				if len(found) == 0 {
					t.Errorf("not caught: %s:\n%s", name, source)
				}
				for _, f := range found {
					if !strings.HasPrefix(f, name) {
						t.Errorf("%q does not say where", f)
					}
				}
			}
			for name, source := range rule.kept {
				for _, f := range rule.check(planted(t, map[string]string{name: source})) {
					t.Errorf("caught without need: %s", f)
				}
			}
		})
	}
}

// TestGonePackage proves that a rule about a package that is gone is found out.
func TestGonePackage(t *testing.T) {
	r := planted(t, map[string]string{"internal/egress/send.go": "package egress"})
	if len(r.sorted("internal/egress")) != 1 || len(r.sorted("internal/...")) != 1 || len(r.sorted("internal/exit")) != 0 || len(r.sorted("internal/e/...")) != 0 {
		t.Error("patterns do not find the right packages")
	}
}
