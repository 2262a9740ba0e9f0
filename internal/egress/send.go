package egress

import (
	"context"
	"errors"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/redact"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/agenthost/agenthost/pdk/abi"
)

// Send sends what a guest asked for and returns the vendor's answer, of any status. It
// repeats the request if that is safe, and returns the last answer.
//
// # Errors
//
// All are *[abi.Error], and say in RequestSent whether a request may have reached the
// vendor: denied (the operation does not declare the request; a header, query
// parameter, address or redirect is not allowed), invalid_params (a value that cannot be
// sent), limit_exceeded, timeout, network, and vendor_error for an answer that cannot be
// decoded.
func (c *Client) Send(ctx context.Context, s Scope, req *abi.Request, body []byte) (*Response, error) {
	wire, err := c.normalise(s, req, body)
	if err != nil {
		return nil, err
	}
	return c.deliver(ctx, s, wire)
}

// deliver sends a checked request, within the time that one may take.
func (c *Client) deliver(ctx context.Context, s Scope, w *wireRequest) (*Response, error) {
	if err := c.show(&s, w); err != nil {
		return nil, err
	}
	if c.planning {
		return nil, &abi.Error{Kind: abi.KindInternal, Message: "a client that plans sends nothing"}
	}
	if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > c.limits.Timeout {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.limits.Timeout)
		defer cancel()
	}
	resp, err := c.persist(ctx, s, w)
	if err != nil {
		return nil, err
	}
	return resp, nil
}

// persist sends a request until it gets an answer that is not to be retried.
func (c *Client) persist(ctx context.Context, s Scope, w *wireRequest) (*Response, *abi.Error) {
	sent := 0
	arrived := false // an attempt may have reached the vendor
	var last *Response
	var lastErr *abi.Error
	for attempt := 1; ; attempt++ {
		resp, hops, err := c.follow(ctx, s, w, sent)
		sent += hops
		if err != nil {
			arrived = arrived || err.RequestSent || hops > 1
			err.RequestSent = arrived
			if attempt > 1 && hops == 0 && (err.Kind == abi.KindLimitExceeded || err.Kind == abi.KindRateLimited) {
				// The budget or the rate limit ends the repetition, not the answer.
				return last, lastErr
			}
		} else {
			arrived = true
			resp.Attempts = sent
		}
		last, lastErr = resp, err
		wait, again := c.nextWait(s, attempt, resp, err)
		if !again || !fits(ctx, wait) {
			return last, lastErr
		}
		if c.seams.Sleep(ctx, wait) != nil {
			if errors.Is(ctx.Err(), context.Canceled) {
				lastErr = fault.EndedWith(ctx, "the call was cancelled while it waited to send its request again")
				lastErr.RequestSent = arrived
				return nil, lastErr
			}
			return last, lastErr
		}
	}
}

// fits reports whether the call's deadline leaves time to wait and then to do something.
func fits(ctx context.Context, wait time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() == nil && (!ok || time.Until(deadline) > wait)
}

// follow makes one attempt and follows allowed redirects. attempted is how many requests came
// before, hops how many it sent or tried.
func (c *Client) follow(ctx context.Context, s Scope, w *wireRequest, attempted int) (resp *Response, hops int, err *abi.Error) {
	for {
		if err := s.admit(ctx, w); err != nil {
			err.RequestSent = hops > 0
			return nil, hops, err
		}
		start := time.Now()
		id := c.requestID()
		resp, err = c.attempt(ctx, s, w, id)
		hops++
		c.report(s, w, id, attempted+hops, start, resp, err)
		if err == nil && s.Rate != nil {
			s.Rate.Learn(resp.Status, resp.Header)
		}
		if err != nil || !isRedirect(resp) {
			return resp, hops, err
		}
		redirect := c.redirect
		if w.file != nil {
			redirect = c.redirectFile
		}
		if w, err = redirect(s, w, resp.Header.Get("Location"), hops-1); err == nil {
			err = c.show(&s, w)
		}
		if err != nil {
			err.RequestSent = true
			return nil, hops, err
		}
	}
}

// admit takes one request from the call's budget, and waits for the vendor's rate limit.
func (s Scope) admit(ctx context.Context, w *wireRequest) *abi.Error {
	if s.Rate != nil {
		if err := s.Rate.Wait(ctx); err != nil {
			return fault.Of(err)
		}
	}
	return s.Budget.spend(w.size())
}

