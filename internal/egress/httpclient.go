package egress

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// HTTPClient returns a client for a library that wants one. Each of its requests goes through a
// [Client] of its own, for the origin of its URL, with the limits, the proxy and the seams of a
// configuration and without its credential. Only the origin of operator, which the operator named, may
// be plain http or at a private address; any other has https. It follows no redirect, keeps no cookie,
// and sends no header but Content-Type.
func HTTPClient(c Config, operator *url.URL) *http.Client {
	return &http.Client{
		Transport:     libraryTransport{c, operator},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

type libraryTransport struct {
	config   Config
	operator *url.URL
}

// RoundTrip implements http.RoundTripper.
func (t libraryTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }()
	}
	own := r.URL.Scheme == t.operator.Scheme && strings.EqualFold(r.URL.Host, t.operator.Host)
	if !own && r.URL.Scheme != "https" || r.URL.User != nil {
		return nil, fault.Invalid("url", "a URL of the issuer is not an https URL", "ask the operator of the issuer")
	}
	e := t.config.At("issuer", r.URL.Scheme+"://"+r.URL.Host, own)
	e.Retry.Attempts = 1
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(io.LimitReader(r.Body, maxLibraryBody+1)); err != nil {
			return nil, err
		}
		defer clear(body)
	}
	if len(body) > maxLibraryBody {
		return nil, errors.New("the body is too long")
	}
	client, err := New(e)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	path := cmp.Or(r.URL.EscapedPath(), "/")
	request := abi.Request{Method: r.Method, Path: path}
	if kind := r.Header.Get("Content-Type"); kind != "" {
		request.Headers = [][2]string{{"Content-Type", kind}}
	}
	for name, values := range r.URL.Query() {
		for _, value := range values {
			request.Query = append(request.Query, [2]string{name, value})
		}
	}
	resp, err := client.Send(r.Context(), Scope{
		Requests: []abi.RequestTemplate{{Method: r.Method, Path: path}}, Reads: r.Method == http.MethodGet,
		Budget: NewBudget(1, 2*maxLibraryBody, 4*maxLibraryBody),
	}, &request, body)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status: http.StatusText(resp.Status), StatusCode: resp.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: resp.Header, Body: io.NopCloser(bytes.NewReader(resp.Body)), ContentLength: int64(len(resp.Body)), Request: r,
	}, nil
}

// maxLibraryBody is the most bytes of a body that a library sends.
const maxLibraryBody = 256 << 10
