package egress

import "net/netip"

// nat64 is the well-known prefix of NAT64 (RFC 6052). It is how a machine in an
// IPv6-only network reaches a public IPv4 address, and so the one transition form that
// is not refused outright.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// embedded returns the IPv4 addresses that an IPv6 address carries in one of the ways in
// which translators, tunnels and routers unpack it.
func embedded(addr netip.Addr) []netip.Addr {
	if !addr.Is6() {
		return nil
	}
	b := addr.As16()
	at := func(i int) netip.Addr { return netip.AddrFrom4([4]byte(b[i : i+4])) }
	switch {
	case addr.Is4In6(), // ::ffff:a.b.c.d, RFC 4291 section 2.5.5.2
		nat64.Contains(addr), // 64:ff9b::a.b.c.d, RFC 6052
		zero(b[:12]),         // ::a.b.c.d, RFC 4291 section 2.5.5.1
		zero(b[:8]) && be16(b[8:]) == 0xffff && zero(b[10:12]): // ::ffff:0:a.b.c.d, RFC 2765
		return []netip.Addr{at(12)}
	case be16(b[0:]) == 0x2002: // 2002:aabb:ccdd::, RFC 3056
		return []netip.Addr{at(2)}
	case be16(b[0:]) == 0x2001 && be16(b[2:]) == 0:
		// Teredo, RFC 4380: the server, and the client with its bits inverted.
		client := [4]byte{^b[12], ^b[13], ^b[14], ^b[15]}
		return []netip.Addr{at(4), netip.AddrFrom4(client)}
	case be16(b[0:]) == 0x64 && be16(b[2:]) == 0xff9b && be16(b[4:]) == 1:
		// A local NAT64 prefix (RFC 8215) may be of any length from 48 to 96; the
		// address then starts at one of these bytes and leaves out byte 8 (RFC 6052,
		// section 2.2).
		return []netip.Addr{
			netip.AddrFrom4([4]byte{b[6], b[7], b[9], b[10]}),
			netip.AddrFrom4([4]byte{b[7], b[9], b[10], b[11]}),
			at(9),
			at(12),
		}
	case (be16(b[8:]) == 0 || be16(b[8:]) == 0x0200) && be16(b[10:]) == 0x5efe:
		return []netip.Addr{at(12)} // ISATAP interface identifier, RFC 5214 section 6.1
	}
	return nil
}

func be16(b []byte) uint16 { return uint16(b[0])<<8 | uint16(b[1]) }

func zero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
