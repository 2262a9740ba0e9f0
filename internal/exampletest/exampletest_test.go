package exampletest

import (
	"testing"

	"github.com/agenthost/agenthost/host"
)

func TestScript(t *testing.T) {
	h := Host(t)
	tools, err := h.Tools(t.Context(), host.ToolOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var offered []Offered
	for _, one := range tools {
		offered = append(offered, Offered{one.Name, one.Description, one.Input})
	}
	model, heard := NewModel(t), ""
	for {
		move := model.Next(offered, heard)
		if move.Tool == "" {
			model.Check(move.Text, PickedUpByNobody(t, h))
			return
		}
		heard, _ = tools.Answer(t.Context(), move.Tool, move.Args)
		t.Log(heard)
	}
}
