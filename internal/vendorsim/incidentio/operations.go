package incidentio

import (
	_ "embed"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

// operationsJSON is the contract this package enforces, one operation a line, taken from the vendor's published
// specification of August 2026 and, where marked "airbyte", from the parameter names Airbyte's connector uses.
//
//go:embed operations.json
var operationsJSON []byte

// Operation is one operation of the incident.io API. A query parameter of format "operators" is written
// name[operator]=value, one of format "operators_by_id" name[id][operator]=value, one of format "map" name[key]=value; its
// Fields are the operators, and an operator that takes an array is repeated for each value.
type Operation struct {
	contract.Operation
	// Scopes are what the key must hold, all of them.
	Scopes []string `json:"scopes,omitempty"`
	// AssumedScope is a scope required here that the specification does not mention.
	AssumedScope string `json:"assumed_scope,omitempty"`
	// AlertSourceToken says that the request carries the token of the alert source, in the header or as the query
	// parameter token, instead of an API key.
	AlertSourceToken bool `json:"alert_source_token,omitempty"`
	// PageCap is the most records on a page if page_size may be larger; 0 means that page_size decides.
	PageCap int `json:"page_cap,omitempty"`
	// Record is the key of the records in the answer; empty if the answer is the record itself, or has none.
	Record string `json:"record,omitempty"`
	// Status is the status of success; 0 means 200.
	Status int `json:"status,omitempty"`
	// Deprecated says that the vendor asks to use Successor, a route, instead. SuccessorOf is its inverse.
	Deprecated  bool   `json:"deprecated,omitempty"`
	Successor   string `json:"successor,omitempty"`
	SuccessorOf string `json:"successor_of,omitempty"`
}

// Param is one parameter, or one field of an object parameter.
type Param = contract.Param

const (
	formatOperators     = "operators"
	formatOperatorsByID = "operators_by_id"
	formatMap           = "map"
)

// Operations returns all 78 operations: the 23 of Airbyte's connector, 53 more of the vendor, and the successors of two
// deprecated ones among the 23 that are not in the 53. Every call returns a fresh copy.
func Operations() []Operation { return contract.Operations[Operation](operationsJSON) }
