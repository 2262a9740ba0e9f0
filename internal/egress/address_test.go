package egress

import (
	"net/netip"
	"slices"
	"testing"
)

// threat: N5, N6
func TestClassify(t *testing.T) {
	for _, test := range []struct {
		class class
		addrs []string
	}{
		{classPublic, []string{
			"1.1.1.1", "8.8.8.8", "93.184.215.14", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
			"169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0", "192.167.255.255", "192.169.0.0", "198.17.255.255",
			"198.20.0.0", "198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255", "1.0.0.0",
			"2600::1", "2a00:1450:4001::1", "2001:200::1", "2001:4860:4860::8888", "2003::1", "3ffe::1", "64:ff9b::808:808", "::ffff:8.8.8.8",
			"2606:4700::5efe:808:808",
		}},
		{classLoopback, []string{"127.0.0.1", "127.0.0.0", "127.255.255.255", "127.1.2.3", "::1", "::ffff:127.0.0.1"}},
		{classPrivate, []string{
			"10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255", "100.64.0.0", "100.64.0.1", "100.127.255.255",
			"fc00::", "fd00::1", "fdff:ffff::1", "::ffff:10.0.0.1", "::ffff:192.168.1.1",
		}},
		{classMetadata, []string{
			"169.254.169.254", "169.254.170.2", "169.254.170.23", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd00:ec2::23",
			"fd20:ce::254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "64:ff9b::169.254.169.254", "64:ff9b::a83f:8110", "2002:a9fe:a9fe::", "2002:a9fe:a9fe::1",
			"::a9fe:a9fe", "::ffff:0:a9fe:a9fe", "2001:0:a9fe:a9fe::", "2001:0:101:101::5601:5601", "64:ff9b:1::a9fe:a9fe", "64:ff9b:1:a9fe:a9:fe00::",
			"2600::5efe:a9fe:a9fe", "2600::200:5efe:a9fe:a9fe",
		}},
		{classSpecial, []string{
			"0.0.0.0", "0.1.2.3", "169.254.0.1", "169.254.255.255", "192.0.0.0", "192.0.0.8", "192.0.0.170", "192.0.2.1", "192.31.196.1", "192.52.193.1",
			"192.88.99.1", "192.175.48.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
			"255.255.255.255",
			"::", "::2", "::7f00:1", "::808:808", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b::c0a8:101", "64:ff9b::6440:1", "64:ff9b::e000:1", "64:ff9b:1::1",
			"64:ff9b:1::808:808", "64:ff9b:2::1", "::ffff:0:7f00:1", "::ffff:0:808:808", "100::1", "100:0:0:1::1", "2001::1", "2001:0:7f00:1::", "2001:2::1", "2001:10::1",
			"2001:20::1", "2001:1ff::1", "2001:db8::1", "2002::1", "2002:7f00:1::", "2002:a00:1::1", "2002:808:808::1", "2620:4f:8000::1", "3fff::1", "3fff:fff::1", "4000::1",
			"5f00::1", "8000::1", "fe80::1", "febf::1", "fe80::1%eth0", "2600::1%eth0", "fec0::1", "feff::1", "ff02::1", "ff0e::1", "1::1", "200::1", "e000::1",
			"2600::5efe:7f00:1", "2600::200:5efe:a00:1", "2600:1:2:3:0:5efe:192.168.0.1",
		}},
	} {
		for _, s := range test.addrs {
			if got, what := classify(netip.MustParseAddr(s)); got != test.class || (what == "") != (got == classPublic) {
				t.Errorf("%s: class %d (%s), want %d", s, got, what, test.class)
			}
		}
	}
	if got, _ := classify(netip.Addr{}); got != classSpecial {
		t.Error("the zero address is not special")
	}
}

// Every network of the tables is refused from its first address to its last, and says
// why.
// threat: N5
func TestNetworksAreRefusedToTheirEdges(t *testing.T) {
	for _, n := range slices.Concat(metadataNetworks, v4Networks, v6Networks) {
		if n.what == "" || n.class == classPublic || n.prefix != n.prefix.Masked() {
			t.Errorf("%+v is not a line of the table", n)
		}
		for _, addr := range []netip.Addr{n.prefix.Addr(), lastOf(n.prefix)} {
			if got, _ := classify(addr); got == classPublic {
				t.Errorf("%s of %s is public", addr, n.prefix)
			}
		}
	}
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	addr, _ := netip.AddrFromSlice(b)
	return addr
}

// FuzzClassify checks that no IPv6 form of an address leads where the address itself may
// not, and that Go's own, narrower idea of what is private is contained in ours.
// threat: N5
func FuzzClassify(f *testing.F) {
	for _, n := range slices.Concat(metadataNetworks, v4Networks) {
		if n.prefix.Addr().Is4() {
			a := n.prefix.Addr().As4()
			f.Add(a[0], a[1], a[2], a[3], uint64(1))
		}
	}
	f.Add(byte(8), byte(8), byte(8), byte(8), uint64(0x2600))
	f.Fuzz(func(t *testing.T, a, b, c, d byte, rest uint64) {
		v4 := netip.AddrFrom4([4]byte{a, b, c, d})
		inner, _ := classify(v4)
		if inner == classPublic && (!v4.IsGlobalUnicast() || v4.IsPrivate() || v4.IsLoopback() || v4.IsLinkLocalUnicast()) {
			t.Fatalf("%s is public", v4)
		}
		r := [8]byte{byte(rest >> 56), byte(rest >> 48), byte(rest >> 40), byte(rest >> 32), byte(rest >> 24), byte(rest >> 16), byte(rest >> 8), byte(rest)}
		for name, form := range map[string][16]byte{
			"mapped":      {10: 0xff, 11: 0xff, 12: a, 13: b, 14: c, 15: d},
			"compatible":  {12: a, 13: b, 14: c, 15: d},
			"translated":  {8: 0xff, 9: 0xff, 12: a, 13: b, 14: c, 15: d},
			"NAT64":       {1: 0x64, 2: 0xff, 3: 0x9b, 12: a, 13: b, 14: c, 15: d},
			"local NAT64": {1: 0x64, 2: 0xff, 3: 0x9b, 5: 1, 6: r[0], 7: r[1], 12: a, 13: b, 14: c, 15: d},
			"6to4":        {0x20, 0x02, a, b, c, d, r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], 0, 1},
			"Teredo":      {0x20, 0x01, 0, 0, r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], ^a, ^b, ^c, ^d},
			"ISATAP":      {r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], 0, 0, 0x5e, 0xfe, a, b, c, d},
			"ISATAP u":    {r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], 2, 0, 0x5e, 0xfe, a, b, c, d},
		} {
			addr := netip.AddrFrom16(form)
			outer, what := classify(addr)
			if inner != classPublic && outer == classPublic {
				t.Fatalf("%s is refused, but %s, its form for %s, is public", v4, addr, name)
			}
			if inner == classMetadata && outer != classMetadata {
				t.Fatalf("%s leads to metadata, but %s (%s) is only %s", v4, addr, name, what)
			}
			if outer == classPublic && !globalUnicast.Contains(addr) && !nat64.Contains(addr) && !addr.Is4In6() {
				t.Fatalf("%s is public", addr)
			}
		}
	})
}
