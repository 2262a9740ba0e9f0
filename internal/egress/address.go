package egress

import (
	"net/netip"
	"strings"
)

// class says where an IP address leads.
type class int

const (
	classPublic   class = iota
	classLoopback       // this machine
	classPrivate        // a private network: RFC 1918, RFC 4193, RFC 6598
	classMetadata       // a cloud's metadata service, which hands out credentials
	classSpecial        // anything else that is not a unicast address of the public internet
)

// network is a line of the tables below.
type network struct {
	prefix netip.Prefix
	class  class
	what   string
}

// metadataNetworks come first: no setting makes them reachable. Most are link-local or
// private as well; those of Azure and Oracle are not.
var metadataNetworks = []network{
	{netip.MustParsePrefix("169.254.169.254/32"), classMetadata, "the metadata service of AWS, Azure, Google Cloud and others"},
	{netip.MustParsePrefix("169.254.170.2/32"), classMetadata, "the credential service of Amazon ECS"},
	{netip.MustParsePrefix("169.254.170.23/32"), classMetadata, "the credential service of Amazon EKS"},
	{netip.MustParsePrefix("169.254.0.23/32"), classMetadata, "the metadata service of Tencent Cloud"},
	{netip.MustParsePrefix("100.100.100.200/32"), classMetadata, "the metadata service of Alibaba Cloud"},
	{netip.MustParsePrefix("168.63.129.16/32"), classMetadata, "the wire server of Azure"},
	{netip.MustParsePrefix("192.0.0.192/32"), classMetadata, "the metadata service of Oracle Cloud"},
	{netip.MustParsePrefix("fd00:ec2::254/128"), classMetadata, "the metadata service of AWS"},
	{netip.MustParsePrefix("fd00:ec2::23/128"), classMetadata, "the credential service of Amazon EKS"},
	{netip.MustParsePrefix("fd20:ce::254/128"), classMetadata, "the metadata service of Google Cloud"},
	{netip.MustParsePrefix("fd00:42::42/128"), classMetadata, "the metadata service of Scaleway"},
}

// v4Networks are the networks of the IANA IPv4 Special-Purpose Address Registry
// (https://www.iana.org/assignments/iana-ipv4-special-registry), with multicast. The
// anycast networks of AS112 and AMT are in it as well: no vendor is there.
var v4Networks = []network{
	{netip.MustParsePrefix("0.0.0.0/8"), classSpecial, "an address of this network (RFC 791)"},
	{netip.MustParsePrefix("10.0.0.0/8"), classPrivate, "a private address (RFC 1918)"},
	{netip.MustParsePrefix("100.64.0.0/10"), classPrivate, "a shared address behind a carrier's NAT (RFC 6598)"},
	{netip.MustParsePrefix("127.0.0.0/8"), classLoopback, "a loopback address (RFC 1122)"},
	{netip.MustParsePrefix("169.254.0.0/16"), classSpecial, "a link-local address (RFC 3927)"},
	{netip.MustParsePrefix("172.16.0.0/12"), classPrivate, "a private address (RFC 1918)"},
	{netip.MustParsePrefix("192.0.0.0/24"), classSpecial, "reserved for protocols (RFC 6890)"},
	{netip.MustParsePrefix("192.0.2.0/24"), classSpecial, "for documentation (RFC 5737)"},
	{netip.MustParsePrefix("192.31.196.0/24"), classSpecial, "an AS112 address (RFC 7535)"},
	{netip.MustParsePrefix("192.52.193.0/24"), classSpecial, "an AMT address (RFC 7450)"},
	{netip.MustParsePrefix("192.88.99.0/24"), classSpecial, "a 6to4 relay (RFC 7526)"},
	{netip.MustParsePrefix("192.168.0.0/16"), classPrivate, "a private address (RFC 1918)"},
	{netip.MustParsePrefix("192.175.48.0/24"), classSpecial, "an AS112 address (RFC 7534)"},
	{netip.MustParsePrefix("198.18.0.0/15"), classSpecial, "for benchmarks (RFC 2544)"},
	{netip.MustParsePrefix("198.51.100.0/24"), classSpecial, "for documentation (RFC 5737)"},
	{netip.MustParsePrefix("203.0.113.0/24"), classSpecial, "for documentation (RFC 5737)"},
	{netip.MustParsePrefix("224.0.0.0/4"), classSpecial, "a multicast address (RFC 5771)"},
	{netip.MustParsePrefix("240.0.0.0/4"), classSpecial, "reserved, or the broadcast address (RFC 1112, RFC 8190)"},
}

