package main

import (
	"testing"

	"github.com/agenthost/agenthost/pdk/pdktest"
)

func TestGreeting(t *testing.T) {
	r := pdktest.Run(t, &connector, pdktest.Script(t, pdktest.Exchange{
		Method: "GET", URL: "/greetings/Ada?language=de", Answer: `{"greeting":{"text":"Hallo Ada"}}`,
	}))
	data, _, err := r.Execute("greetings", "get", map[string]any{"name": "Ada", "language": "de"})
	if err != nil || string(data) != `{"text":"Hallo Ada"}` {
		t.Errorf("%s, %v", data, err)
	}
}
