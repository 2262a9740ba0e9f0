package wire

import (
	"fmt"
	"net/textproto"
	"strings"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// maxHeaders is how many headers a connector may set.
const maxHeaders = 64

// reserved are the headers that a connector may not set, with the reason. A name that ends
// with a dash stands for all that start with it.
var reserved = map[string]string{
	"Authorization":     "carries a credential",
	"Cookie":            "carries a credential",
	"Cookie2":           "carries a credential",
	"Proxy-":            "is meant for a proxy",
	"Host":              "chooses where the request goes",
	"Content-Length":    "frames the request",
	"Transfer-Encoding": "frames the request",
	"Content-Encoding":  "frames the request",
	"Trailer":           "frames the request",
	"Te":                "belongs to the connection",
	"Connection":        "belongs to the connection",
	"Keep-Alive":        "belongs to the connection",
	"Upgrade":           "belongs to the connection",
	"Http2-Settings":    "belongs to the connection",
	"Expect":            "belongs to the connection",
	"Forwarded":         "claims another sender of the request",
	"X-Forwarded-":      "claims another sender of the request",
	"X-Real-Ip":         "claims another sender of the request",
	"X-Client-Ip":       "claims another sender of the request",
	"True-Client-Ip":    "claims another sender of the request",
	"Via":               "claims another sender of the request",
	"X-Host":            "chooses where the request goes",
	"Alt-Used":          "chooses where the request goes",
	"X-Original-":       "rewrites the request behind a proxy",
	"X-Rewrite-":        "rewrites the request behind a proxy",
	"X-Http-Method":     "overrides the method",
	"X-Http-Method-":    "overrides the method",
	"X-Method-Override": "overrides the method",
	"Accept-Encoding":   "is set by the host",
	"User-Agent":        "is set by the host",
	"X-Request-Id":      "is set by the host",
}

// header returns the connector's headers under canonical names, or refuses them. It drops
// none, so that a connector never believes it has set a header that was not sent.
func (r *Rules) header(headers [][2]string, given *Given) (map[string][]string, *abi.Error) {
	const room = 6 // the host's own
	h := make(map[string][]string, len(headers)+room)
	if len(headers) > maxHeaders {
		return nil, connectors(fault.LimitExceeded("headers", fmt.Sprintf("the request has %d headers, but the limit is %d", len(headers), maxHeaders), "send fewer headers"))
	}
	total := 0
	for _, pair := range headers {
		name, value := pair[0], pair[1]
		total += len(name) + len(value)
		if !ValidHeaderName(name) {
			return nil, connectors(fault.Denied(RuleHeader, fmt.Sprintf("%.60q is not a header name", name), "use letters, digits and dashes"))
		}
		if !ValidHeaderValue(value) {
			return nil, given.wrong(value, fault.Denied(RuleHeader, fmt.Sprintf("the value of header %.60q has a line break or another control character", name), "send one line of text"))
		}
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		if why := r.Owned.Reserves(canonical); why != "" {
			return nil, connectors(fault.Denied(RuleHeader, fmt.Sprintf("the connector may not set header %.60q: it %s", name, why), "the connector must remove it"))
		}
		if h[canonical] != nil {
			return nil, connectors(fault.Denied(RuleHeader, fmt.Sprintf("duplicate header %.60q", name), "join the values in one header"))
		}
		h[canonical] = []string{value}
	}
	if total > r.Limits.Headers {
		return nil, given.tooLarge(int64(r.Limits.Headers), fault.LimitExceeded("headers", fmt.Sprintf("the headers have %d bytes, but the limit is %d", total, r.Limits.Headers), "send shorter values"))
	}
	return h, nil
}

// Reserves returns why a connector may not set the header with a canonical name, or "".
// Underscores count as dashes, because gateways in the tradition of CGI read both as one.
func (o Owned) Reserves(canonical string) string {
	if o.Header(canonical) {
		return "carries the credential, which only the host sets"
	}
	if strings.IndexByte(canonical, '_') >= 0 {
		canonical = textproto.CanonicalMIMEHeaderKey(strings.ReplaceAll(canonical, "_", "-"))
	}
	if why, ok := reserved[canonical]; ok {
		return why
	}
	for i := 0; i < len(canonical); i++ {
		if canonical[i] == '-' {
			if why, ok := reserved[canonical[:i+1]]; ok {
				return why
			}
		}
	}
	return ""
}

// ValidHeaderName reports whether s is a token (RFC 9110, section 5.6.2) of characters that
// every server and proxy accepts.
func ValidHeaderName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != '-' && c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return s != "" && len(s) <= 128
}

// ValidHeaderValue reports whether s is one line of visible ASCII, spaces and tabs, without
// white space at its ends, which a server would remove.
func ValidHeaderValue(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c != '\t' && (c < ' ' || c >= 0x7f) {
			return false
		}
	}
	return strings.Trim(s, " \t") == s
}
