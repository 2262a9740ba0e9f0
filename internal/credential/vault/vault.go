// Package vault reads secrets from the KV engine, version 1 or 2, of HashiCorp Vault or
// OpenBao, whose HTTP interfaces are the same here
// (https://developer.hashicorp.com/vault/api-docs/secret/kv).
//
// Its requests go through internal/egress: without a proxy, with TLS 1.2 or newer and caps on
// size and time, never to another origin or a cloud's metadata service. The address is the
// operator's, so it may be private.
package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential/source"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// Config says where a Vault is, and has a token for it.
type Config struct {
	// Address is its URL, such as https://vault.example.com:8200. Plain http is permitted on
	// this machine only.
	Address string
	// Token returns the token, for each read, so that a renewed one is used.
	Token func(ctx context.Context) (secret.Value, error)
	// Namespace is that of Vault Enterprise and OpenBao; empty means the root.
	Namespace string
	// Version is the KV engine's, 1 or 2; 0 asks the Vault.
	Version int
	// Logger gets one debug line per request, without headers and bodies. Nil logs
	// nothing.
	Logger hclog.Logger
	// Seams are the network, the clock and chance.
	seams.Seams
}

// Source reads references such as vault:secret/pylon#api_token. It may be used by several
// goroutines.
type Source struct{ config Config }

// New returns the Source of a Vault. [Source.Read] reports a wrong configuration.
func New(c Config) *Source { return &Source{c} }

var _ secret.Source = (*Source)(nil)

// Read returns a field of a secret.
//
// # Errors
//
// An *[abi.Error]: auth_failed if there is no such secret or field, or the Vault
// refuses the token; invalid_params for a bad address; network, timeout, vendor_error and
// rate_limited if the Vault cannot be reached or answers wrongly, Retryable if that may pass.
func (s *Source) Read(ctx context.Context, name string) (secret.Value, error) {
	ref, err := secret.ParseRef("vault:" + name)
	if err != nil {
		return secret.Value{}, err
	}
	path, field, _ := strings.Cut(name, "#")
	client, err := s.client(ctx)
	if err != nil {
		return secret.Value{}, err
	}
	defer client.Close()
	q := question{client: client, ref: ref, namespace: s.config.Namespace}
	engine, err := q.engine(ctx, path, s.config.Version)
	if err != nil {
		return secret.Value{}, err
	}
	fields, err := q.fields(ctx, engine)
	if err != nil {
		return secret.Value{}, err
	}
	return pick(ref, fields, field)
}

// placeholder is a server URL, which the operator's address replaces.
const placeholder = "https://vault.invalid"

// client returns an HTTP client that has the token and reaches only the Vault.
func (s *Source) client(ctx context.Context) (*egress.Client, error) {
	if err := checkAddress(s.config.Address); err != nil {
		return nil, err
	}
	token, err := s.config.Token(ctx)
	if err != nil {
		return nil, err
	}
	client, err := egress.New(egress.Config{
		Servers:  []abi.Server{{ID: "vault", URL: placeholder}},
		Override: s.config.Address,
		Auth: &abi.AuthScheme{
			ID: "vault", Type: abi.AuthAPIKey, Origins: []string{placeholder},
			Fields: []abi.AuthField{{Name: "token", Secret: true, Required: true}},
			Inject: []abi.Injection{{In: abi.InHeader, Name: "X-Vault-Token", Value: "{token}"}},
		},
		Credentials: map[string]secret.Value{"token": token},
		Limits:      egress.Limits{ResponseBody: 1 << 20, Timeout: 20 * time.Second},
		Retry:       egress.Retry{Attempts: 2},
		Seams:       s.config.Seams,
		Logger:      s.config.Logger,
	})
	if err != nil {
		var e *abi.Error
		if errors.As(err, &e) {
			e = e.WithCause(e.Unwrap())
			e.Field = "secrets.vault"
			return nil, e
		}
		return nil, err
	}
	return client, nil
}

// checkAddress permits plain http to this machine only: a token must not cross a network in
// the clear.
func checkAddress(address string) error {
	wrong := func(message, hint string) error {
		return fault.Configuration(fault.Invalid("secrets.vault.address", message, hint))
	}
	if address == "" {
		return wrong("no address of a Vault is configured", "add secrets: {vault: {address: https://...}} to agenthost.yaml, or set VAULT_ADDR or BAO_ADDR")
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return wrong("the address of the Vault is not a URL", "write it like https://vault.example.com:8200")
	}
	if u.Scheme == "https" {
		return nil
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if local := u.Hostname() == "localhost" || err == nil && ip.IsLoopback(); u.Scheme != "http" || !local {
		return wrong("the address of the Vault does not start with https://", "plain http works only for a Vault on this machine, such as http://127.0.0.1:8200")
	}
	return nil
}

// question asks a Vault for one reference.
type question struct {
	client    *egress.Client
	ref       secret.Ref
	namespace string
}

// answer has the used parts of Vault's answers.
type answer struct {
	Data   json.RawMessage `json:"data"`
	Errors []string        `json:"errors"`
}

// get asks for a path, which ParseRef has checked. It returns the status of answers that are not
// a general error of the Vault.
func (q question) get(ctx context.Context, path string) (status int, a answer, err error) {
	request := abi.Request{Method: "GET", Path: path, Headers: [][2]string{{"X-Vault-Request", "true"}}}
	if q.namespace != "" {
		request.Headers = append(request.Headers, [2]string{"X-Vault-Namespace", q.namespace})
	}
	resp, err := q.client.Send(ctx, egress.Scope{
		Requests: []abi.RequestTemplate{{Method: "GET", Path: path}}, Retry: true, Reads: true,
		Budget: egress.NewBudget(4, 64<<10, 2<<20),
	}, &request, nil)
	if err != nil {
		return 0, answer{}, q.unanswered(err)
	}
	defer clear(resp.Body)
	switch {
	case resp.Status == 429, resp.Status == 473:
		return 0, answer{}, &abi.Error{Kind: abi.KindRateLimited, Retryable: true, Message: fmt.Sprintf("the Vault cannot answer for %s now, with status %d", q.ref, resp.Status), Hint: "it is a standby, or limits the rate: try again later"}
	case resp.Status >= 500:
		return 0, answer{}, &abi.Error{Kind: abi.KindVendorError, Retryable: true, Message: fmt.Sprintf("the Vault cannot answer for %s, with status %d", q.ref, resp.Status), Hint: "it may be sealed or in maintenance: ask its operator"}
	case json.Unmarshal(resp.Body, &a) != nil:
		return 0, answer{}, &abi.Error{Kind: abi.KindVendorError, Message: fmt.Sprintf("the response for %s with status %d is not from a Vault", q.ref, resp.Status), Hint: "check secrets.vault.address"}
	}
	return resp.Status, a, nil
}

// unanswered is the error of a request without an answer.
func (q question) unanswered(err error) error {
	var e *abi.Error
	if !errors.As(err, &e) {
		return err
	}
	e = e.WithCause(e.Unwrap())
	e.Message, e.Field = "no secret at "+q.ref.String()+": "+e.Message, "secrets.vault"
	e.RequestSent = false // callers ask about requests to the vendor
	if e.Kind == abi.KindNetwork {
		e.Hint = "check secrets.vault.address, and that the Vault runs"
	}
	return e
}

func (q question) forbidden() error {
	return source.Missing(q.ref, "the Vault refuses the token, or its access to this path", "renew the token, or give its policy the capability read on the path", nil)
}
