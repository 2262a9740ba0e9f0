package server

import (
	"net/http"
	"net/netip"
	"strings"
)

// peer returns the address of the client of a request. What a header says of it counts only where
// the operator's proxy wrote it: the last address that is no such proxy.
func (s *Server) peer(r *http.Request) string {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	ip := at.Addr().Unmap().WithZone("")
	if !s.isProxy(ip) {
		return network(ip)
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break // the proxy did not write this one
		}
		if ip = hop.Unmap().WithZone(""); !s.isProxy(ip) {
			break
		}
	}
	return network(ip)
}

func (s *Server) isProxy(ip netip.Addr) bool {
	for _, p := range s.options.Proxies {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// network returns the address or network of a client. A host with one IPv6 address usually has its
// whole /64 network.
func network(ip netip.Addr) string {
	if ip.Is6() {
		whole, _ := ip.Prefix(64) // a length that every such address has
		return whole.String()
	}
	return ip.String()
}
