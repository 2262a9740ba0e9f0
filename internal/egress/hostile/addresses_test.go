package hostile_test

import (
	"net/http"

	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/pdk/abi"
)

// addressAttacks lead inside: by how a manifest writes a host, or by what its name
// server answers.
//
// threat: N3, N5, N6, N10, N17 in TestCorpus/addresses
func addressAttacks() []attack {
	var attacks []attack
	for _, m := range []struct{ name, url, says string }{
		{"decimal", "https://2130706433", "unusual form"},
		{"octal", "https://017700000001", "unusual form"},
		{"hexadecimal", "https://0x7f000001", "unusual form"},
		{"hexadecimal parts", "https://0x7f.0x0.0x0.0x1", "unusual form"},
		{"octal parts", "https://0177.0.0.01", "unusual form"},
		{"two parts", "https://127.1", "unusual form"},
		{"three parts", "https://127.0.1", "unusual form"},
		{"a part too many", "https://127.0.0.1.1", "unusual form"},
		{"a dot at its end", "https://127.0.0.1.", ""},
		{"a name with a dot at its end", "https://api.example.com.", ""},
		{"a zone", "https://[fe80::1%25eth0]", "zone"},
		{"wide digits", "https://１２７.0.0.1", ""},
		{"circled letters", "https://ⓔxample.com", ""},
		{"a Cyrillic letter", "https://аpi.example.com", ""},
		{"an ideographic full stop", "https://api。example。com", ""},
		{"a soft hyphen", "https://api.exam\u00adple.com", ""},
		{"a user", "https://api.example.com@evil.example", ""},
		{"a backslash", `https://evil.example\@api.example.com`, ""},
		{"a tab", "https://api.exa\tmple.com", ""},
		{"a line break", "https://api.example.com\r\nHost: evil.example", ""},
		{"a space", "https://api.example.com evil.example", ""},
		{"a fragment", "https://evil.example#.api.example.com", ""},
		{"a query", "https://evil.example?.api.example.com", ""},
		{"a percent escape", "https://api%2eexample.com", ""},
		{"port 0", "https://api.example.com:0", ""},
		{"a port too large", "https://api.example.com:65979", ""},
		{"a port with a zero before it", "https://api.example.com:0443", ""},
		{"a name of metadata", "https://metadata.google.internal", "issues credentials"},
		{"no TLS", "http://api.example.com", "https"},
		{"another scheme", "ftp://api.example.com", "https"},
	} {
		attacks = append(attacks, attack{name: "a server written with " + m.name, refused: m.says, declare: func(d *declaration) { d.server(m.url) }})
		switch m.says {
		case "":
			attacks[len(attacks)-1].refused = "servers[0].url"
		case "issues credentials":
			attacks[len(attacks)-1].kind = abi.KindDenied
		}
	}
	const never, operator = "never connects", "set server of the connection"
	for _, n := range []struct{ name, address, rule, says, hint string }{
		{"loopback", "127.0.0.1", egress.RuleAddress, "a loopback address", operator},
		{"another loopback", "127.8.9.10", egress.RuleAddress, "a loopback address", operator},
		{"loopback in IPv6", "::1", egress.RuleAddress, "the loopback address", operator},
		{"a private address", "10.1.2.3", egress.RuleAddress, "a private address", operator},
		{"a private address of a home", "192.168.1.1", egress.RuleAddress, "a private address", operator},
		{"a private address in the middle", "172.20.0.1", egress.RuleAddress, "a private address", operator},
		{"a carrier's address", "100.64.0.1", egress.RuleAddress, "a shared address", operator},
		{"a unique local address", "fd12:3456::1", egress.RuleAddress, "a unique local address", operator},
		{"this network", "0.0.0.0", egress.RuleAddress, "an address of this network", never},
		{"nothing in IPv6", "::", egress.RuleAddress, "the unspecified address", never},
		{"a link-local address", "169.254.1.1", egress.RuleAddress, "a link-local address", never},
		{"a link-local address of IPv6", "fe80::1", egress.RuleAddress, "a link-local address", never},
		{"a site-local address", "fec0::1", egress.RuleAddress, "a site-local address", never},
		{"a benchmark's address", "198.18.0.1", egress.RuleAddress, "for benchmarks", never},
		{"a protocol's address", "192.0.0.8", egress.RuleAddress, "reserved for protocols", never},
		{"multicast", "224.0.0.1", egress.RuleAddress, "a multicast address", never},
		{"broadcast", "255.255.255.255", egress.RuleAddress, "reserved", never},
		{"mapped to IPv6", "::ffff:127.0.0.1", egress.RuleAddress, "a loopback address", operator},
		{"compatible with IPv6", "::127.0.0.1", egress.RuleAddress, "IPv4-compatible", never},
		{"translated", "::ffff:0:127.0.0.1", egress.RuleAddress, "IPv4-translated", never},
		{"behind NAT64", "64:ff9b::7f00:1", egress.RuleAddress, "embedded in IPv6", never},
		{"behind a local NAT64", "64:ff9b:1::7f00:1", egress.RuleAddress, "a local NAT64 address", never},
		{"behind 6to4", "2002:7f00:1::", egress.RuleAddress, "a 6to4 address", never},
		{"behind Teredo", "2001:0:5db8:d70e::80ff:fffe", egress.RuleAddress, "a Teredo address", never},
		{"behind ISATAP", "2600::5efe:7f00:1", egress.RuleAddress, "embedded in IPv6", never},
		{"metadata", "169.254.169.254", egress.RuleMetadata, "issues credentials", "agenthost never connects to it"},
		{"metadata of IPv6", "fd00:ec2::254", egress.RuleMetadata, "issues credentials", "agenthost never connects to it"},
		{"metadata of another cloud", "100.100.100.200", egress.RuleMetadata, "issues credentials", "agenthost never connects to it"},
		{"metadata mapped to IPv6", "::ffff:169.254.169.254", egress.RuleMetadata, "issues credentials", "agenthost never connects to it"},
		{"metadata behind NAT64", "64:ff9b::a9fe:a9fe", egress.RuleMetadata, "issues credentials", "agenthost never connects to it"},
		{"metadata behind 6to4", "2002:a9fe:a9fe::", egress.RuleMetadata, "issues credentials", "agenthost never connects to it"},
	} {
		attacks = append(attacks, attack{
			name: "a name that leads to " + n.name, kind: abi.KindDenied, rule: n.rule, says: n.says, hint: n.hint,
			zone: func(int) map[string][]string { return map[string][]string{"api.example.com": {n.address}} },
		})
	}
	closes := func(w http.ResponseWriter, r *http.Request, p *place) { w.Header().Set("Connection", "close") }
	return append(attacks,
		attack{name: "a public and a private address", path: "/things/1", zone: func(int) map[string][]string {
			return map[string][]string{"api.example.com": {"127.0.0.1", publicAddress, "::1", "10.0.0.1"}}
		}},
		attack{name: "a public address and metadata", kind: abi.KindDenied, rule: egress.RuleMetadata, says: "issues credentials", hint: "agenthost never connects to it", zone: func(int) map[string][]string {
			return map[string][]string{"api.example.com": {publicAddress, "169.254.169.254"}}
		}},
		attack{
			name: "a name that is public once", vendor: closes, requests: []string{request(""), request("")}, arrives: true,
			kind: abi.KindDenied, rule: egress.RuleAddress, says: "a loopback address", hint: operator,
			zone: func(asked int) map[string][]string {
				if asked == 1 {
					return map[string][]string{"api.example.com": {publicAddress}}
				}
				return map[string][]string{"api.example.com": {"127.0.0.1"}}
			},
		},
		attack{
			name: "a name that is private once", requests: []string{request("")},
			kind: abi.KindDenied, rule: egress.RuleAddress, says: "a loopback address", hint: operator,
			zone: func(asked int) map[string][]string {
				if asked == 1 {
					return map[string][]string{"api.example.com": {"127.0.0.1"}}
				}
				return map[string][]string{"api.example.com": {publicAddress}}
			},
		},
		attack{name: "a literal private address", declare: func(d *declaration) { d.server("https://10.0.0.1") }, kind: abi.KindDenied, rule: egress.RuleAddress, says: "a private address", hint: operator},
		attack{name: "a literal loopback address", declare: func(d *declaration) { d.server("https://127.0.0.1:9003") }, kind: abi.KindDenied, rule: egress.RuleAddress, says: "a loopback address", hint: operator},
		attack{name: "a literal address of metadata", declare: func(d *declaration) { d.server("https://169.254.169.254") }, kind: abi.KindDenied, rule: egress.RuleMetadata, says: "issues credentials", hint: "agenthost never connects to it"},
		attack{name: "a literal address mapped to IPv6", declare: func(d *declaration) { d.server("https://[::ffff:7f00:1]") }, kind: abi.KindDenied, rule: egress.RuleAddress, says: "a loopback address", hint: operator},
	)
}
