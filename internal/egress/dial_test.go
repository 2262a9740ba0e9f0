package egress

import (
	"context"
	"errors"
	"net"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/google/go-cmp/cmp"
)

// threat: N3, N5, N6
func TestResolvedAddressesAreVetted(t *testing.T) {
	for _, test := range []struct {
		name  string
		addrs []string
		dials string // the address that is dialled, or a rule
	}{
		{"public", []string{"93.184.215.14"}, "93.184.215.14:443"},
		{"public IPv6", []string{"2606:2800:220:1::1"}, "[2606:2800:220:1::1]:443"},
		{"mapped public", []string{"::ffff:93.184.215.14"}, "93.184.215.14:443"},
		{"NAT64", []string{"64:ff9b::5db8:d70e"}, "[64:ff9b::5db8:d70e]:443"},
		{"mixed", []string{"10.0.0.1", "::1", "93.184.215.14"}, "93.184.215.14:443"},
		{"loopback", []string{"127.0.0.1"}, RuleAddress},
		{"mapped loopback", []string{"::ffff:127.0.0.1"}, RuleAddress},
		{"private", []string{"192.168.1.1", "fd00::1"}, RuleAddress},
		{"unspecified", []string{"0.0.0.0"}, RuleAddress},
		{"6to4 of loopback", []string{"2002:7f00:1::"}, RuleAddress},
		{"metadata", []string{"169.254.169.254"}, RuleMetadata},
		{"metadata among public ones", []string{"93.184.215.14", "169.254.169.254"}, RuleMetadata},
		{"metadata by NAT64", []string{"64:ff9b::a9fe:a9fe"}, RuleMetadata},
		{"Azure's wire server", []string{"168.63.129.16"}, RuleMetadata},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, internet, setup := public(t, reply(200, "{}"))
			config := baseConfig()
			setup(&config)
			config.Resolver = zone{"example.com": test.addrs}
			_, err := newClient(t, config).Send(t.Context(), scope(), get("/issues"), nil)
			if strings.HasPrefix(test.dials, "egress.") {
				if e := want(t, err, abi.KindDenied, test.dials, "example.com"); e.RequestSent || e.Rule != test.dials || e.Hint == "" {
					t.Errorf("%#v", e)
				}
				if len(internet.dialed) != 0 {
					t.Errorf("dialled %q", internet.dialed)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{test.dials}, internet.dialed); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// rebinding answers with another address each time.
type rebinding struct {
	answers []string
	asked   atomic.Int32
}

func (r *rebinding) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	n := int(r.asked.Add(1)) - 1
	return []netip.Addr{netip.MustParseAddr(r.answers[min(n, len(r.answers)-1)])}, nil
}

// The address that was vetted is the one that is dialled: a name is asked for once per
// connection, so there is nothing to flip between the check and the use.
// threat: N3
func TestRebinding(t *testing.T) {
	v, internet, setup := public(t, reply(200, "{}"))
	config := baseConfig()
	setup(&config)
	names := &rebinding{answers: []string{"93.184.215.14", "127.0.0.1"}}
	config.Resolver = names
	c := newClient(t, config)
	if _, err := c.Send(t.Context(), scope(), get("/issues"), nil); err != nil {
		t.Fatal(err)
	}
	if names.asked.Load() != 1 || internet.dialed[0] != "93.184.215.14:443" {
		t.Errorf("asked %d times, dialled %q", names.asked.Load(), internet.dialed)
	}
	c.Close() // the next request needs a new connection, and meets the new address
	_, err := c.Send(t.Context(), scope(), get("/issues"), nil)
	want(t, err, abi.KindDenied, RuleAddress, "127.0.0.1")
	if len(v.requests()) != 1 || len(internet.dialed) != 1 {
		t.Errorf("%d requests, dialled %q", len(v.requests()), internet.dialed)
	}
}

// The operator's setting opens one origin, and nothing beside it.
// threat: N6, N10
func TestOverrideOpensOneOriginOnly(t *testing.T) {
	v := newVendor(t, reply(200, "{}"))
	other := newVendor(t, reply(200, "{}"))
	c := lab(t, v, func(c *Config) {
		c.Resolver = zone{"api.eu.example.com": {"127.0.0.1"}}
		c.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, other.Listener.Addr().String())
		}
	})
	_, err := c.Send(t.Context(), scope(), &abi.Request{Server: "eu", Method: "GET", Path: "/issues"}, nil)
	want(t, err, abi.KindDenied, RuleAddress, "api.eu.example.com resolves to 127.0.0.1", "set server of the connection")
	if n := len(other.requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
	for _, override := range []string{"http://169.254.169.254", "http://[fd00:ec2::254]", "http://100.100.100.200", "http://[::ffff:169.254.169.254]", "http://168.63.129.16"} {
		c := lab(t, v, func(c *Config) { c.Override = override })
		_, err := c.Send(t.Context(), scope(), get("/issues"), nil)
		want(t, err, abi.KindDenied, RuleMetadata, "agenthost never connects to it")
	}
	for _, override := range []string{"http://169.254.1.1", "http://0.0.0.0", "http://224.0.0.1", "http://[fe80::1]", "http://[2002:7f00:1::]", "http://255.255.255.255"} {
		c := lab(t, v, func(c *Config) { c.Override = override })
		_, err := c.Send(t.Context(), scope(), get("/issues"), nil)
		want(t, err, abi.KindDenied, RuleAddress, "never connects")
	}
	named := lab(t, v, func(c *Config) {
		c.Override = strings.Replace(v.URL, "127.0.0.1", "vendor.internal", 1)
		c.Resolver = zone{"vendor.internal": {"127.0.0.1"}}
	})
	if _, err := named.Send(t.Context(), scope(), get("/issues"), nil); err != nil {
		t.Errorf("a name of the operator: %v", err)
	}
	literal := baseConfig()
	literal.Servers[0].URL, literal.Auth.Origins = "https://10.0.0.1", []string{"https://10.0.0.1"}
	_, err = newClient(t, literal).Send(t.Context(), scope(), get("/issues"), nil)
	want(t, err, abi.KindDenied, RuleAddress, "10.0.0.1 is a private address")
}

func TestNamesAndConnectionsThatFail(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := closed.Addr().String()
	_ = closed.Close()
	_, err = lab(t, &vendor{Server: &httptest.Server{URL: "http://" + address}}).Send(t.Context(), scope(), get("/issues"), nil)
	if e := want(t, err, abi.KindNetwork, "refuses connections"); !e.Retryable || e.RequestSent {
		t.Errorf("%#v", e)
	}
	config := baseConfig()
	config.Resolver = zone{}
	_, err = newClient(t, config).Send(t.Context(), scope(), get("/issues"), nil)
	if e := want(t, err, abi.KindNetwork, "the name api.example.com does not exist"); e.Retryable || e.RequestSent {
		t.Errorf("%#v", e)
	}
	config.Resolver = failing{}
	_, err = newClient(t, config).Send(t.Context(), scope(), get("/issues"), nil)
	if e := want(t, err, abi.KindNetwork, "cannot resolve"); !e.Retryable {
		t.Errorf("%#v", e)
	}
}

type failing struct{}

func (failing) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	return nil, &net.DNSError{Err: "server misbehaving", Name: host, IsTemporary: true}
}