// attempt sends one request once and reads the whole answer.
func (c *Client) attempt(ctx context.Context, s Scope, w *wireRequest, id string) (*Response, *abi.Error) {
	req, err := c.httpRequest(w, id)
	if err != nil {
		return nil, err
	}
	pool, release := c.pool(w)
	defer release()
	resp, sent, sendErr := pool.roundTrip(ctx, req, w.Body)
	fail := func(err *abi.Error) *abi.Error {
		e := *err // an error of a seam may be shared by several requests
		e.RequestSent = sent
		return &e
	}
	if sendErr != nil {
		return nil, fail(failure(ctx, w.Origin, c.redactor, sendErr))
	}
	defer func() { _ = resp.Body.Close() }() // the body is complete or of no use
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return nil, fail(vendorError(w.Origin.String()+" switched to another protocol without a request", "tell the vendor"))
	}
	file := c.isFile(s, w, resp)
	if contentType := resp.Header.Get("Content-Type"); file && !isJSON(contentType) {
		size, came, err := c.save(ctx, s, w, resp)
		if err != nil {
			return nil, fail(err)
		}
		return &Response{Status: resp.StatusCode, Header: c.responseHeader(resp.Header), RequestID: id, wireBytes: came, saved: size}, nil
	}
	budget := s.Budget
	limit := min(c.limits.ResponseBody, budget.left())
	body, wireBytes, readErr := c.readBody(resp, limit, budget)
	if readErr == nil {
		body, readErr = asUTF8(resp.Header.Get("Content-Type"), body, limit, budget)
	}
	if readErr != nil {
		return nil, fail(c.bodyError(ctx, w.Origin, readErr, budget))
	}
	budget.receive(len(body))
	if !c.rawBody {
		if body, err = c.redact(ctx, w, body); err != nil {
			return nil, fail(err)
		}
	}
	answer := &Response{Status: resp.StatusCode, Header: c.responseHeader(resp.Header), Body: body, RequestID: id, wireBytes: wireBytes}
	answer.file = c.fileIn(s, w, answer)
	if file {
		if err := s.Sink.add(answer); err != nil {
			return nil, fail(err)
		}
	}
	return answer, nil
}

// redact takes the connection's secrets out of a body.
func (c *Client) redact(ctx context.Context, w *wireRequest, body []byte) ([]byte, *abi.Error) {
	body, found, err := c.redactor.RedactContext(ctx, body)
	if errors.Is(err, redact.ErrSteps) {
		return nil, fault.LimitExceeded("response_body", w.Origin.String()+" sent a response with too many escapes to search it for the credential", "request less at a time; if a small response fails, tell the vendor")
	}
	if err != nil {
		e := fault.EndedWith(ctx, w.Origin.String()+" responded, but the call ended during the search for the credential in the response")
		e.Hint, e.Retryable = "request less at a time; if a small response takes long, tell the vendor", false
		return nil, e
	}
	if found {
		c.log.Warn("redacted the credential in a response", "origin", w.Origin.String(), "template", w.Template)
	}
	return body, nil
}

// httpRequest returns the request for net/http, with the credential and without a body. Only
// attempt may hold it.
func (c *Client) httpRequest(w *wireRequest, id string) (*http.Request, *abi.Error) {
	u, err := w.url()
	if err != nil {
		return nil, err
	}
	header := make(http.Header, len(w.Header)+len(c.injector.headers)+1)
	maps.Copy(header, w.Header)
	header["X-Request-Id"] = []string{id}
	if w.server.credential {
		if err := c.injector.apply(header, u); err != nil {
			return nil, &abi.Error{Kind: abi.KindInternal, Message: "cannot set the credential"}
		}
	}
	return &http.Request{
		Method: w.Method, URL: u, Host: u.Host, Header: header, ContentLength: int64(len(w.Body)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}, nil
}

// unwanted are headers of an answer that the guest does not get.
var unwanted = map[string]bool{
	"Connection": true, "Keep-Alive": true, "Proxy-Authenticate": true, "Proxy-Authorization": true, "Proxy-Connection": true,
	"Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true, // hop by hop, RFC 9110 section 7.6.1
	"Content-Encoding": true, "Content-Length": true, // of the body before it was decoded
	"Set-Cookie": true, "Set-Cookie2": true, // a session is a credential, and there is no jar
}

func (c *Client) responseHeader(from http.Header) http.Header {
	h := make(http.Header, len(from))
	for name, values := range from {
		if unwanted[name] || c.rules.Owned.Header(name) || c.namesSecret(name) {
			continue
		}
		for i, value := range values {
			values[i] = c.redactor.RedactString(value)
		}
		h[name] = values
	}
	return h
}

// namesSecret reports whether a header's name gives a secret away.
func (c *Client) namesSecret(name string) bool {
	lower := strings.ToLower(name)
	return c.names.RedactString(lower) != lower
}
