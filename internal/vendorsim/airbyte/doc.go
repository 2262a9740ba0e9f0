// Package airbyte simulates the Airbyte API (https://api.airbyte.ai) as far as hosted connections meet it: tokens
// that expire, organizations, workspaces, connectors, and the execution of their operations.
//
// It is written from what was observed of the service and of its own clients, and from "Airbyte Agent API" 0.9.0, and
// not from our own client: where the two disagree, one of them is wrong. It refuses what the service
// refuses and has its habits:
//
//   - connector_metadata is null where an operation has nothing to say of pages, and its keys are the vendor's, some of
//     them in camel case ([Options.CamelCase])
//   - connector_instance_id is source_id: and the connector's id
//   - gets of Ashby and writes of Pylon answer what the vendor sent, unlike all others
//   - of a failure that Ashby answers with status 200, gets answer what Ashby sent, and lists no records
//   - parameters that Airbyte's connector does not have are dropped without a word
//   - credentials are kept without being tried; a workspace is not created with a connector
//   - a search of the context store answers data and meta inside the result
//   - errors are {message, errors[]} where the service itself speaks, and {detail} where its framework does
//
// An execution runs wherever [Options.Run] runs it; package directrun does it with the host's own connectors, which
// have more operations than Airbyte's. What the vendor answers with 401, 403 and so on is passed on with an error_code
// that says upstream: the service has no documented codes, so that these are a guess.
package airbyte
