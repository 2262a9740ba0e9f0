package conformance

import "context"

// step is a check and how it is made.
type step struct {
	id, title string
	// needs says whether there is something to look at.
	needs func(*examination) bool
	run   func(context.Context, *examination, *Check)
}

func always(*examination) bool      { return true }
func compiled(e *examination) bool  { return e.module != nil }
func described(e *examination) bool { return e.outputs["describe"] != nil }
func authorized(e *examination) bool {
	return e.outputs["auth_schema"] != nil
}
func answered(e *examination) bool { return described(e) && authorized(e) }
func declared(e *examination) bool { return e.connector != nil }
func tried(e *examination) bool    { return len(e.subjects) > 0 }

// steps are the checks in their order: a later one uses what an earlier one found.
// docs/conformance.md explains each.
var steps = []step{
	{"module.loads", "the module keeps the limits, imports what is known and exports the ABI", always, load},
	{"module.describes", "describe and auth_schema answer, without a network", compiled, describe},
	{"manifest.schema", "the manifest is valid against its JSON Schema", described, manifestSchema},
	{"auth.schema", "the auth schema is valid against its JSON Schema", authorized, authSchema},
	{"declaration.holds", "what is declared holds together", answered, declaration},
	{"auth.secret", "what authenticates is marked as secret", declared, authSecret},
	{"operations.described", "operations and parameters are described for a reader who knows nothing else", declared, operationsDescribed},
	{"operations.bounded", "parameters are bounded, and unknown ones are refused", declared, operationsBounded},
	{"operations.examples", "operations with required parameters have an example", declared, operationsExamples},
	{"operations.check", "a read without parameters, if there is one, proves that a credential works", declared, operationsCheck},
	{"params.valid", "valid parameters lead to a request and a result", declared, validParams},
	{"params.invalid", "invalid parameters are refused", declared, invalidParams},
	{"requests.reachable", "what an operation declares, it sends", tried, reachable},
	{"vendor.errors", "the vendor's errors become errors of the right kind", tried, vendorErrors},
	{"vendor.nonsense", "malformed, truncated and huge answers cause no fault", tried, vendorNonsense},
	{"vendor.silence", "a request that fails on the way fails the call", tried, vendorSilence},
	{"pages.end", "a page takes a bounded number of requests and leads to the next one", tried, pagesEnd},
	{"unknown.tolerated", "what the connector does not know changes nothing", tried, unknownTolerated},
	{"limits.kept", "a limit or a cancelled call is reported as such", tried, limitsKept},
	{"secrets.kept", "a vendor that echoes the credential does not reveal it", tried, secretsKept},
	{"deterministic", "the same input sends the same requests and gives the same result", tried, deterministic},
	{"requests.declared", "in none of these runs was anything sent but what is declared", tried, requestsDeclared},
}
