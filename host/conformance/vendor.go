package conformance

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/pdk/abi"
)

// statuses are statuses of failures, with the fitting kinds.
var statuses = map[int][]abi.Kind{
	400: {abi.KindInvalidParams, abi.KindVendorError, abi.KindConflict},
	401: {abi.KindAuthFailed},
	402: {abi.KindVendorError, abi.KindPermissionDenied, abi.KindInvalidParams},
	403: {abi.KindPermissionDenied, abi.KindAuthFailed},
	404: {abi.KindNotFound},
	409: {abi.KindConflict},
	410: {abi.KindNotFound, abi.KindVendorError, abi.KindInvalidParams},
	422: {abi.KindInvalidParams, abi.KindVendorError},
	429: {abi.KindRateLimited},
	451: {abi.KindVendorError, abi.KindPermissionDenied, abi.KindInvalidParams},
	500: {abi.KindVendorError},
	502: {abi.KindVendorError},
	503: {abi.KindVendorError, abi.KindRateLimited},
	504: {abi.KindVendorError, abi.KindTimeout},
	599: {abi.KindVendorError},
}

// otherStatus are the kinds that fit every other status from 400 to 599.
var otherStatus = []abi.Kind{
	abi.KindVendorError, abi.KindInvalidParams, abi.KindPermissionDenied, abi.KindNotFound, abi.KindConflict, abi.KindTimeout, abi.KindRateLimited,
}

// everyStatus is how often an operation is tried with a status that vendors seldom
// use: every so many operations are enough.
const everyStatus = 8

// errorBodies are their bodies, in turns.
var errorBodies = []string{`{"errors":["no"],"message":"no","request_id":"r1"}`, `<html>no</html>`, ``}

func vendorErrors(ctx context.Context, s *subject, c *Check) {
	stride := min(everyStatus, s.examination.sending)
	for status := 400; status < 600; status++ {
		kinds, common := statuses[status]
		if !common {
			if (status+s.number)%stride != 0 {
				continue
			}
			kinds = otherStatus
		}
		c.Cases++
		failed := s.run(ctx, s.sending, answers(status, []byte(errorBodies[(status+s.number)%len(errorBodies)]))).failed()
		switch {
		case failed == nil:
			c.problem("%s: status %d is not an error", s.Name(), status)
		case !slices.Contains(kinds, failed.Kind):
			c.problem("%s: status %d becomes %s (%s)", s.Name(), status, failed.Kind, failed.Message)
		}
	}
	fileErrors(ctx, s, c)
}

// nonsense is an invalid response with status 200. A read must report one that is not JSON; it may
// take JSON of another shape as empty.
type nonsense struct {
	name   string
	body   []byte
	isJSON bool
	// mediaType is its media type, if that is not the requested one.
	mediaType string
}

// someNonsense is a function and not a variable, because programs would make its megabytes when they
// start.
func someNonsense() []nonsense {
	return []nonsense{
		{"HTML", []byte("<!doctype html><html><body>Sign in</body></html>"), false, "text/html"},
		{"a huge string", []byte(`{"data":"` + strings.Repeat("x", 1<<20) + `","pagination":{"cursor":""}}`), true, ""},
		{"a list", []byte(`[[[]]]`), true, ""},
		{"a number", []byte(`1e999`), true, ""},
		{"a string", []byte(`"text"`), true, ""},
		{"deep", []byte(strings.Repeat(`{"data":`, 900) + "1" + strings.Repeat("}", 900)), true, ""},
		{"huge", []byte(`{"x":"` + strings.Repeat("x", 1<<20) + `"}`), true, ""},
		{"invalid UTF-8", []byte("{\"data\":\"\xff\xfe\"}"), true, ""},
		{"nothing", nil, true, ""},
		{"null", []byte(`null`), true, ""},
		{"too deep", []byte(strings.Repeat("[", 100_000)), false, ""},
		{"truncated", []byte(`{"data":[{"id":"a"},{"id":`), false, ""},
		{"two documents", []byte(`{}{}`), false, ""},
		{"wrong types", []byte(`{"data":{"data":1},"results":true,"pagination":[],"success":"yes","errors":{}}`), true, ""},
	}
}

func vendorNonsense(ctx context.Context, s *subject, c *Check) {
	for _, n := range s.examination.nonsense() {
		c.Cases++
		r := s.run(ctx, s.sending, s.talks(n))
		if fault := cmp.Or(r.faulty(), s.misshapen(r)); fault != "" {
			c.problem("%s, %s: %s", s.Name(), n.name, fault)
		}
		if r.failed() == nil && !s.mayTake(n) {
			what := "JSON"
			if !s.readsJSON() {
				what = "CSV"
			}
			c.problem("%s takes an answer that is not %s (%s) as success", s.Name(), what, n.name)
		}
	}
	// An answer that it accepts, with each member in turn of another type.
	for _, body := range distortions(s.answer) {
		c.Cases++
		r := s.run(ctx, s.sending, s.good(body))
		if fault := cmp.Or(r.faulty(), s.misshapen(r)); fault != "" {
			c.problem("%s, %s: %s", s.Name(), short(body), fault)
		}
	}
}

// vendorSilence is a vendor that cannot be reached: the connector must return the host's error.
func vendorSilence(ctx context.Context, s *subject, c *Check) {
	for _, kind := range []abi.Kind{abi.KindNetwork, abi.KindTimeout, abi.KindLimitExceeded, abi.KindDenied} {
		c.Cases++
		r := s.run(ctx, s.sending, func(context.Context, *abi.Request, []byte) (*sandbox.Response, error) {
			return nil, &abi.Error{Kind: kind, Message: "the host's own words"}
		})
		switch failed := r.failed(); {
		case failed == nil:
			c.problem("%s succeeds although its request failed with %s", s.Name(), kind)
		case failed.Kind != kind:
			c.problem("%s: %s becomes %s (%s)", s.Name(), kind, failed.Kind, failed.Message)
		}
	}
	fileSilence(ctx, s, c)
}
