package origin

import (
	"net/url"
	"strings"
	"testing"
)

// threat: N5, N10
func TestParse(t *testing.T) {
	label := strings.Repeat("a", 63)
	longest := strings.Join([]string{label, label, label, label[:61]}, ".") // 253 characters
	for in, want := range map[string]Origin{
		"https://api.usepylon.com":      {"https", "api.usepylon.com", 443},
		"https://api.usepylon.com/":     {"https", "api.usepylon.com", 443},
		"HTTPS://API.usepylon.com:443":  {"https", "api.usepylon.com", 443},
		"http://127.0.0.1:9003":         {"http", "127.0.0.1", 9003},
		"http://localhost":              {"http", "localhost", 80},
		"http://[::1]:80":               {"http", "::1", 80},
		"https://[2001:DB8:0:0::1]":     {"https", "2001:db8::1", 443},
		"https://xn--bcher-kva.example": {"https", "xn--bcher-kva.example", 443},
		"http://my_service:8080":        {"http", "my_service", 8080},
		"https://a-z.0123456789.az:1":   {"https", "a-z.0123456789.az", 1},
		"https://a.example:65535":       {"https", "a.example", 65535},
		"https://" + longest:            {"https", longest, 443},
	} {
		got, err := Parse(in)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v", in, got, err)
		}
		if again, err := Parse(got.String()); err != nil || again != got {
			t.Errorf("%q prints as %q", in, got)
		}
	}
	for _, bad := range []string{
		"", "api.usepylon.com", "//api.usepylon.com", "ftp://api.usepylon.com", "https://", "https://:443", "https:api.usepylon.com",
		"https://api.usepylon.com/v1", "https://api.usepylon.com?x", "https://api.usepylon.com?", "https://api.usepylon.com#x", "https://api.usepylon.com#",
		"https://user@api.usepylon.com", "https://user:pw@api.usepylon.com", "https://api.usepylon.com@evil.example", "https://@api.usepylon.com",
		"https://api.usepylon.com:", "https://api.usepylon.com:0", "https://api.usepylon.com:65536", "https://api.usepylon.com:0443", "https://api.usepylon.com:x",
		"https://api.usepylon.com.", "https://api..com", "https://.com", "https://-a.com", "https://a-.com", "https://bücher.example", "https://api%2eusepylon.com",
		`https://api.usepylon.com\@evil.example`, "https://api.usepylon.com\t", "https://api.usepylon.com\n", "https://api.use pylon.com", " https://a.example",
		"https://2130706433", "https://0x7f000001", "https://0x7f.1", "https://0177.0.0.1", "https://127.1", "https://127.0.1", "https://1.2.3.4.5",
		"https://256.1.1.1", "https://127.0.0.1.", "https://a.0x7", "https://127.0.0.0x1", "https://[fe80::1%25eth0]", "https://[::1", "https://[v1.x]",
		"https://" + strings.Repeat("a", 64) + ".example", "https://" + strings.Repeat("a.", 130) + "example", "https://a" + longest[1:] + "a", "https://a*b.example", "https://*.example",
	} {
		if got, err := Parse(bad); err == nil {
			t.Errorf("%q is taken for %+v", bad, got)
		}
	}
}

// threat: N10, A7
func FuzzParse(f *testing.F) {
	for _, s := range []string{"https://a.example", "http://127.0.0.1:80", "https://[::1]:1", "https://a@b", "https://0x7f.1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		o, err := Parse(s)
		if err != nil {
			return
		}
		if again, err := Parse(o.String()); err != nil || again != o {
			t.Fatalf("%q gives %+v, which prints as %q: %v", s, o, o, err)
		}
		u, err := url.Parse(o.String())
		if err != nil || u.User != nil || u.Path != "" || u.Hostname() != o.Host {
			t.Fatalf("%q: net/url reads %q differently: %v", s, o, u)
		}
		if strings.ContainsAny(o.Host, "@/\\?#% \t\r\n") || strings.HasSuffix(o.Host, ".") {
			t.Fatalf("%q gives host %q", s, o.Host)
		}
	})
}

