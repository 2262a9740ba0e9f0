package airbyteapi

import "github.com/agenthost/agenthost/pdk/abi"

// statuses are the statuses and codes of the answers to failed executions. The service documents
// no codes; clients look for upstream in them, see [IsUpstream].
var statuses = map[abi.Kind]struct {
	status int
	code   string
}{
	abi.KindInvalidParams:    {422, "upstream_invalid_request"},
	abi.KindUnknownOperation: {400, "operation_not_supported"},
	abi.KindAuthFailed:       {401, "upstream_unauthorized"},
	abi.KindPermissionDenied: {403, "upstream_forbidden"},
	abi.KindNotFound:         {404, "upstream_not_found"},
	abi.KindConflict:         {409, "upstream_conflict"},
	abi.KindRateLimited:      {429, "upstream_rate_limited"},
	abi.KindTimeout:          {504, "upstream_timeout"},
	abi.KindDenied:           {403, "denied"},
	abi.KindLimitExceeded:    {422, "limit_exceeded"},
	abi.KindCancelled:        {503, "cancelled"},
	abi.KindInternal:         {500, "internal"},
}

// StatusOf returns the HTTP status and the code of the answer to a failure. What has none is
// the vendor's.
func StatusOf(e *abi.Error) (status int, code string) {
	s, ok := statuses[e.Kind]
	switch {
	case !ok:
		return 502, "upstream_error"
	case e.Kind == abi.KindInvalidParams && !e.RequestSent:
		return s.status, "invalid"
	}
	return s.status, s.code
}
