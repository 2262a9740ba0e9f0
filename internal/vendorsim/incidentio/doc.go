// Package incidentio simulates the incident.io API (https://docs.incident.io/api-reference) well enough that a client
// which works against it has every reason to work against the vendor, and one which the vendor would refuse is refused here.
//
// [New] makes an organisation with several thousand linked records; the [Vendor] it returns is an [net/http.Handler]
// with 78 operations ([Operations]), real state, scopes, filters, paging, limits and errors. It is strict where the vendor may
// be lenient: unknown query parameters, unknown body fields, null, wrong types and bodies where none belong are refused,
// because in a test they are always a client's mistake.
//
// # What comes from the vendor, and what is a guess
//
// Paths, parameters, types, scopes, status codes of success, filter operators and response fields follow the vendor's
// published specification of August 2026; what Airbyte observed of the running API (GET /v2/incidents serves at most 250 records a
// page and 60 requests a minute, gte beside lte is refused, GET /v2/alerts takes updated_at and does without page_size) goes
// before the specification. GET /v1/incident_attachments needs incident_id, or external_id with resource_type, as its
// description says. Two endpoints that are deprecated, and their successors, differ in what they answer: a role of
// /v1 has required, one of /v2 has not; a catalog type of /v2 has semantic_type, one of /v3 has is_team_type,
// owning_team_ids and use_name_as_identifier instead. The vendor does not document
//   - the names of errors other than authentication_error, validation_error, too_many_requests, missing_authorization_material,
//     is_required and resource_not_found; nor the statuses 400, 405, 409 and 413
//   - how a page ends: /v2 leaves pagination_meta.after out here, /v1 and /v3 answer null, so that clients must take both;
//     total_record_count comes with incidents, users and schedules
//   - what after must be: the id of any record of the list here, one that was deleted meanwhile included
//   - the order of lists, but for incidents and postmortem documents: what happens comes newest first, what is configured in order of creation
//   - what plain dates in gte, lte and date_range mean: whole days in UTC, the last included
//   - which scope edits incidents: incidents.edit here
//   - custom field operators: one_of, not_in and is_blank for all types here
//   - the name of the query object of alert events: query[name]=value here
//   - whether ids in a filter must exist: those in brackets and those compared by rank must here, others match nothing
//   - what a resolved event for an alert that does not fire does: nothing here
//   - what a firing event for an alert that fires already does: it updates title and description
//   - the default window of schedule entries (two weeks from now here) and its longest (a year here)
package incidentio
