package airbyte

import (
	"net/http"
	"time"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

type problem = airbyteapi.Problem

// refuse answers an error in the service's own form.
func refuse(w http.ResponseWriter, status int, message string, problems ...problem) {
	if problems == nil {
		problems = []problem{}
	}
	answer(w, status, airbyteapi.ErrorAnswer{Message: message, Errors: problems})
}

// detail answers an error in the form of the service's framework.
func detail(w http.ResponseWriter, status int, text string) {
	answer(w, status, airbyteapi.DetailAnswer{Detail: text})
}

// detailAt answers 422 for one part of a request.
func detailAt(w http.ResponseWriter, message, kind string, location ...string) {
	answer(w, http.StatusUnprocessableEntity, airbyteapi.DetailAnswer{Detail: []airbyteapi.Location{{Where: location, Message: message, Type: kind}}})
}

func answer(w http.ResponseWriter, status int, v any) {
	contract.SendJSON(w, "application/json", status, contract.Encode(v))
}

func isTime(text string) bool {
	_, err := time.Parse(time.RFC3339, text)
	return err == nil
}
