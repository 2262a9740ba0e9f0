package hostile_test

import "testing"

// corpus is every table.
func corpus() map[string][]attack {
	return map[string][]attack{
		"requests": requestAttacks(), "headers": headerAttacks(), "redirects": redirectAttacks(), "addresses": addressAttacks(),
		"reflection": reflectionAttacks(), "declarations": declarationAttacks(),
	}
}

// leastAttacks is how many connectors the corpus has at least.
const leastAttacks = 300

func TestCorpus(t *testing.T) {
	count, names := 0, make(map[string]bool)
	for table, attacks := range corpus() {
		for _, a := range attacks {
			if name := table + "/" + a.name; names[name] {
				t.Errorf("two attacks are called %q", name)
			} else {
				names[name] = true
			}
			count++
		}
	}
	t.Logf("%d connectors", count)
	if count < leastAttacks {
		t.Errorf("%d connectors, want %d", count, leastAttacks)
	}
	for table, attacks := range corpus() {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			for i, a := range attacks {
				if underRace && i%3 != 0 {
					continue // a module each, and little that two goroutines share
				}
				t.Run(a.name, func(t *testing.T) { a.run(t) })
				if a.vendor != nil && !a.lab { // what it answers comes over another path
					a.http2 = true
					t.Run(a.name+", over HTTP/2", func(t *testing.T) { a.run(t) })
				}
			}
		})
	}
}

// TestHonestConnector is the control: what the attacks change works without them.
func TestHonestConnector(t *testing.T) {
	for _, lab := range []bool{false, true} {
		a := attack{lab: lab, path: "/things/1"}
		a.run(t)
	}
}
