package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"github.com/agenthost/agenthost/internal/fault"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"

	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/agenthost/agenthost/internal/egress/wire"
	"github.com/agenthost/agenthost/internal/redact"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Rules in errors of kind denied.
const (
	RuleRequest  = wire.RuleRequest
	RuleHeader   = wire.RuleHeader
	RuleQuery    = wire.RuleQuery
	RuleAddress  = "egress.address"  // an address that is not on the public internet
	RuleMetadata = "egress.metadata" // a cloud's metadata service
	RuleRedirect = "egress.redirect" // a redirect that is not followed
)

func vendorError(message, hint string) *abi.Error {
	return &abi.Error{Kind: abi.KindVendorError, Message: message, Hint: hint}
}

// Errors of connections.
var (
	errIdle      = errors.New("the vendor stopped in the middle of its response")
	errHeaders   = errors.New("response headers are larger than the limit")
	errHandshake = fmt.Errorf("TLS handshake: %w", os.ErrDeadlineExceeded)
)

// failure turns the error of an attempt into one for the caller. Its message does not quote
// the error: errors of net and net/http can hold pieces of the answer. The cause, for logs,
// is redacted.
func failure(ctx context.Context, origin origin.Origin, redactor *redact.Redactor, err error) *abi.Error {
	known, ok := errors.AsType[*abi.Error](err)
	if ok && (known.Kind != abi.KindNetwork || !errors.Is(ctx.Err(), context.Canceled)) {
		return known
	}
	cause := redactedCause{text: redactor.RedactString(err.Error()), err: func() error { return err }}
	e := describe(ctx, origin.String(), err)
	if address, parseErr := netip.ParseAddr(origin.Host); errors.Is(err, syscall.ECONNREFUSED) && (origin.Host == "localhost" || parseErr == nil && address.IsLoopback()) {
		e.Hint = "start the server on this machine, or correct the port in its URL"
	}
	return e.WithCause(cause)
}

func describe(ctx context.Context, origin string, err error) *abi.Error {
	switch {
	case errors.Is(err, errIdle):
		return &abi.Error{Kind: abi.KindTimeout, Message: origin + " stopped in the middle of its response", Hint: "try again later", Retryable: true}
	case errors.Is(ctx.Err(), context.Canceled):
		return fault.EndedWith(ctx, "the call was cancelled before "+origin+" responded")
	case ctx.Err() != nil, errors.Is(err, context.DeadlineExceeded):
		return &abi.Error{Kind: abi.KindTimeout, Message: origin + " did not respond in time", Hint: "try again, request less, or raise the timeout", Retryable: true}
	}
	if what, hint := certificateProblem(err); what != "" {
		return &abi.Error{Kind: abi.KindNetwork, Message: "the certificate of " + origin + " " + what, Hint: hint}
	}
	if isOldTLS(err) {
		return &abi.Error{Kind: abi.KindNetwork, Message: origin + " does not support TLS 1.2 or later", Hint: "the vendor must support it: older versions are insecure"}
	}
	if errors.Is(err, errHeaders) || isHeaderOverflow(err.Error()) {
		return fault.LimitExceeded("response_headers", "the response headers from "+origin+" are too large", "tell the connector's author which operation failed")
	}
	message := "the connection to " + origin + " failed"
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		message = origin + " refuses connections"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		message = "there is no route to " + origin
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		message = origin + " closed the connection before its response was complete"
	case isTimeout(err):
		message = "connecting to " + origin + " took too long"
	}
	return &abi.Error{Kind: abi.KindNetwork, Message: message, Hint: "check the network and the vendor's status page, then try again", Retryable: true}
}

// isHeaderOverflow compares texts, because net/http's errors for HTTP/2 have no type. A flood
// far past the limit breaks the connection instead.
func isHeaderOverflow(text string) bool {
	return strings.Contains(text, "header list too large") || strings.Contains(text, "response header list larger")
}

// isOldTLS reports whether the two sides have no TLS version in common: the vendor sends
// an alert (RFC 8446, section 6.2), whose type is not exported, or answers with an older
// version.
func isOldTLS(err error) bool {
	const protocolVersion = tls.AlertError(70)
	remote, ok := errors.AsType[*net.OpError](err)
	return ok && remote.Op == "remote error" && remote.Err.Error() == protocolVersion.Error() ||
		strings.Contains(err.Error(), "selected unsupported protocol version")
}

func isTimeout(err error) bool {
	netErr, ok := errors.AsType[net.Error](err)
	return ok && netErr.Timeout()
}

// certificateProblem completes the sentence "the certificate of X ...".
func certificateProblem(err error) (what, hint string) {
	const trust = "check the server's URL, and that no proxy between here and the vendor intercepts TLS"
	var (
		name      x509.HostnameError
		authority x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		verify    *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &name):
		return "is for another host", trust
	case errors.As(err, &authority):
		return "is from an authority that this machine does not trust", trust + "; for your own authority, set ca_file"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "has expired or is not valid yet", "check this machine's clock; otherwise the vendor must renew it"
	case errors.As(err, &invalid), errors.As(err, &verify):
		return "is not valid", trust
	case errors.As(err, &record):
		return "is missing: the server does not use TLS", "check the scheme and port of the server's URL"
	}
	return "", ""
}

// redactedCause is an error for logs, without secrets that a vendor may have echoed into
// it. errors.Is sees the original.
type redactedCause struct {
	text string
	err  func() error
}

func (c redactedCause) Error() string        { return c.text }
func (c redactedCause) Is(target error) bool { return errors.Is(c.err(), target) }

// clip shortens text that a guest or a vendor chose.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "..."
}
