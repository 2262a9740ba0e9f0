package main

import (
	"testing"

	"github.com/agenthost/agenthost/pdk/pdktest"
)

func TestCreate(t *testing.T) {
	r := pdktest.Run(t, &connector, pdktest.Script(t, pdktest.Exchange{
		Method: "POST", URL: "/books", Body: `{"title":"Emma","source":"agenthost"}`, Status: 201, Answer: `{"book":{"id":"b1"}}`,
	}))
	data, _, err := r.Execute("books", "create", map[string]any{"title": "Emma"})
	if err != nil || string(data) != `{"id":"b1"}` {
		t.Errorf("%s, %v", data, err)
	}
}
