package sdk_test

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/host/ask"
	"github.com/agenthost/agenthost/pdk/abi"
)

// unplanned says how the first request of a call differs from its plan, "" if it does not. A plan needs
// no token, but the server of a connection that only the answer with a token names is not known without
// one.
func unplanned(plan *ask.Plan, err error, seen []request) string {
	switch {
	case err != nil && strings.Contains(err.Error(), "does not know its server"), len(seen) == 0:
		return ""
	case err != nil:
		return "no plan: " + err.Error()
	case len(plan.Requests) != 1:
		return fmt.Sprintf("the plan has %d requests", len(plan.Requests))
	}
	want, got := plan.Requests[0], seen[0]
	target := got.Origin + got.Target
	lines := make(map[string]string)
	for name, value := range got.Headers {
		if !slices.Contains([]string{"host", "content-length", "x-request-id"}, name) {
			lines[name] = value
		}
	}
	for _, place := range want.Credential {
		switch place.In {
		case abi.InQuery:
			at := strings.LastIndex(target, url.QueryEscape(place.Name)+"=")
			if at < 1 {
				return "the credential is not where the plan says"
			}
			target = target[:at-1]
		case abi.InCookie:
			delete(lines, "cookie")
		default:
			if lines[strings.ToLower(place.Name)] == "" {
				return "the credential is not where the plan says"
			}
			delete(lines, strings.ToLower(place.Name))
		}
	}
	for _, line := range want.Header {
		if name := strings.ToLower(line[0]); lines[name] != line[1] {
			return fmt.Sprintf("%s is planned as %q, and sent as %q", name, line[1], lines[name])
		}
		delete(lines, strings.ToLower(line[0]))
	}
	switch {
	case len(lines) > 0:
		return fmt.Sprintf("sent beyond the plan: %v", lines)
	case got.Method != want.Method || target != want.URL:
		return fmt.Sprintf("planned %s %s, and sent %s %s", want.Method, want.URL, got.Method, target)
	case !bytes.Equal(got.Body, want.Body):
		return fmt.Sprintf("planned the body %s, and sent %s", want.Body, got.Body)
	}
	return ""
}
