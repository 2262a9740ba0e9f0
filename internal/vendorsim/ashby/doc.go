// Package ashby simulates the Ashby API (https://developers.ashbyhq.com) well enough that a client which works against
// it has every reason to work against the vendor, and one which the vendor would refuse is refused here.
//
// [New] makes an organization with several thousand linked records; the [Vendor] it returns is an
// [net/http.Handler] with 62 operations ([Operations]), real state, permissions, cursors, sync tokens, filters,
// limits and errors. It is strict where the vendor may be lenient: unknown fields, null, wrong types, ids that are no UUIDs
// and query parameters are refused, because in a test they are always a client's mistake.
//
// # What comes from the vendor, and what is a guess
//
// Paths, parameters, types, permissions, response fields, the envelope of answers and errors, the statuses (401 without
// a key, 403 for a wrong key or a missing permission, 429, and 200 for everything else), the text of
// application_not_found, the codes of cursors and sync tokens, invalid_input and <kind>_not_found follow the vendor's
// published specification and guides of 2026. Where sources disagree, this package takes the union: department.list and
// location.list are paginated (newer file). jobPosting.list, source.list and archiveReason.list take neither cursor nor limit,
// which only Airbyte's connector has. A null cursor or syncToken means none, as the vendor says of user.list.
// The vendor does not document
//   - the order of lists: here it is the order of creation
//   - whether cursors and sync tokens are bound to their query: here they are, except for limit and expand
//   - how long they live: an hour and 30 days here; nor when an incremental sync is too large: 10,000 records here
//   - the codes of a missing or wrong key, of 404, 405, 413 and 429, and of most refusals by state (an archived tag, a
//     candidate with active applications, a status a job cannot have next)
//   - the text of missing_endpoint_permission, which names the permission here
//   - the number of requests a key may make (1000 a minute here) and the names of the rate limit headers but Retry-After
//   - what Ashby does with a password: the documentation says to leave it empty, so one is refused here
//   - which values status of interview schedules, offerStatus and acceptanceStatus take, and all stage titles
//   - when there are warnings: here for a deactivated user who gets credit, and for history that fits no stage
//   - where files are kept: here at the same origin, under an address that is good for 15 minutes and takes no API key
//   - whether a search answers more than 100 records: not here
package ashby
