package accesstoken

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"net/url"
	"strings"

	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/go-jose/go-jose/v4"
	strictjson "github.com/go-jose/go-jose/v4/json"
)

const (
	// maxDocument is the length of the longest metadata and the longest set of keys, in
	// bytes.
	maxDocument = 256 << 10
	// maxKeys bounds the keys read from a set.
	maxKeys = 64
)

// source reads the keys of an issuer, which its metadata locates.
type source struct {
	issuer *url.URL
	text   string // the issuer, letter for letter
	http   egress.Config
}

// fetch reads the metadata, and then the keys.
func (s *source) fetch(ctx context.Context) ([]jose.JSONWebKey, error) {
	at, err := s.discover(ctx)
	if err != nil {
		return nil, err
	}
	body, err := s.get(ctx, at)
	if err != nil {
		return nil, about(err, "cannot read the keys of the issuer")
	}
	if body == nil {
		return nil, wrong("the issuer has no keys at the address in its metadata", "")
	}
	return parseKeys(body)
}

// parseKeys reads a set of keys. It ignores unknown ones (RFC 7517, section 5).
func parseKeys(body []byte) ([]jose.JSONWebKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, wrong("the issuer's keys are not JSON of a key set", "")
	}
	var found []jose.JSONWebKey
	for _, raw := range set.Keys[:min(len(set.Keys), maxKeys)] {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(raw) == nil && usable(key) {
			found = append(found, key)
		}
	}
	if len(found) == 0 {
		return nil, wrong("the issuer has no key for signatures with RS256, PS256, ES256 or EdDSA", "")
	}
	return found, nil
}

// locations are the possible URLs of an issuer's metadata, in the order of the protocol's
// specification: RFC 8414, section 3.1; OpenID's document in the same way; and OpenID Connect
// Discovery, section 4.
func locations(issuer *url.URL) []*url.URL {
	path := strings.TrimRight(issuer.EscapedPath(), "/")
	paths := []string{"/.well-known/oauth-authorization-server" + path, "/.well-known/openid-configuration" + path}
	if path != "" {
		paths = append(paths, path+"/.well-known/openid-configuration")
	}
	found := make([]*url.URL, 0, len(paths))
	for _, p := range paths {
		if u, err := url.Parse(issuer.Scheme + "://" + issuer.Host + p); err == nil {
			found = append(found, u)
		}
	}
	return found
}

// discover returns the URL of the issuer's keys.
func (s *source) discover(ctx context.Context) (*url.URL, error) {
	for _, at := range locations(s.issuer) {
		body, err := s.get(ctx, at)
		if err != nil {
			return nil, about(err, "cannot read the metadata of the issuer")
		}
		if body != nil {
			return s.keysOf(body)
		}
	}
	return nil, wrong("the issuer has no metadata", "check the URL: it has neither .well-known/oauth-authorization-server nor .well-known/openid-configuration")
}

// keysOf reads metadata, which must be this issuer's: RFC 8414, section 3.3.
func (s *source) keysOf(body []byte) (*url.URL, error) {
	var metadata struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	// Names are case-sensitive and unique.
	if err := strictjson.Unmarshal(body, &metadata); err != nil {
		return nil, wrong("the issuer's metadata is not JSON of that form", "check the URL of the issuer")
	}
	if metadata.Issuer != s.text {
		hint := "check the URL of the issuer"
		if strings.TrimRight(metadata.Issuer, "/") == strings.TrimRight(s.text, "/") {
			hint = "write it as in the metadata, with or without the slash at the end"
		}
		return nil, wrong("the metadata belongs to another issuer", hint)
	}
	at, err := url.Parse(metadata.Keys)
	if err != nil || at.Host == "" || at.User != nil || at.Fragment != "" || !s.own(at) && at.Scheme != "https" {
		return nil, wrong("the metadata has no usable address for the issuer's keys", "jwks_uri must be an https URL")
	}
	return at, nil
}

// own reports whether a URL is at the issuer's own origin.
func (s *source) own(u *url.URL) bool {
	return u.Scheme == s.issuer.Scheme && strings.EqualFold(u.Host, s.issuer.Host)
}

// get reads a document, nil if there is none. It follows no redirect. Only the issuer's origin,
// which the operator named, may be at a private address.
func (s *source) get(ctx context.Context, at *url.URL) ([]byte, error) {
	path := at.EscapedPath()
	e := s.http.At("issuer", at.Scheme+"://"+at.Host, s.own(at))
	e.Limits.ResponseBody = maxDocument
	if e.Limits.Timeout == 0 {
		e.Limits.Timeout = readTime / 2
	}
	e.Retry.Attempts = 1
	client, err := egress.New(e)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	if path == "" {
		path = "/"
	}
	request := abi.Request{Method: "GET", Path: path}
	for name, values := range at.Query() {
		for _, value := range values {
			request.Query = append(request.Query, [2]string{name, value})
		}
	}
	resp, err := client.Send(ctx, egress.Scope{
		Requests: []abi.RequestTemplate{{Method: "GET", Path: path}}, Reads: true,
		Budget: egress.NewBudget(1, 64<<10, maxDocument),
	}, &request, nil)
	switch {
	case err != nil:
		return nil, err
	case resp.Status == 200:
		return resp.Body, nil
	case resp.Status >= 400 && resp.Status < 500 && resp.Status != 429:
		return nil, nil
	}
	return nil, &abi.Error{Kind: abi.KindVendorError, Status: resp.Status, Retryable: true, Message: "unexpected status from the issuer"}
}

// about rewords an error of egress, which is about vendors.
func about(err error, what string) error {
	var e *abi.Error
	if !errors.As(err, &e) {
		return err
	}
	e = e.WithCause(e.Unwrap())
	e.Message, e.Hint, e.RequestSent = what+": "+e.Message, "check the URL of the issuer, and that this machine can reach it", false
	return e
}

func wrong(message, hint string) *abi.Error {
	if hint == "" {
		hint = "ask the operator of the issuer"
	}
	return &abi.Error{Kind: abi.KindVendorError, Message: message, Hint: hint}
}

func loopback(name string) bool {
	ip, err := netip.ParseAddr(name)
	return strings.EqualFold(name, "localhost") || err == nil && ip.IsLoopback()
}
