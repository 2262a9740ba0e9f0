// Package pylon simulates the Pylon API (https://docs.usepylon.com) well enough that a client which works
// against it has every reason to work against the vendor, and one which the vendor would refuse is refused here.
//
// [New] makes an organization with several thousand linked records; the [Vendor] it returns is an
// [net/http.Handler] with 95 operations ([Operations]), real state, cursors, filters, limits and errors. It is
// strict where the vendor may be lenient: unknown query parameters, unknown body fields, null, wrong types, bodies where none
// belong and repeated parameters are refused with 400, because in a test they are always a client's mistake.
//
// # What comes from the vendor, and what is a guess
//
// Paths, parameters, types, rate limits, filter operators and response fields follow the vendor's published
// specification of July 2026. Where sources disagree, this package takes the union: the object_type of tags and of custom
// fields, cursor on every paginated list, cursor and limit (ignored) on GET /contacts/{id}. The answers have the vendor's fields and not those that only
// Airbyte's schema lists (a task has an assignee object, no assignee_id). The vendor does not document
//   - the order of lists: issues and audit logs come newest first, messages oldest first, all else in order of creation
//   - whether a cursor is bound to its query: here it is, except for limit
//   - the status of a duplicate (409 here), of a token of another region (401 here), and the codes of 400, 405, 409, 413 and 429
//   - the values of operation on followers (add, remove) and on external issues (link, unlink)
//   - how time_range takes its two times (values: start, end), the case of string matching (ignored), operators of custom fields (all)
//   - which ends of the window belong to GET /issues: start_time does, end_time does not
//   - rate limits later than July 2026 (three tiers of 30, 120 and 300 a minute): the older, lower figures apply here
//   - the full name of the rate limit header (X-Rate-Limit-Remaining here), and body size limits
//
// # Sizes for benchmarks
//
// With [DefaultScale] an issue is about 980 bytes of JSON: GET /issues/{id} answers about 1 KB, and GET
// /issues?start_time=...&end_time=... over the last 30 days answers about 98 KB with limit=100 and about
// 983 KB with limit=1000.
package pylon