// threat: C13, N10
func TestNamed(t *testing.T) {
	t.Parallel()
	suffixes := []string{"vendor.example", "amazonaws.com"}
	for _, good := range []string{"https://acme.vendor.example", "https://a.b.vendor.example", "https://ab--dev.sandbox.vendor.example", "https://kms.amazonaws.com"} {
		if o, err := Named(good, suffixes); err != nil || o.String() != good {
			t.Errorf("%s: %v, %v", good, o, err)
		}
	}
	for _, bad := range []string{
		"", "acme.vendor.example", "//acme.vendor.example", "http://acme.vendor.example", "ftp://acme.vendor.example", "https:acme.vendor.example", "https:///acme.vendor.example",
		"https://vendor.example", "https://evilvendor.example", "https://vendor.example.evil.example", "https://acme.vendor.example.evil.example", "https://evil.example",
		"https://acme.vendor.example.", "https://acme.vendor.example..", "https://.vendor.example", "https://acme..vendor.example", "https://-a.vendor.example",
		"https://acme.vendor.example/", "https://acme.vendor.example/x", "https://evil.example/.vendor.example", "https://evil.example/acme.vendor.example", `https://evil.example\.vendor.example`,
		"https://acme.vendor.example?x", "https://evil.example?.vendor.example", "https://acme.vendor.example#x", "https://evil.example#.vendor.example", "https://evil.example%2f.vendor.example", "https://evil.example%23.vendor.example",
		"https://acme@evil.example", "https://a:b@acme.vendor.example", "https://@acme.vendor.example", "https://evil.example@acme.vendor.example",
		"https://acme.vendor.example:443", "https://acme.vendor.example:8443", "https://acme.vendor.example:", "https://acme.vendor.example:0",
		"https://ACME.vendor.example", "HTTPS://acme.vendor.example", "https://acme.vendor.example ", " https://acme.vendor.example", "https://acme.vendor.example\n", "https://a\x00.vendor.example",
		"https://xn--bcher-kva.vendor.example", "https://a.xn--bcher-kva.vendor.example", "https://bücher.vendor.example", "https://acme\u3002vendor.example", "https://evil.example\uff0f.vendor.example", "https://аcme.vendor.example",
		"https://127.0.0.1", "https://[::1]", "https://2130706433", "https://[::ffff:169.254.169.254]", "https://127.0.0.1.vendor.example:1", "https://{a}.vendor.example", "https://*.vendor.example",
		"https://amazonaws.com", "https://bucket.s3.amazonaws.com", "https://s3.amazonaws.com", "https://" + strings.Repeat("a", 64) + ".vendor.example", "https://" + strings.Repeat("a.", 130) + "vendor.example",
	} {
		if o, err := Named(bad, suffixes); err == nil {
			t.Errorf("%q is taken for %s", bad, o)
		} else if strings.Contains(err.Error(), "evil") {
			t.Errorf("the error repeats what a stranger wrote: %v", err)
		}
	}
	if o, err := Named("https://acme.vendor.example", nil); err == nil {
		t.Errorf("without a suffix: %s", o)
	}
}

// threat: C11, T2
func TestOfCloud(t *testing.T) {
	t.Parallel()
	for domain, want := range map[string]bool{
		"amazonaws.com": true, "us-west-2.amazonaws.com": true, "amazonaws.com.cn": true, "windows.net": true, "usgovcloudapi.net": true,
		"salesforce.com": false, "typeform.com": false, "linode.com": false, "vendor.example": false, "myshopify.com": false, "kms.amazonaws.com": false,
	} {
		if OfCloud(domain) != want {
			t.Errorf("%s: %t", domain, !want)
		}
	}
}

// threat: C13
func FuzzNamed(f *testing.F) {
	for _, s := range []string{"https://acme.vendor.example", "https://acme.vendor.example:443/", "https://a@vendor.example", "https://xn--a.vendor.example", "https://evil.example/.vendor.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		o, err := Named(s, []string{"vendor.example", "s3.amazonaws.com"})
		if err != nil {
			return
		}
		u, err := url.Parse(s)
		if err != nil || u.Scheme != "https" || u.User != nil || u.Port() != "" || u.Path+u.RawQuery+u.Fragment != "" || u.Hostname() != o.Host {
			t.Fatalf("%q is taken for %s: %v", s, o, u)
		}
		if !strings.HasSuffix(o.Host, ".vendor.example") && !strings.HasSuffix(o.Host, ".s3.amazonaws.com") || strings.Contains("."+o.Host, ".xn--") {
			t.Fatalf("%q is under no suffix", s)
		}
	})
}
