package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/agenthost/agenthost/host/egress/origin"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Rules that an error of kind denied names.
const (
	RuleRequest  = grant.RuleRequest // the operation does not declare the request
	RuleHeader   = "egress.header"   // a header that the host keeps for itself
	RuleQuery    = "egress.query"    // a query parameter that carries the credential
	RuleAddress  = "egress.address"  // an address that is not on the public internet
	RuleMetadata = "egress.metadata" // a cloud's metadata service
	RuleRedirect = "egress.redirect" // a redirect that is not followed
)

func denied(rule, message, hint string) *abi.Error {
	return &abi.Error{Kind: abi.KindDenied, Rule: rule, Message: message, Hint: hint}
}

func invalid(field, message, hint string) *abi.Error {
	return &abi.Error{Kind: abi.KindInvalidParams, Field: field, Message: message, Hint: hint}
}

func limitExceeded(field, message, hint string) *abi.Error {
	return &abi.Error{Kind: abi.KindLimitExceeded, Field: field, Message: message, Hint: hint}
}

func vendorError(message, hint string) *abi.Error {
	return &abi.Error{Kind: abi.KindVendorError, Message: message, Hint: hint}
}

// errIdle is the cause of a context that ended because the vendor fell silent.
var errIdle = errors.New("vendor fell silent in the middle of its answer")

// failure turns the error of an attempt into one for the caller. Its message is written
// here and quotes nothing: errors of net and net/http can hold pieces of the answer.
// The cause, for logs, is redacted.
func failure(ctx context.Context, origin origin.Origin, redactor *secret.Redactor, err error) *abi.Error {
	if known, ok := errors.AsType[*abi.Error](err); ok {
		return known
	}
	cause := redactedCause{text: redactor.RedactString(err.Error()), err: func() error { return err }}
	return describe(ctx, origin.String(), err).WithCause(cause)
}

func describe(ctx context.Context, origin string, err error) *abi.Error {
	switch {
	case errors.Is(context.Cause(ctx), errIdle):
		return &abi.Error{Kind: abi.KindTimeout, Message: origin + " stopped in the middle of its answer", Hint: "try again later", Retryable: true}
	case errors.Is(ctx.Err(), context.Canceled):
		return &abi.Error{Kind: abi.KindTimeout, Message: "the call was cancelled before " + origin + " answered", Retryable: true}
	case ctx.Err() != nil, errors.Is(err, context.DeadlineExceeded):
		return &abi.Error{Kind: abi.KindTimeout, Message: origin + " did not answer in time", Hint: "try again, ask for less, or allow the call more time", Retryable: true}
	}
	if what, hint := certificateProblem(err); what != "" {
		return &abi.Error{Kind: abi.KindNetwork, Message: "the certificate of " + origin + " " + what, Hint: hint}
	}
	if isOldTLS(err) {
		return &abi.Error{Kind: abi.KindNetwork, Message: origin + " speaks no version of TLS from 1.2 on", Hint: "the vendor must offer one: older versions are broken"}
	}
	if isHeaderOverflow(err.Error()) {
		return limitExceeded("response_headers", "the headers of the answer of "+origin+" are too large", "tell the connector's author which operation it was")
	}
	message := "the connection to " + origin + " failed"
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		message = origin + " refuses connections"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		message = "there is no route to " + origin
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		message = origin + " closed the connection before its answer was complete"
	case isTimeout(err):
		message = "connecting to " + origin + " took too long"
	}
	return &abi.Error{Kind: abi.KindNetwork, Message: message, Hint: "check the network and the vendor's status page, then try again", Retryable: true}
}

// isHeaderOverflow goes by the text of errors of net/http, which have no type, for HTTP/1
// and for HTTP/2. A flood far past the limit breaks an HTTP/2 connection instead.
func isHeaderOverflow(text string) bool {
	return strings.Contains(text, "response headers exceeded") || strings.Contains(text, "header list too large") ||
		strings.Contains(text, "response header list larger")
}

// isOldTLS reports whether the two sides have no version of TLS in common: the vendor
// says so by an alert (RFC 8446, section 6.2), or answers with an older version. The
// type of a received alert is not exported.
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
	const trust = "check the server's URL, and that nothing between here and the vendor opens TLS connections"
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
		return "is signed by nobody that this machine trusts", trust + "; an authority of your own is named with ca_file"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "has expired or is not valid yet", "check this machine's clock; otherwise the vendor must renew it"
	case errors.As(err, &invalid), errors.As(err, &verify):
		return "is not valid", trust
	case errors.As(err, &record):
		return "did not come: it does not speak TLS", "check the scheme and port of the server's URL"
	}
	return "", ""
}

// redactedCause stands for an error in logs without what a vendor may have echoed into
// it. errors.Is sees what it stands for.
type redactedCause struct {
	text string
	err  func() error
}

func (c redactedCause) Error() string        { return c.text }
func (c redactedCause) Is(target error) bool { return errors.Is(c.err(), target) }

// asError returns the *abi.Error in an error of a seam.
func asError(err error) *abi.Error {
	var known *abi.Error
	if errors.As(err, &known) {
		e := *known
		return &e
	}
	return (&abi.Error{Kind: abi.KindInternal, Message: "the host failed"}).WithCause(err)
}
