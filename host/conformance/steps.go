package conformance

import "context"

// step is a check and how it is made.
type step struct {
	id, title string
	// needs says whether there is something to look at.
	needs func(*examination) bool
	run   func(context.Context, *examination, *Check)
	// none says why there was no case, where nothing else is wrong.
	none string
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

// Reasons for a check without cases.
const (
	afterFailure = "an earlier failure left nothing to check"
	noneSends    = "no operation sends a request that a host accepts"
)

// steps are the checks in their order: a later one uses what an earlier one found.
// docs/conformance.md explains each.
var steps = []step{
	{"module.loads", "the module stays within the limits, imports only known functions and exports the ABI", always, load, ""},
	{"module.describes", "describe and auth_schema return without a network", compiled, describe, ""},
	{"manifest.schema", "the manifest is valid against its JSON Schema", described, manifestSchema, ""},
	{"auth.schema", "the auth schema is valid against its JSON Schema", authorized, authSchema, ""},
	{"declaration.holds", "the declarations are consistent", answered, declaration, ""},
	{"auth.secret", "the fields that authenticate are marked as secret", declared, authSecret, "the auth schema has no field that authenticates"},
	{"operations.described", "operations and parameters have useful descriptions", declared, operationsDescribed, ""},
	{"operations.bounded", "parameters have bounds, and the schemas reject unknown ones", declared, operationsBounded, ""},
	{"operations.examples", "operations with required parameters have an example", declared, operationsExamples, ""},
	{"operations.check", "the manifest names a check, if an operation reads without parameters", declared, operationsCheck, ""},
	{"tools.portable", "clients of language models accept the schemas of the operations' tools", declared, toolsPortable, ""},
	{"params.valid", "valid parameters produce a request and a result", declared, validParams, ""},
	{"params.invalid", "invalid parameters are refused", declared, invalidParams, ""},
	{"requests.reachable", "operations send the requests that they declare", tried, reachable, "no operation declares a request"},
	{"vendor.errors", "the vendor's errors become errors of the right kind", tried, eachSender(vendorErrors), noneSends},
	{"vendor.nonsense", "malformed, truncated and huge answers cause no fault", tried, eachSender(vendorNonsense), noneSends},
	{"vendor.silence", "a failed request fails the call", tried, eachSender(vendorSilence), noneSends},
	{"pages.end", "a page takes a bounded number of requests and leads to the next one", tried, pagesEnd, "no operation with pages has an answer that it accepts"},
	{"unknown.tolerated", "unknown members change nothing", tried, eachSender(unknownTolerated), noneSends},
	{"results.fit", "answers fit the results that operations declare", tried, eachSender(resultsFit), "no operation declares a result"},
	{"sync.holds", "lists give records with what the manifest's sync says of them", tried, syncsHold, "the manifest has no sync with a list that accepts an answer"},
	{"numbers.kept", "numbers in the vendor's answer keep their digits", tried, eachSender(numbersKept), "no operation answers with the vendor's records"},
	{"limits.kept", "the connector reports limits and cancelled calls as such", tried, eachSender(limitsKept), noneSends},
	{"secrets.kept", "a vendor that echoes the credential does not reveal it", tried, secretsKept, noneSends},
	{"deterministic", "the same input sends the same requests and gives the same result", tried, deterministic, "no operation ends"},
	{"requests.declared", "the connector sends no request that every host refuses", tried, requestsDeclared, "no operation sent a request"},
}