// v6Networks are the refused networks of the IANA IPv6 Special-Purpose Address Registry
// (https://www.iana.org/assignments/iana-ipv6-special-registry). They need not be
// complete outside 2000::/3: addresses that are not global unicast are refused anyway.
var v6Networks = []network{
	{netip.MustParsePrefix("::1/128"), classLoopback, "the loopback address (RFC 4291)"},
	{netip.MustParsePrefix("::/128"), classSpecial, "the unspecified address (RFC 4291)"},
	{netip.MustParsePrefix("::/96"), classSpecial, "an IPv4-compatible address (RFC 4291)"},
	{netip.MustParsePrefix("::ffff:0:0:0/96"), classSpecial, "an IPv4-translated address (RFC 2765)"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), classSpecial, "a local NAT64 address (RFC 8215)"},
	{netip.MustParsePrefix("100::/64"), classSpecial, "discard-only (RFC 6666)"},
	{netip.MustParsePrefix("100:0:0:1::/64"), classSpecial, "a dummy prefix (RFC 9780)"},
	{netip.MustParsePrefix("2001::/32"), classSpecial, "a Teredo address (RFC 4380)"},
	{netip.MustParsePrefix("2001:2::/48"), classSpecial, "for benchmarks (RFC 5180)"},
	{netip.MustParsePrefix("2001::/23"), classSpecial, "reserved for protocols (RFC 2928)"},
	{netip.MustParsePrefix("2001:db8::/32"), classSpecial, "for documentation (RFC 3849)"},
	{netip.MustParsePrefix("2002::/16"), classSpecial, "a 6to4 address (RFC 3056)"},
	{netip.MustParsePrefix("2620:4f:8000::/48"), classSpecial, "an AS112 address (RFC 7534)"},
	{netip.MustParsePrefix("3fff::/20"), classSpecial, "for documentation (RFC 9637)"},
	{netip.MustParsePrefix("5f00::/16"), classSpecial, "a segment routing identifier (RFC 9602)"},
	{netip.MustParsePrefix("fc00::/7"), classPrivate, "a unique local address (RFC 4193)"},
	{netip.MustParsePrefix("fe80::/10"), classSpecial, "a link-local address (RFC 4291)"},
	{netip.MustParsePrefix("fec0::/10"), classSpecial, "a site-local address (RFC 3879)"},
	{netip.MustParsePrefix("ff00::/8"), classSpecial, "a multicast address (RFC 4291)"},
}

var globalUnicast = netip.MustParsePrefix("2000::/3")

// classify says where addr leads, and describes it for an error. An address that carries
// an IPv4 address is judged by that one: a translator on the way would unpack it.
func classify(addr netip.Addr) (class, string) {
	switch {
	case !addr.IsValid():
		return classSpecial, "not an address"
	case addr.Zone() != "":
		return classSpecial, "an address of one interface (RFC 4007)"
	}
	addr = addr.Unmap() // ::ffff:a.b.c.d is how resolvers and sockets write IPv4
	if n, ok := lookup(metadataNetworks, addr); ok {
		return n.class, n.what
	}
	if addr.Is4() {
		n, _ := lookup(v4Networks, addr)
		return n.class, n.what
	}
	n, special := lookup(v6Networks, addr)
	for _, v4 := range embedded(addr) {
		inner, what := classify(v4)
		if inner == classMetadata {
			return classMetadata, what + ", embedded in IPv6"
		}
		if inner != classPublic && !special {
			n, special = network{class: classSpecial, what: what + ", embedded in IPv6"}, true
		}
	}
	switch {
	case special:
		return n.class, n.what
	case globalUnicast.Contains(addr), nat64.Contains(addr):
		return classPublic, ""
	}
	return classSpecial, "not a global unicast address (RFC 4291)"
}

func lookup(networks []network, addr netip.Addr) (network, bool) {
	for _, n := range networks {
		if n.prefix.Contains(addr) {
			return n, true
		}
	}
	return network{}, false
}

// isMetadataName reports whether a host name belongs to a metadata service. Other names
// that lead there are caught by their address.
func isMetadataName(host string) bool {
	switch strings.TrimSuffix(host, ".") {
	case "metadata.google.internal", "metadata.goog", "metadata", "instance-data", "instance-data.ec2.internal":
		return true
	}
	return false
}
