package server

import (
	"net/http"
	"net/netip"
	"testing"
)

// threat: S3
func TestPeer(t *testing.T) {
	t.Parallel()
	s := &Server{options: Options{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}}}
	for name, c := range map[string]struct {
		remote    string
		forwarded []string
		want      string
	}{
		"nobody in front":           {"203.0.113.7:1", nil, "203.0.113.7"},
		"a stranger who says more":  {"203.0.113.7:1", []string{"198.51.100.1"}, "203.0.113.7"},
		"a proxy":                   {"10.0.0.5:1", []string{"198.51.100.1"}, "198.51.100.1"},
		"what a client wrote":       {"10.0.0.5:1", []string{"192.0.2.1, 198.51.100.1"}, "198.51.100.1"},
		"two headers":               {"10.0.0.5:1", []string{"192.0.2.1", "198.51.100.1"}, "198.51.100.1"},
		"two proxies":               {"10.0.0.5:1", []string{"198.51.100.1, 10.0.0.6"}, "198.51.100.1"},
		"no address":                {"10.0.0.5:1", []string{"198.51.100.1, unknown"}, "10.0.0.5"},
		"a proxy that says nothing": {"10.0.0.5:1", nil, "10.0.0.5"},
		"a network of IPv6":         {"[2001:db8:1:2:3::4]:1", nil, "2001:db8:1:2::/64"},
		"IPv4 in IPv6":              {"[::ffff:10.0.0.5]:1", []string{"198.51.100.1"}, "198.51.100.1"},
	} {
		r := &http.Request{RemoteAddr: c.remote, Header: http.Header{"X-Forwarded-For": c.forwarded}}
		if got := s.peer(r); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
