package config

import (
	"strings"
	"testing"
)

func TestProxy(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]*Proxy{
		"plugins: ./p\n": nil,
		"proxy: {url: \"http://proxy.example.com:3128\"}\n":                                  {URL: "http://proxy.example.com:3128"},
		"proxy: {url: \"https://10.0.0.1:3128\", credential: env:PROXY, resolve: proxy}\n":   {"https://10.0.0.1:3128", "env:PROXY", true},
		"proxy:\n  url: http://proxy:3128\n  resolve: host\n  credential: file:/run/proxy\n": {"http://proxy:3128", "file:/run/proxy", false},
	} {
		c, err := Parse("/etc/agenthost.yaml", []byte(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if (c.Proxy == nil) != (want == nil) || want != nil && *c.Proxy != *want {
			t.Errorf("%q: %+v", text, c.Proxy)
		}
	}
	for _, text := range []string{
		"proxy: http://proxy:3128\n", "proxy: {}\n", "proxy:\n", "proxy: {resolve: host}\n", "proxy: {url: proxy:3128}\n",
		"proxy: {url: \"http://ada:canary@proxy:3128\"}\n", "proxy: {url: \"http://proxy:3128/canary\"}\n", "proxy: {url: \"socks5://proxy:1080\"}\n",
		"proxy: {url: \"http://proxy:3128\", credential: canary}\n", "proxy: {url: \"http://proxy:3128\", resolve: canary}\n", "proxy: {url: \"http://proxy:3128\", password: x}\n",
	} {
		_, err := Parse("/etc/agenthost.yaml", []byte(text))
		if err == nil {
			t.Errorf("%q is taken", text)
		} else if strings.Contains(err.Error(), "canary") && !strings.Contains(text, "resolve: canary") {
			t.Errorf("%q: the error quotes it: %v", text, err)
		}
	}
}
