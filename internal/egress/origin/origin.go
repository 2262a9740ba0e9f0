// Package origin parses the places that a request can go to. The code that checks a manifest,
// the code that decides and the code that sends share it, so that they cannot disagree about
// where a URL leads.
package origin

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/agenthost/agenthost/internal/egress/pathtemplate"
	"golang.org/x/net/publicsuffix"
)

// Origin is a place that a request can go to. It is parsed once and compared with ==,
// never as text.
type Origin struct {
	Scheme string // "https" or "http"
	Host   string // lower-case name without a dot at its end, or an IP address without brackets
	Port   uint16
}

// Parse reads an origin such as https://api.usepylon.com or http://127.0.0.1:9003.
// A path, query, fragment or user is an error, and so is a host that can be read in two
// ways: an IP address in an unusual form, a name that is not ASCII.
func Parse(s string) (Origin, error) {
	o, base, err := ParseServer(s)
	if err == nil && base != "" {
		err = fmt.Errorf("origin %.100q has a path", s)
	}
	if err != nil {
		return Origin{}, err
	}
	return o, nil
}

// String returns the origin as it stands in a URL, without the scheme's own port.
func (o Origin) String() string { return o.Scheme + "://" + o.Authority() }

// Authority returns the host and, unless it is the scheme's own, the port.
func (o Origin) Authority() string {
	if o.Port != defaultPort(o.Scheme) {
		return o.Address()
	}
	return o.host()
}

// Address returns host:port as net/http hands it to a dialler, with an IPv6 address in
// brackets.
func (o Origin) Address() string { return o.host() + ":" + strconv.Itoa(int(o.Port)) }

func (o Origin) host() string {
	if strings.IndexByte(o.Host, ':') >= 0 {
		return "[" + o.Host + "]"
	}
	return o.Host
}

func defaultPort(scheme string) uint16 {
	if scheme == "http" {
		return 80
	}
	return 443
}

// CheckSuffix checks a domain under which names may be: two labels or more, in lower case, without
// a dot at either end.
func CheckSuffix(s string) error {
	o, err := Parse("https://" + s)
	if err != nil {
		return err
	}
	_, notAddress := netip.ParseAddr(o.Host)
	switch {
	case notAddress == nil:
		return fmt.Errorf("%.100q is an address, not a domain", s)
	case o.Host != s:
		return fmt.Errorf("%.100q is not a domain in lower case and without a port", s)
	case strings.IndexByte(s, '.') < 0:
		return fmt.Errorf("%.100q has one label, and a domain of somebody has two or more", s)
	}
	return nil
}

// Under reports whether the origin is a domain or a name under it, by https and its usual port.
func (o Origin) Under(suffix string) bool {
	name, under := strings.CutSuffix(o.Host, suffix)
	return o.Scheme == "https" && o.Port == defaultPort("https") && suffix != "" && under && (name == "" || strings.HasSuffix(name, "."))
}

// Named reads an origin that an answer names, which must be under one of the suffixes, and not one
// of them. It is https at its usual port, written in the one form that [Origin.String] has. The
// error says what is wrong and does not quote s, which may hold a secret.
func Named(s string, suffixes []string) (Origin, error) {
	o, err := Parse(s)
	if err != nil || o.Scheme != "https" || o.Port != defaultPort("https") || o.String() != s {
		return Origin{}, errors.New("is not written like https://acme.vendor.example: small letters, and no user, port, path or slash at the end")
	}
	if strings.HasPrefix(o.Host, "xn--") || strings.Contains(o.Host, ".xn--") {
		return Origin{}, errors.New("has a part that stands for other characters")
	}
	for _, suffix := range suffixes {
		if o.Under(suffix) && o.Host != suffix && !o.Everybodys(suffix) {
			return o, nil
		}
	}
	return Origin{}, errors.New("is not a name of the vendor's under *." + strings.Join(suffixes, " or *."))
}

// Everybodys reports whether everybody can have a name as the host has it under a suffix, such as
// bucket.s3.amazonaws.com under amazonaws.com. Such a name need not be of who owns the suffix.
func (o Origin) Everybodys(suffix string) bool {
	public, _ := publicsuffix.PublicSuffix(o.Host)
	return len(public) > len(suffix)
}