// A name has several addresses, and the first one is dead.
func TestNextAddressIsTried(t *testing.T) {
	_, internet, setup := public(t, reply(200, "{}"))
	config := baseConfig()
	setup(&config)
	config.Resolver = zone{"example.com": {"93.184.215.14", "93.184.215.15"}}
	config.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if strings.HasPrefix(address, "93.184.215.14") {
			return nil, errors.New("dead")
		}
		return internet.dial(ctx, network, address)
	}
	if _, err := newClient(t, config).Send(t.Context(), scope(), get("/issues"), nil); err != nil {
		t.Error(err)
	}
}

func TestCertificates(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Config)
		part   string
	}{
		{"unknown authority", func(c *Config) { c.RootCAs = nil }, "from an authority that this machine does not trust"},
		{"other name", func(c *Config) {
			c.Servers[0].URL = "https://other.test"
			c.Auth = bearer("https://other.test")
			c.Resolver = zone{"other.test": {"93.184.215.14"}}
		}, "is for another host"},
	} {
		v, _, setup := public(t, reply(200, "{}"))
		config := baseConfig()
		setup(&config)
		test.change(&config)
		_, err := newClient(t, config).Send(t.Context(), retrying(), get("/issues"), nil)
		if e := want(t, err, abi.KindNetwork, test.part); e.Retryable || e.RequestSent || len(v.requests()) != 0 {
			t.Errorf("%s: %#v", test.name, e)
		}
	}
	plain := newVendor(t, reply(200, "{}"))
	c := lab(t, plain, func(c *Config) { c.Override = strings.Replace(plain.URL, "http:", "https:", 1) })
	_, err := c.Send(t.Context(), scope(), get("/issues"), nil)
	want(t, err, abi.KindNetwork, "does not use TLS")
}

// threat: N14, N19
func TestTransportIsStrict(t *testing.T) {
	c := newClient(t, baseConfig())
	for _, s := range c.servers {
		transport := c.pools.to(s).http2Transport()
		if config := transport.TLSClientConfig; transport.Proxy != nil || !transport.DisableCompression ||
			config.MinVersion != 0x0303 || config.InsecureSkipVerify || config.ServerName != s.origin.Host {
			t.Errorf("the transport to %s is lax", s.origin)
		}
	}
	if len(c.pools.of) != 2 {
		t.Errorf("%d pools for two origins", len(c.pools.of))
	}
}

// The resolver that the system has would try a name in its search domains as well.
func TestManifestNamesAreAbsolute(t *testing.T) {
	d := newDialer(seams.Seams{}, &server{origin: origin.Origin{Scheme: "https", Host: "api.example.com", Port: 443}}, Limits{}.withDefaults())
	if !d.absolute {
		t.Error("names are looked up in search domains")
	}
	asked := ""
	d.resolver = recorder{&asked}
	_, _ = d.resolve(t.Context())
	if asked != "api.example.com." {
		t.Errorf("asked for %q", asked)
	}
	d.origin.Host, d.private = "svc.namespace", true
	_, _ = d.resolve(t.Context())
	if asked != "svc.namespace" {
		t.Errorf("asked for %q", asked)
	}
}

type recorder struct{ asked *string }

func (r recorder) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	*r.asked = host
	return nil, errors.New("none")
}

func TestDialIsBounded(t *testing.T) {
	config := baseConfig()
	config.Limits.Dial = 20 * time.Millisecond
	config.Retry.Attempts = 1
	config.Resolver = zone{"api.example.com": {"93.184.215.14"}}
	config.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	_, err := newClient(t, config).Send(t.Context(), scope(), get("/issues"), nil)
	if e := want(t, err, abi.KindTimeout, "did not respond in time"); e.RequestSent || !e.Retryable {
		t.Errorf("%#v", e)
	}
}
