package ashby

import (
	_ "embed"
	"strings"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

// operationsJSON is the contract this package enforces, one operation a line, taken from the vendor's published
// specification of spring 2026 and, where marked "airbyte", from the parameter names Airbyte's connector uses.
//
//go:embed operations.json
var operationsJSON []byte

// Param is one parameter of an operation.
type Param = contract.Param

// Operation is one operation of the Ashby API. All are POST with a JSON body and no query.
type Operation struct {
	contract.Operation
	// Permission is what the API key needs, for example "candidatesRead".
	Permission string `json:"permission"`
	// Sync says that the operation takes syncToken.
	Sync bool `json:"sync,omitempty"`
	// Rate is the operation's own limit of starts a minute and organization; 0 means that only the key's limit applies.
	Rate int `json:"rate,omitempty"`
	// Beta says that the vendor calls the operation beta.
	Beta bool `json:"beta,omitempty"`
	// AnyOf names parameters, at least one of which is needed.
	AnyOf []string `json:"any_of,omitempty"`
}

// Writes says whether the operation changes anything.
func (o Operation) Writes() bool { return strings.HasSuffix(o.Permission, "Write") }

// Operations returns all 62 operations: the 19 of Airbyte's connector and 43 more of the vendor. Every call returns
// a fresh copy.
func Operations() []Operation { return contract.Operations[Operation](operationsJSON) }
