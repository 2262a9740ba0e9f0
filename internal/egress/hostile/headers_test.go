package hostile_test

import (
	"strings"

	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/pdk/abi"
)

// headerAttacks set headers that are the host's, in any case, or that end the header
// they are in.
//
// threat: N8, N9 in TestCorpus/headers
func headerAttacks() []attack {
	var attacks []attack
	denied := func(name, value, says, hint string) {
		attacks = append(attacks, attack{name: name + ": " + value, request: header(name, value), kind: abi.KindConnectorFault, rule: egress.RuleHeader, says: says, hint: hint})
	}
	const notSet, leave = "may not set header", "must remove it"
	for _, h := range [][2]string{
		// The credential.
		{"Authorization", "Bearer mine"}, {"authorization", "Basic eDp5"}, {"AUTHORIZATION", ""}, {"aUtHoRiZaTiOn", "x"},
		{"Cookie", "session=1"}, {"cookie2", "x"}, {"Proxy-Authorization", "Basic eDp5"}, {"proxy_authorization", "x"},
		// Hop by hop, RFC 9110 section 7.6.1 and what older servers know.
		{"Connection", "close"}, {"connection", "Authorization"}, {"CONNECTION", "keep-alive, X-Request-Id"}, {"Keep-Alive", "timeout=999"},
		{"Proxy-Connection", "keep-alive"}, {"Proxy-Authenticate", "Basic"}, {"TE", "trailers"}, {"te", "gzip"}, {"Trailer", "Authorization"},
		{"Transfer-Encoding", "chunked"}, {"transfer-encoding", "identity"}, {"TRANSFER_ENCODING", "chunked"}, {"Upgrade", "websocket"},
		{"upgrade", "h2c"}, {"HTTP2-Settings", "AAMAAABkAAQAAP__"},
		// Framing.
		{"Content-Length", "0"}, {"content-length", "999"}, {"Content_Length", "5"}, {"Content-Encoding", "gzip"}, {"Expect", "100-continue"},
		// Authority, and what gateways take for it.
		{"Host", "evil.example"}, {"host", "127.0.0.1"}, {"HOST", ""}, {"X-Forwarded-Host", "evil.example"}, {"x_forwarded_host", "evil.example"},
		{"Forwarded", "host=evil.example"}, {"X-Host", "evil.example"}, {"X-Original-URL", "/admin"}, {"X-Rewrite-URL", "/admin"}, {"Alt-Used", "evil.example"},
		{"X-Forwarded-For", "127.0.0.1"}, {"X-Real-IP", "127.0.0.1"}, {"True-Client-IP", "127.0.0.1"}, {"Via", "1.1 inside"},
		// The method.
		{"X-HTTP-Method-Override", "DELETE"}, {"X-HTTP-Method", "DELETE"}, {"x-method-override", "DELETE"}, {"X_HTTP_METHOD_OVERRIDE", "DELETE"},
		// The host's own.
		{"User-Agent", "Mozilla/5.0"}, {"Accept-Encoding", "br"}, {"X-Request-Id", "mine"}, {"x-request-id", strings.Repeat("0", 32)},
	} {
		denied(h[0], h[1], notSet, leave)
	}
	for _, name := range []string{":authority", ":path", "Host ", " Host", "Ho\tst", "X Y", "X:Y", "X\r\nHost", "X\nAuthorization", "X\x00", "Hoſt", "", "X/Y", "Authorization:"} {
		denied(name, "x", "not a header name", "letters, digits and dashes")
	}
	for _, value := range []string{"a\r\nHost: evil.example", "a\nAuthorization: Bearer mine", "a\rb", "a\r\n\r\nGET /admin HTTP/1.1", "a\x00b", "a\x7f", "a\u0085b", "ü", " a", "a\t", "a\u2028b"} {
		denied("X-Note", value, "line break or another control character", "one line of text")
	}
	return append(attacks,
		attack{
			name: "a header twice", request: request(`,"headers":[["X-Note","1"],["x-note","2"]]`), kind: abi.KindConnectorFault, rule: egress.RuleHeader,
			says: "duplicate header", hint: "join the values",
		},
		attack{
			name: "a credential header behind a good one", request: request(`,"headers":[["X-Note","1"],["Authorization","x"]]`), kind: abi.KindConnectorFault, rule: egress.RuleHeader,
			says: notSet, hint: leave,
		},
		attack{
			name: "65 headers", request: request(`,"headers":[` + strings.TrimSuffix(strings.Repeat(`["X-Note","1"],`, 65), ",") + `]`),
			kind: abi.KindConnectorFault, says: "the limit is 64", hint: "fewer headers",
		},
		attack{name: "a header of 20 KB", request: header("X-Note", strings.Repeat("x", 20_000)), kind: abi.KindConnectorFault, says: "the headers have", hint: "shorter values"},
		attack{
			name: "a key of the vendor's by its own header", request: header("x_api-KEY", "mine"), kind: abi.KindConnectorFault, rule: egress.RuleHeader, says: notSet, hint: leave,
			declare: func(d *declaration) {
				d.scheme()["inject"] = append(d.scheme()["inject"].([]any), map[string]any{"in": "header", "name": "X-Api-Key", "value": "{token}"})
			},
		},
		attack{
			name: "a key of the vendor's by its own parameter", request: request(`,"query":[["KEY","mine"]]`), kind: abi.KindConnectorFault, rule: egress.RuleQuery,
			says: "carries the credential", hint: "must remove it",
			declare: func(d *declaration) {
				d.scheme()["inject"] = append(d.scheme()["inject"].([]any), map[string]any{"in": "query", "name": "key", "value": "{token}"})
			},
		},
		attack{name: "the template of the credential", request: header("X-Note", "Bearer {token}"), path: "/things/1"},
	)
}
