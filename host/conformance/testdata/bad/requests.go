package main

import (
	"strings"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

// sending changes every request of an operation before it is sent.
func sending(op int, change func(*pdk.Request)) defect {
	return handled(op, func(c *pdk.Call) error {
		r := c.Request()
		change(r)
		resp, err := c.Do(r)
		if err != nil {
			return err
		}
		return c.Respond(resp)
	})
}

// header sets a header besides.
func header(name, value string) defect {
	return sending(get, func(r *pdk.Request) { r.Headers = append(r.Headers, [2]string{name, value}) })
}

// requestDefects are requests that every host refuses.
var requestDefects = map[string]defect{
	"requests.declared, mistyped": {spoil: func(c *pdk.Connector) { c.Operations[get].Path = "/things/{idd}" }},
	"requests.declared, extra": sending(get, func(r *pdk.Request) {
		r.PathParams = append(r.PathParams, [2]string{"part", "wheel"})
	}),
	"requests.declared, dots":     sending(get, func(r *pdk.Request) { r.PathParams[0][1] = ".." }),
	"requests.declared, nothing":  sending(get, func(r *pdk.Request) { r.PathParams[0][1] = "" }),
	"requests.declared, lower":    sending(get, func(r *pdk.Request) { r.Method = "get" }),
	"requests.declared, absolute": sending(get, func(r *pdk.Request) { r.Path = origin + "/things/t1" }),
	"requests.declared, filled":   sending(get, func(r *pdk.Request) { r.Path = "/things/t1" }),
	"requests.declared, server":   sending(get, func(r *pdk.Request) { r.Server = "other" }),
	"requests.declared, body":     sending(get, func(r *pdk.Request) { r.Body = []byte(`{"parts":true}`) }),
	"requests.declared, query": {spoil: func(c *pdk.Connector) {
		c.Auth.Schemes = append(c.Auth.Schemes, abi.AuthScheme{
			ID: "key", Type: abi.AuthAPIKey, Fields: []abi.AuthField{{Name: "key", Title: "Key", Secret: true, Required: true}},
			Inject: []abi.Injection{{In: abi.InQuery, Name: "api_key", Value: "{key}"}}, Origins: []string{origin},
		})
		c.Operations[get].Params = append(c.Operations[get].Params, pdk.Query("api_key", pdk.String("Key of the caller.").Max(20)))
		c.Operations[get].Examples = []string{`{"id":"t1","api_key":"k"}`}
	}},
	"requests.declared, long":      sending(get, func(r *pdk.Request) { r.SetQuery("fields", strings.Repeat("name,", 4000)) }),
	"requests.declared, control":   sending(get, func(r *pdk.Request) { r.SetQuery("fields", "name\nsize") }),
	"requests.declared, override":  sending(get, func(r *pdk.Request) { r.SetQuery("_method", "DELETE") }),
	"requests.declared, twice":     sending(get, func(r *pdk.Request) { r.Headers = [][2]string{{"X-Version", "1"}, {"x-version", "2"}} }),
	"requests.declared, proxy":     header("X-Forwarded-For", "127.0.0.1"),
	"requests.declared, host":      header("Host", "api.other.example"),
	"requests.declared, agent":     header("User-Agent", "things/1.0"),
	"requests.declared, break":     header("X-Note", "a\r\nAuthorization: Bearer of mine"),
	"requests.declared, name":      header("X Note", "a"),
	"requests.declared, many":      sending(get, func(r *pdk.Request) { r.Headers = make([][2]string, 65) }),
	"requests.declared, cookie":    header("cookie", "session=1"),
	"requests.declared, undersize": header("Content-Length", "0"),
}