// OfCloud reports whether a domain is a cloud's, where customers have names for what they store or
// run, such as bucket.s3.amazonaws.com. The list of public suffixes has such names and cannot be asked
// for those under a domain, so this tries the names that clouds use.
func OfCloud(domain string) bool {
	return slices.ContainsFunc([]string{"s3", "blob.core", "compute", "elb"}, func(name string) bool {
		return Origin{Host: "a." + name + "." + domain}.Everybodys(domain)
	})
}

// ParseServer reads the URL of a server: an origin and a base path, which is empty or
// starts with a slash and does not end with one.
func ParseServer(s string) (o Origin, base string, err error) {
	if strings.IndexByte(s, '@') >= 0 { // first, because later errors quote s
		return Origin{}, "", fmt.Errorf("the URL of a server has no user name or password")
	}
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] >= 0x7f || s[i] == '\\' {
			return Origin{}, "", fmt.Errorf("URL %.100q has a character that cannot stand in a server's URL", s)
		}
	}
	u, err := url.Parse(s)
	if err != nil {
		return Origin{}, "", fmt.Errorf("%.100q is not a URL", s)
	}
	if u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(s, "#") {
		return Origin{}, "", fmt.Errorf("URL %.100q has a query or fragment", s)
	}
	if o, err = Of(u); err != nil {
		return Origin{}, "", err
	}
	base = strings.TrimSuffix(u.EscapedPath(), "/")
	if base == "" {
		return o, "", nil
	}
	t, err := pathtemplate.ParseTemplate(base)
	if err == nil && len(t.Params()) > 0 {
		err = fmt.Errorf("the base path %q has a parameter", base)
	}
	return o, base, err
}

// Of returns the origin of a URL that was parsed.
func Of(u *url.URL) (Origin, error) {
	scheme := strings.ToLower(u.Scheme)
	if scheme != "https" && scheme != "http" {
		return Origin{}, fmt.Errorf("%.100q starts neither with https:// nor with http://", u.Redacted())
	}
	host, err := normaliseHost(u.Hostname())
	if err != nil {
		return Origin{}, err
	}
	port := defaultPort(scheme)
	if strings.HasSuffix(u.Host, ":") {
		return Origin{}, fmt.Errorf("host %.100q ends with a colon", u.Host)
	}
	if p := u.Port(); p != "" {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 || p[0] == '0' {
			return Origin{}, fmt.Errorf("port %.20q is not a number from 1 to 65535", p)
		}
		port = uint16(n)
	}
	return Origin{scheme, host, port}, nil
}

// normaliseHost returns a host in the one form in which it is compared and dialled.
func normaliseHost(host string) (string, error) {
	host = strings.ToLower(host)
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr.Zone() != "" {
			return "", fmt.Errorf("address %.60q has a zone", host)
		}
		return addr.String(), nil
	}
	if host == "" || len(host) > 253 {
		return "", fmt.Errorf("a host name has 1 to 253 characters")
	}
	labels := strings.Split(host, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return "", fmt.Errorf("host %.100q has an empty, too long or badly dashed part", host)
		}
		for i := 0; i < len(label); i++ {
			if c := label[i]; c != '-' && c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
				return "", fmt.Errorf("host %.100q has a character that cannot stand in a host name; write an international name in its xn-- form", host)
			}
		}
	}
	// A name whose last part is a number is an IP address to some parsers (2130706433,
	// 0x7f.1, 127.1) and a name to others: WHATWG URL, "ends in a number".
	if last := labels[len(labels)-1]; isNumber(last) {
		return "", fmt.Errorf("host %.100q is an IP address in an unusual form; write four decimal numbers", host)
	}
	return host, nil
}

func isNumber(label string) bool {
	digits := "0123456789"
	if hex, ok := strings.CutPrefix(label, "0x"); ok {
		label, digits = hex, "0123456789abcdef"
	}
	return strings.Trim(label, digits) == ""
}

// Site is the domain that somebody registered, such as docker.io of auth.docker.io. It is empty for an
// address, and for a name that is everybody's.
func (o Origin) Site() string {
	if _, err := netip.ParseAddr(o.Host); err == nil {
		return ""
	}
	site, err := publicsuffix.EffectiveTLDPlusOne(o.Host)
	if err != nil {
		return ""
	}
	return site
}
