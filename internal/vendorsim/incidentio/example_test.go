package incidentio_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/agenthost/agenthost/internal/vendorsim/contract/contracttest"
	"github.com/agenthost/agenthost/internal/vendorsim/incidentio"
)

func call(v http.Handler, token, method, target, body string) *httptest.ResponseRecorder {
	return contracttest.Call(v, method, target, body, "Authorization", "Bearer "+token)
}

// State is real: what is created can be fetched, by the number in its reference too.
func ExampleNew() {
	v := incidentio.New(incidentio.Options{Token: "inc_full", Scale: incidentio.SmallScale()})
	call(v, "inc_full", "POST", "/v2/incidents", `{"name":"Printer on fire","visibility":"public","idempotency_key":"1"}`)
	w := call(v, "inc_full", "GET", "/v2/incidents/221", "")
	fmt.Println(w.Code, strings.Contains(w.Body.String(), "Printer on fire"))
	// Output: 200 true
}

// A key without the scope gets the vendor's error body, which names it.
func ExampleOptions_readToken() {
	v := incidentio.New(incidentio.Options{ReadToken: "inc_read", Scale: incidentio.SmallScale(), Seed: 1})
	fmt.Println(call(v, "inc_read", "POST", "/v2/incidents", "{}").Body)
	// Output: {"type":"authorization_error","status":403,"request_id":"9e3779b8000000000000000000000001","errors":[{"code":"missing_scope","message":"this API key lacks the scope incidents.create"}]}
}

// The vendor refuses gte beside lte; a range has an operator of its own.
func ExampleVendor_ServeHTTP() {
	v := incidentio.New(incidentio.Options{Token: "inc_full", Scale: incidentio.SmallScale()})
	w := call(v, "inc_full", "GET", "/v2/incidents?created_at[gte]=2026-01-01&created_at[lte]=2026-02-01", "")
	fmt.Println(w.Code)
	w = call(v, "inc_full", "GET", "/v2/incidents?created_at[date_range]=2026-01-01~2026-02-01", "")
	fmt.Println(w.Code)
	// Output:
	// 422
	// 200
}
