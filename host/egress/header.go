package egress

import (
	"fmt"
	"net/http"
	"net/textproto"
	"strings"

	"github.com/agenthost/agenthost/pdk/abi"
)

// maxHeaders is how many headers a guest may set.
const maxHeaders = 64

// reserved are the headers that a guest may not set, with the reason. A name that ends
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
	"Forwarded":         "claims another origin of the request",
	"X-Forwarded-":      "claims another origin of the request",
	"X-Real-Ip":         "claims another origin of the request",
	"X-Client-Ip":       "claims another origin of the request",
	"True-Client-Ip":    "claims another origin of the request",
	"Via":               "claims another origin of the request",
	"X-Host":            "chooses where the request goes",
	"Alt-Used":          "chooses where the request goes",
	"X-Original-":       "rewrites the request behind a proxy",
	"X-Rewrite-":        "rewrites the request behind a proxy",
	"X-Http-Method":     "changes the method that was checked",
	"X-Http-Method-":    "changes the method that was checked",
	"X-Method-Override": "changes the method that was checked",
	"Accept-Encoding":   "is set by the host",
	"User-Agent":        "is set by the host",
	"X-Request-Id":      "is set by the host",
}

// guestHeader returns the guest's headers under canonical names, or refuses them. It
// refuses rather than drops, so that a connector never believes that it has set what it
// has not.
func (c *Client) guestHeader(headers [][2]string) (http.Header, *abi.Error) {
	const room = 6 // the host's own
	h := make(http.Header, len(headers)+room)
	if len(headers) > maxHeaders {
		return nil, limitExceeded("headers", fmt.Sprintf("the request has %d headers, more than %d", len(headers), maxHeaders), "send fewer headers")
	}
	total := 0
	for _, pair := range headers {
		name, value := pair[0], pair[1]
		total += len(name) + len(value)
		if !validHeaderName(name) {
			return nil, denied(RuleHeader, fmt.Sprintf("%.60q is not a header name", name), "use letters, digits and dashes")
		}
		if !validHeaderValue(value) {
			return nil, denied(RuleHeader, fmt.Sprintf("the value of header %.60q has a line break or another control character", name), "send one line of text")
		}
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		if why := c.reservedHeader(canonical); why != "" {
			return nil, denied(RuleHeader, fmt.Sprintf("header %.60q may not be set: it %s", name, why), "the connector must leave it out")
		}
		if h[canonical] != nil {
			return nil, denied(RuleHeader, fmt.Sprintf("header %.60q is set twice", name), "join the values in one header")
		}
		h[canonical] = []string{value}
	}
	if total > c.limits.RequestHeaders {
		return nil, limitExceeded("headers", fmt.Sprintf("the headers have %d bytes, more than %d", total, c.limits.RequestHeaders), "send shorter values")
	}
	return h, nil
}

// reservedHeader returns why the guest may not set the header, or "". Underscores count
// as dashes, because gateways in the tradition of CGI read both as one.
func (c *Client) reservedHeader(canonical string) string {
	if c.injector.ownsHeader(canonical) {
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

// validHeaderName reports whether s is a token (RFC 9110, section 5.6.2) made of the
// characters that every server and proxy takes.
func validHeaderName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != '-' && c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return s != "" && len(s) <= 128
}

// validHeaderValue reports whether s is one line of visible ASCII, spaces and tabs,
// without white space at its ends, which a server would take away.
func validHeaderValue(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c != '\t' && (c < ' ' || c >= 0x7f) {
			return false
		}
	}
	return strings.Trim(s, " \t") == s
}
