package hostile_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/pdk/abi"
)

// redirectAttacks have a vendor send the host elsewhere. In a target, {vendor} is the
// vendor's host and port, and {bystander} another port of its machine.
//
// threat: N1, N2, N6, N10 in TestCorpus/redirects
func redirectAttacks() []attack {
	to := func(status int, target string) func(http.ResponseWriter, *http.Request, *place) {
		return func(w http.ResponseWriter, r *http.Request, p *place) {
			if r.URL.Path != "/things/1" {
				_, _ = io.WriteString(w, "{}")
				return
			}
			location := strings.NewReplacer("{vendor}", r.Host, "{bystander}", p.bystander.Addr().String(), "{canary}", canary).Replace(target)
			w.Header()["Location"] = []string{location}
			w.WriteHeader(status)
		}
	}
	const hint = "must declare the target request"
	refused := func(name string, status int, target, says string) attack {
		return attack{
			name: fmt.Sprintf("%d to %s", status, name), lab: true, vendor: to(status, target), arrives: true,
			kind: abi.KindDenied, rule: egress.RuleRedirect, says: says, hint: hint,
		}
	}
	var attacks []attack
	for _, status := range []int{301, 302, 303, 307, 308} {
		attacks = append(attacks,
			refused("another host", status, "http://evil.example/things/2", "it is another origin"),
			refused("another port", status, "http://{bystander}/things/2", "it is another origin"),
			refused("another scheme", status, "https://{vendor}/things/2", "it is another origin"),
			refused("a path that was not declared", status, "/admin", "the operation does not declare it"),
		)
	}
	for _, t := range []struct{ name, target, says string }{
		{"loopback", "http://127.0.0.1/things/2", "it is another origin"},
		{"a private address", "http://10.0.0.1/things/2", "it is another origin"},
		{"the metadata service", "http://169.254.169.254/latest/meta-data/", "it is another origin"},
		{"the metadata service by name", "http://metadata.google.internal/things/2", "it is another origin"},
		{"loopback in decimal", "http://2130706433/things/2", "its host is invalid"},
		{"loopback in hexadecimal", "http://0x7f000001/things/2", "its host is invalid"},
		{"loopback in octal", "http://0177.0.0.1/things/2", "its host is invalid"},
		{"loopback in IPv6", "http://[::1]/things/2", "it is another origin"},
		{"loopback mapped to IPv6", "http://[::ffff:127.0.0.1]/things/2", "it is another origin"},
		{"an address with a zone", "http://[fe80::1%25eth0]/things/2", "its host is invalid"},
		{"a name with a user", "http://{vendor}@evil.example/things/2", "it has a user name"},
		{"itself with a user", "http://user:pass@{vendor}/things/2", "it has a user name"},
		{"a host without a scheme", "//evil.example/things/2", "it is another origin"},
		{"a host with a backslash", `http:\\evil.example\things\2`, "its host is invalid"},
		{"a host after a backslash", `http://{vendor}\@evil.example/things/2`, "it is not a URL"},
		{"a look-alike", "http://аpi.example.com/things/2", "its host is invalid"},
		{"a file", "file:///etc/passwd", "its host is invalid"},
		{"a script", "javascript:alert(1)", "its host is invalid"},
		{"data", "data:application/json,{}", "its host is invalid"},
		{"port 0", "http://127.0.0.1:0/things/2", "its host is invalid"},
		{"dot segments", "/things/../admin", "the operation does not declare it"},
		{"escaped dot segments", "/things/%2e%2e", "the operation does not declare it"},
		{"an escaped slash", "/things/2%2fadmin", "the operation does not declare it"},
		{"a backslash in the path", `/things/2\..\admin`, "the operation does not declare it"},
		{"two slashes in the path", "/things//2", "the operation does not declare it"},
		{"a query with the credential", "/things/2?token={canary}", ""},
		{"a path with the credential", "/things/{canary}", "the operation does not declare it"},
		{"a host with the credential", "http://x{canary}.example/", ""},
		{"a query with a quote", `/things/2?a="b"`, "its query is malformed"},
		{"a query of half an escape", "/things/2?a=%zz", "its query is malformed"},
		{"itself without end", "/things/1", "too many redirects"},
		{"nothing that can be read", "http://%zz/", "it is not a URL"},
	} {
		a := refused(t.name, 302, t.target, t.says)
		if strings.HasPrefix(t.name, "a query with the cred") {
			// It is redacted before anybody looks at it, and so leads nowhere new.
			a = attack{name: a.name, lab: true, vendor: a.vendor, path: "/things/2?token=[redacted]"}
		}
		if strings.HasPrefix(t.name, "a host with the cred") {
			a.says = "does not follow"
		}
		attacks = append(attacks, a)
	}
	post := refused("a declared path, after a write", 307, "/things/2", "it follows only GET and HEAD")
	post.request, post.body = `{"method":"POST","path":"/things"}`, `{}`
	post.vendor = func(w http.ResponseWriter, r *http.Request, p *place) {
		w.Header().Set("Location", "/things/2")
		w.WriteHeader(http.StatusTemporaryRedirect)
	}
	return append(attacks, post,
		attack{name: "dots after a semicolon", lab: true, vendor: to(302, "/things/2;/../3"), path: "/things/3"},
		attack{name: "the declared path is followed", lab: true, vendor: to(302, "/things/2"), path: "/things/2"},
		attack{name: "a redirect of a name", vendor: to(302, "https://evil.example/things/2"), arrives: true, kind: abi.KindDenied, rule: egress.RuleRedirect, says: "it is another origin", hint: hint},
		attack{name: "a redirect to the name of a subdomain", vendor: to(302, "https://x.api.example.com/things/2"), arrives: true, kind: abi.KindDenied, rule: egress.RuleRedirect, says: "it is another origin", hint: hint},
		attack{name: "a redirect to a name that begins alike", vendor: to(302, "https://api.example.com.evil.example/things/2"), arrives: true, kind: abi.KindDenied, rule: egress.RuleRedirect, says: "it is another origin", hint: hint},
		attack{name: "a redirect to the name in clear", vendor: to(302, "http://api.example.com/things/2"), arrives: true, kind: abi.KindDenied, rule: egress.RuleRedirect, says: "it is another origin", hint: hint},
	)
}
