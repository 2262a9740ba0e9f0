package egress

import (
	"net/http"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
)

// threat: N1, N2
func TestRedirects(t *testing.T) {
	other := newVendor(t, reply(200, "stolen"))
	for _, test := range []struct {
		name     string
		method   string
		status   int
		location string
		want     string // the request that follows, or ! and a part of the error
	}{
		{"same path with a query", "GET", 302, "/base/issues?page=2", "GET /base/issues?page=2"},
		{"absolute", "GET", 301, "{self}/base/issues/7", "GET /base/issues/7"},
		{"relative", "GET", 307, "issues/7", "GET /base/issues/7"},
		{"query only", "GET", 308, "?page=2", "GET /base/issues?page=2"},
		{"HEAD", "HEAD", 303, "/base/issues/8", "HEAD /base/issues/8"},
		{"fragment is dropped", "GET", 302, "/base/issues/7#x", "GET /base/issues/7"},
		{"another port", "GET", 302, "{other}/base/issues", "!to {other}/base/issues, which agenthost does not follow: it is another origin"},
		{"another scheme", "GET", 302, "{other-scheme}://{self-host}/base/issues", "!another origin"},
		{"another host", "GET", 302, "https://evil.example/base/issues?x=" + canary, "!to https://evil.example/base/issues, which"},
		{"another host in the shape of ours", "GET", 302, "//evil.example/base/issues", "!another origin"},
		{"longer host", "GET", 302, "{self}.evil.example/base/issues", "!not a URL"},
		{"metadata", "GET", 302, "http://169.254.169.254/latest/meta-data", "!another origin"},
		{"user name", "GET", 302, "{scheme}://user@{self-host}/base/issues", "!user name"},
		{"our host as user name", "GET", 302, "{scheme}://{self-host}@evil.example/base/issues", "!user name"},
		{"backslash", "GET", 302, `\\evil.example\base\issues`, "!does not declare"},
		{"file", "GET", 302, "file:///etc/passwd", "!its host is invalid"},
		{"javascript", "GET", 302, "javascript:alert(1)", "!its host is invalid"},
		{"not a URL", "GET", 302, "http://[::1", "!not a URL"},
		{"undeclared path", "GET", 302, "/base/users", "!to {self}/base/users, which agenthost does not follow: the operation does not declare it"},
		{"declared with another method", "HEAD", 302, "/base/issues", "!does not declare"},
		{"outside the base path", "GET", 302, "/issues", "!does not declare"},
		{"out by dots", "GET", 302, "/base/issues/../../users", "!does not declare"},
		{"out by escaped dots", "GET", 302, "/base/issues/%2e%2e", "!does not declare"},
		{"out by an escaped slash", "GET", 302, "/base/issues/..%2fusers", "!does not declare"},
		{"credential in the query", "GET", 302, "/base/issues?API_KEY=x", "!carries a credential"},
		{"credential in the path", "GET", 302, "/base/users/" + canary, "!does not declare"},
		{"bad query", "GET", 302, "/base/issues?%zz", "!malformed"},
		{"POST", "POST", 307, "/base/issues", "!it follows only GET and HEAD"},
		{"POST that becomes GET", "POST", 303, "/base/issues", "!it follows only GET and HEAD"},
		{"loop", "GET", 302, "/base/issues/loop", "!too many redirects"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var v *vendor
			fill := func(s string) string {
				scheme, host, _ := strings.Cut(v.URL, "://")
				otherScheme := map[string]string{"http": "https", "https": "http"}[scheme]
				return strings.NewReplacer("{self}", v.URL, "{other}", other.URL, "{self-host}", host, "{scheme}", scheme, "{other-scheme}", otherScheme).Replace(s)
			}
			first := true
			v = newVendor(t, func(w http.ResponseWriter, r *http.Request) {
				if first || strings.HasSuffix(r.URL.Path, "loop") {
					first = false
					w.Header().Set("Location", fill(test.location))
					w.WriteHeader(test.status)
				}
			})
			c := lab(t, v, func(c *Config) {
				c.Override += "/base"
				c.Auth.Inject = append(c.Auth.Inject, abi.Injection{In: abi.InQuery, Name: "api_key", Value: "{api_token}"})
			})
			req := &abi.Request{Method: test.method, Path: "/issues"}
			if test.method == "HEAD" {
				req = &abi.Request{Method: "HEAD", Path: "/issues/{id}", PathParams: map[string]string{"id": "1"}}
			}
			resp, err := c.Send(t.Context(), retrying(), req, nil)
			got := v.requests()
			if part, fails := strings.CutPrefix(test.want, "!"); fails {
				e := want(t, err, abi.KindDenied, RuleRedirect, fill(part))
				if !e.RequestSent || e.Rule != RuleRedirect || strings.Contains(e.Message, "?") || len(got) != 1 && !strings.Contains(test.want, "too many") {
					t.Errorf("%#v after %d requests", e, len(got))
				}
				if strings.Contains(test.want, "too many") && len(got) != 1+maxRedirects {
					t.Errorf("%d requests", len(got))
				}
				return
			}
			if err != nil || resp.Status != 200 || resp.Attempts != 2 || len(got) != 2 {
				t.Fatalf("%+v, %v, %d requests", resp, err, len(got))
			}
			credential := "api_key=canary_7f3a9c%2Bto%2Fken%3D%3D"
			expected := test.want + "&" + credential
			if !strings.Contains(test.want, "?") {
				expected = test.want + "?" + credential
			}
			if uri := got[1].Method + " " + got[1].RequestURI; uri != expected || got[1].Header.Get("Authorization") != "Bearer "+canary {
				t.Errorf("then sent %s with %q, want %s", uri, got[1].Header.Get("Authorization"), expected)
			}
		})
	}
	if n := len(other.requests()); n != 0 {
		t.Errorf("%d requests went elsewhere", n)
	}
}

func TestOtherAnswersOfThe300sAreReturned(t *testing.T) {
	for _, status := range []int{300, 302, 304, 305} {
		c := lab(t, newVendor(t, func(w http.ResponseWriter, _ *http.Request) {
			if status != 302 {
				w.Header().Set("Location", "https://evil.example")
			}
			w.WriteHeader(status)
		}))
		if resp, err := c.Send(t.Context(), scope(), get("/issues"), nil); err != nil || resp.Status != status {
			t.Errorf("%d: %v, %v", status, resp, err)
		}
	}
}
