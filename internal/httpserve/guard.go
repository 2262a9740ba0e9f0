package httpserve

import (
	"net"
	"net/http"
	"slices"
	"strings"
)

// Guard refuses requests from web pages of other origins, and requests that came through a
// foreign host name (DNS rebinding).
type Guard struct {
	// Hosts are the accepted Host headers, such as mcp.example.com or 127.0.0.1:8080. Empty
	// means loopback names with any port, and Own.
	Hosts []string
	// AnyHost accepts every Host header, for what is not secret, and is not on this machine only.
	AnyHost bool
	// Own is the host of the server's public URL, if it has one.
	Own string
	// Origins are the accepted Origin headers of browsers, such as https://app.example.com.
	// Other programs send none.
	Origins []string
	// Patience has the time limits for clients.
	Patience *Patience
}

// Handler returns a handler that passes good requests on. They have an [Exchange].
func (g Guard) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(writer http.ResponseWriter, r *http.Request) {
		w, r := newExchange(writer, r, g.Patience)
		defer w.end()
		// A load balancer uses an address of its own for probes, which reveal nothing.
		if !isProbe(r) && !g.hostAllowed(r.Host) {
			http.Error(w, "unknown Host header: see the option hosts", http.StatusForbidden)
			return
		}
		if !g.originAllowed(r) {
			http.Error(w, "requests of that origin are not allowed: see the option origins", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// originAllowed accepts requests without an Origin, from the server's own origin, and from
// allowed origins. A page that sends no Referer has its forms sent with the Origin null; the browser
// itself says then that they are the server's own, in a header that no page can set.
func (g Guard) originAllowed(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return true
	}
	return len(origins) == 1 && (slices.Contains(g.Origins, origins[0]) ||
		origins[0] == "http://"+r.Host || origins[0] == "https://"+r.Host ||
		origins[0] == "null" && slices.Equal(r.Header.Values("Sec-Fetch-Site"), []string{"same-origin"}))
}

func (g Guard) hostAllowed(host string) bool {
	if g.AnyHost {
		return true
	}
	if len(g.Hosts) > 0 {
		return slices.ContainsFunc(g.Hosts, func(h string) bool { return strings.EqualFold(h, host) })
	}
	if g.Own != "" && strings.EqualFold(g.Own, host) {
		return true
	}
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.Trim(name, "[]")
	ip := net.ParseIP(name)
	return strings.EqualFold(name, "localhost") || ip != nil && ip.IsLoopback()
}
