package mcp

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/httpserve"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
)

// visitorKey is the context key of a request's visitor.
type visitorKey struct{}

// visitorOf returns whom a request is from that authenticate let in.
func visitorOf(ctx context.Context) *visitor {
	v, _ := ctx.Value(visitorKey{}).(*visitor)
	return v
}

// authenticate accepts requests with a valid bearer token. It passes the caller to the
// protocol's library, which binds a session to its owner.
func (f *front) authenticate(next http.Handler, o HTTPOptions, metadataURL string) http.Handler {
	known := auth.RequireBearerToken(func(ctx context.Context, _ string, _ *http.Request) (*auth.TokenInfo, error) {
		return &auth.TokenInfo{UserID: visitorOf(ctx).user}, nil
	}, &auth.RequireBearerTokenOptions{AllowMissingExpiration: true})(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := bearerToken(r)
		if token == "" {
			o.challenge(w, metadataURL, http.StatusUnauthorized, "", "no bearer token")
			return
		}
		e := httpserve.Of(r.Context())
		identified := e.Identify()
		v, err := f.identify(r, token)
		identified()
		if err != nil {
			f.refuse(w, o, metadataURL, err)
			return
		}
		defer v.tenant.leave()
		done := e.Served(v.caller)
		defer done()
		known.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), visitorKey{}, v)))
	})
}

// bearerToken returns the token of a request (RFC 6750, section 2.1). It rejects two headers.
func bearerToken(r *http.Request) string {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return ""
	}
	fields := strings.Fields(values[0])
	if len(fields) != 2 || !strings.EqualFold(fields[0], "bearer") {
		return ""
	}
	return fields[1]
}

// errUnknownToken has no details, because its reader may be guessing tokens.
var errUnknownToken = errors.New("invalid token")

// caller returns the caller of a token. The comparison takes the same time for every token.
func (o HTTPOptions) caller(ctx context.Context, token string) (string, error) {
	given, found := secret.New([]byte(token)), ""
	for caller, known := range o.Tokens {
		if given.Equal(known) {
			found = caller
		}
	}
	if found != "" {
		return found, nil
	}
	if o.Verify == nil {
		return "", errUnknownToken
	}
	caller, err := o.Verify(ctx, token)
	if err == nil && caller == "" {
		err = errUnknownToken
	}
	return caller, err
}

// refuse answers a request with an invalid token, or one that could not be checked.
func (f *front) refuse(w http.ResponseWriter, o HTTPOptions, metadataURL string, err error) {
	log := f.log.Named("http")
	status, code, why := http.StatusUnauthorized, "invalid_token", errUnknownToken.Error()
	if e, ok := errors.AsType[*abi.Error](err); ok {
		switch e.Kind {
		case abi.KindAuthFailed:
			why += ": " + e.Message
		case abi.KindPermissionDenied:
			status, code, why = http.StatusForbidden, "insufficient_scope", e.Message
		case abi.KindRateLimited:
			w.Header().Set("Retry-After", strconv.FormatInt(int64(max(time.Second, e.RetryAfter()+time.Second-1)/time.Second), 10))
			http.Error(w, e.Message, http.StatusTooManyRequests)
			return
		default:
			log.Warn("cannot check a token", "error", err)
			w.Header().Set("Retry-After", "30")
			http.Error(w, "cannot check the token now", http.StatusServiceUnavailable)
			return
		}
	}
	log.Info("a request was refused", "error", err)
	o.challenge(w, metadataURL, status, code, why)
}

// challenge tells the client what is missing and where to get it (RFC 6750, section 3, and
// RFC 9728, section 5.1).
func (o HTTPOptions) challenge(w http.ResponseWriter, metadataURL string, status int, code, why string) {
	var params []string
	add := func(name, value string) {
		if value != "" {
			params = append(params, name+`="`+quotable(value)+`"`)
		}
	}
	add("error", code)
	if code != "" {
		add("error_description", why)
	}
	add("resource_metadata", metadataURL)
	add("scope", strings.Join(o.Scopes, " "))
	w.Header().Set("WWW-Authenticate", strings.TrimSpace("Bearer "+strings.Join(params, ", ")))
	http.Error(w, why, status)
}

// quotable replaces characters that RFC 6750 forbids in quotes.
func quotable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f || r == '"' || r == '\\' {
			return '?'
		}
		return r
	}, text)
}

// metadata serves the metadata of the protected resource (RFC 9728).
func metadata(o HTTPOptions) http.Handler {
	return auth.ProtectedResourceMetadataHandler(&oauthex.ProtectedResourceMetadata{
		Resource: o.Resource, AuthorizationServers: []string{o.Issuer}, ScopesSupported: o.Scopes,
		BearerMethodsSupported: []string{"header"}, ResourceName: "agenthost",
	})
}
