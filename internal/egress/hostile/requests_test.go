package hostile_test

import (
	"encoding/json"
	"strings"

	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/pdk/abi"
)

// requestAttacks ask for what was not declared, or for what a server behind could read
// differently.
//
// threat: N7, N15 in TestCorpus/requests
func requestAttacks() []attack {
	const undeclared = "does not declare the request"
	denied := func(name, request, hint string) attack {
		return attack{name: name, request: request, kind: abi.KindDenied, rule: egress.RuleRequest, says: undeclared, hint: hint}
	}
	const author = "must add the request"
	attacks := []attack{
		denied("another path", `{"method":"GET","path":"/admin"}`, author),
		denied("the path of another operation", `{"method":"DELETE","path":"/things/{id}","path_params":{"id":"1"}}`, author),
		denied("another method", `{"method":"PUT","path":"/things"}`, author),
		denied("a method in lower case", `{"method":"get","path":"/things"}`, author),
		denied("a method with a space", `{"method":"GET ","path":"/things"}`, author),
		denied("a method with a line break", `{"method":"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\nGET","path":"/things"}`, author),
		denied("TRACE", `{"method":"TRACE","path":"/things"}`, author),
		denied("CONNECT", `{"method":"CONNECT","path":"evil.example:443"}`, author),
		denied("OPTIONS of the server", `{"method":"OPTIONS","path":"*"}`, author),
		denied("an absolute URL", `{"method":"GET","path":"https://evil.example/things"}`, author),
		denied("an absolute URL of the vendor", `{"method":"GET","path":"https://api.example.com/things"}`, author),
		denied("a URL without a scheme", `{"method":"GET","path":"//evil.example/things"}`, author),
		denied("another port", `{"method":"GET","path":":8443/things"}`, author),
		denied("another scheme", `{"method":"GET","path":"http:/things"}`, author),
		denied("a user before the host", `{"method":"GET","path":"@evil.example/things"}`, author),
		denied("a password before the host", `{"method":"GET","path":"https://api.example.com:x@evil.example/"}`, author),
		denied("a backslash for a slash", `{"method":"GET","path":"\\things"}`, author),
		denied("two backslashes for a host", `{"method":"GET","path":"\\\\evil.example\\things"}`, author),
		denied("dot segments in the template", `{"method":"GET","path":"/things/../admin"}`, author),
		denied("escaped dot segments in the template", `{"method":"GET","path":"/things/%2e%2e/admin"}`, author),
		denied("an escaped slash in the template", `{"method":"GET","path":"/things%2f1"}`, author),
		denied("a slash at the end", `{"method":"GET","path":"/things/"}`, author),
		denied("two slashes", `{"method":"GET","path":"//things"}`, author),
		denied("a query in the path", `{"method":"GET","path":"/things?admin=1"}`, author),
		denied("a fragment in the path", `{"method":"GET","path":"/things#x"}`, author),
		denied("a semicolon in the path", `{"method":"GET","path":"/things;x=/admin"}`, author),
		denied("a line break in the path", `{"method":"GET","path":"/things HTTP/1.1\r\nHost: evil.example\r\n\r\n"}`, author),
		denied("a NUL in the path", `{"method":"GET","path":"/things\u0000"}`, author),
		denied("the path in another case", `{"method":"GET","path":"/Things"}`, author),
		denied("a template filled in", `{"method":"GET","path":"/things/1"}`, "use the template /things/{id}"),
		denied("a template of another name", `{"method":"GET","path":"/things/{ID}","path_params":{"ID":"1"}}`, author),
		denied("another server", `{"server":"eu","method":"GET","path":"/things"}`, author),
		denied("a server that is a URL", `{"server":"https://evil.example","method":"GET","path":"/things"}`, author),
		denied("a server that is an address", `{"server":"127.0.0.1","method":"GET","path":"/things"}`, author),
		denied("no path", `{"method":"GET"}`, author),
		denied("no method", `{"path":"/things"}`, author),
		// A second member must not be read by one part of the host and the first by another.
		denied("a path twice", `{"method":"GET","path":"/things","path":"/admin"}`, author),
	}
	values := []struct{ name, value, path, says string }{
		{"a slash", "a/b", "/things/a%2Fb", ""},
		{"an escaped slash", "a%2fb", "/things/a%252fb", ""},
		{"a slash escaped twice", "a%252fb", "/things/a%25252fb", ""},
		{"a backslash", `a\b`, "/things/a%5Cb", ""},
		{"dots", "..", "", `makes a segment of the path`},
		{"one dot", ".", "", `makes a segment of the path`},
		{"escaped dots", "%2e%2e", "/things/%252e%252e", ""},
		{"dots escaped twice", "%252e%252e", "/things/%25252e%25252e", ""},
		{"overlong dots", "%c0%ae%c0%ae", "/things/%25c0%25ae%25c0%25ae", ""},
		{"wide dots", "．．", "/things/%EF%BC%8E%EF%BC%8E", ""},
		{"a wide slash", "a／b", "/things/a%EF%BC%8Fb", ""},
		{"dots and a slash", "../../admin", "", "has a step"},
		{"dots and a backslash", `..\admin`, "", "has a step"},
		{"dots and a semicolon", "..;/admin", "/things/..%3B%2Fadmin", ""},
		{"a query", "1?admin=1", "/things/1%3Fadmin%3D1", ""},
		{"a fragment", "1#admin", "/things/1%23admin", ""},
		{"a host", "@evil.example", "/things/%40evil.example", ""},
		{"a URL", "https://evil.example/", "/things/https%3A%2F%2Fevil.example%2F", ""},
		{"the template of the credential", "{token}", "/things/%7Btoken%7D", ""},
		{"a line break", "1\r\nX: y", "", "control character"},
		{"a NUL", "1\x00", "", "control character"},
		{"a C1 control", "1\u0085", "", "control character"},
		{"nothing", "", "", "is empty"},
		{"a kilobyte", strings.Repeat("a", 1025), "", "too long"},
	}
	for _, v := range values {
		text, _ := json.Marshal(map[string]string{"id": v.value})
		a := attack{name: "a value with " + v.name, request: `{"method":"GET","path":"/things/{id}","path_params":` + string(text) + `}`, path: v.path}
		if v.says != "" {
			a.kind, a.says, a.hint = abi.KindConnectorFault, v.says, "plain, non-empty value"
		}
		attacks = append(attacks, a)
	}
	return append(attacks,
		// What is decided on is what was read, whichever spelling that was.
		attack{name: "a path in another spelling", request: `{"method":"GET","PATH":"/things"}`, path: "/things"},
		attack{name: "a path in another spelling that was not declared", request: `{"method":"GET","path":"/things","PATH":"/admin"}`, kind: abi.KindDenied, rule: egress.RuleRequest, says: undeclared, hint: author},
		attack{name: "a value too many", request: `{"method":"GET","path":"/things","path_params":{"id":"1"}}`, kind: abi.KindConnectorFault, says: "is not in the template"},
		attack{name: "a query that ends the request", request: `{"method":"GET","path":"/things","query":[["a b","1 HTTP/1.1#&c=d;e"]]}`, path: "/things?a+b=1+HTTP%2F1.1%23%26c%3Dd%3Be"},
		attack{name: "a query with a line break", request: `{"method":"GET","path":"/things","query":[["a","b\r\nX: y"]]}`, kind: abi.KindConnectorFault, says: "control character"},
		attack{name: "a body that is a request", request: `{"method":"POST","path":"/things"}`, body: "GET /admin HTTP/1.1\r\nHost: evil.example\r\n\r\n", path: "/things"},
		attack{name: "no JSON", request: "GET / HTTP/1.1\r\n\r\n", kind: abi.KindConnectorFault, says: "JSON"},
		attack{
			name: "exfiltration by the length of a query", request: `{"method":"GET","path":"/things","query":[["a","` + strings.Repeat("x", 20_000) + `"]]}`,
			kind: abi.KindConnectorFault, says: "path and query have", hint: "shorter values",
		},
	)
}
