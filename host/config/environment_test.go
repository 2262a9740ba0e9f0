package config

import "testing"

// TestEnvironment: what the file says of the connections that the environment makes. Nil
// Connections let it make them.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	const one = "connections: {a: {connector: pylon}}\n"
	for text, want := range map[string]struct{ none, asked bool }{
		"plugins: ./p\n":               {false, false},
		"environment: true\n":          {false, true},
		"environment: false\n":         {true, false},
		one:                            {true, false},
		"connections: {}\n":            {true, false},
		one + "environment: true\n":    {true, true},
		"environment: false\n" + one:   {true, false},
		"environment: true\n" + one:    {true, true},
		"environment: &e true\n" + one: {true, true},
	} {
		c, err := Parse("agenthost.yaml", []byte(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if (c.Connections != nil) != want.none || c.Environment != want.asked {
			t.Errorf("%q: Connections %v, Environment %t", text, c.Connections, c.Environment)
		}
	}
	for _, text := range []string{"environment: yes please\n", "environment: 1\n", "environment:\n", "environment: \"true\"\n", "enviroment: true\n"} {
		if _, err := Parse("agenthost.yaml", []byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
