// Package registry moves connectors to and from OCI registries: one artifact each, in the layout of the
// CNCF for WebAssembly, with what signs it.
//
// A registry is not trusted. [Client.Pull] believes no size, type, digest, name or address that it says:
// everything is bounded, compared with its digest while it streams, and read strictly before anybody runs
// or parses a module. The reference is the operator's, so the registry itself may be at a private address;
// what it names beyond that is refused, unless it is a public place of the same people. Credentials go to
// the registry and its own token service, and nowhere else.
//
// A [Folder] keeps artifacts as an OCI image layout: the cache, and mirrors. It is as little trusted, and
// is compared with its digests whenever it is read.
package registry

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"time"
	"unicode"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/agenthost/agenthost/internal/provenance"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/agenthost/agenthost/pdk/abi"
	"oras.land/oras-go/v2/errdef"
	oras "oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"
)

// Options configure a [Client]. The zero value is good.
type Options struct {
	// Credential returns what a registry knows this person by. Nil, and a zero [Credential], mean nobody.
	Credential func(ctx context.Context, host string) (Credential, error)
	// Blobs are further hosts from which the blobs of a registry may come, by the registry's host.
	Blobs map[string][]string
	// Proxy is the operator's proxy; nil connects directly.
	Proxy *egress.Proxy
	// Seams have the network.
	Seams seams.Seams
}

// Credential is what somebody is known by to a registry: a user and a password, or an identity token.
type Credential struct {
	User            string
	Password, Token secret.Value
}

// Client speaks to registries. It may be used by several goroutines.
type Client struct {
	options Options
	// limits are those of this package; tests make them small.
	limits limits
}

// limits bound what a registry may send.
type limits struct {
	manifest, config, module int64
	bundle                   int64 // one signature
	bundles                  int   // of one artifact
	requests                 int   // of one Pull or Push
	within                   time.Duration
}

// New returns a client. It connects to nothing yet.
func New(o Options) *Client {
	return &Client{o, limits{
		manifest: maxManifest, config: maxConfig, module: maxModule, bundle: maxBundle, bundles: maxBundles,
		requests: 200, within: 10 * time.Minute,
	}}
}

// repository returns oras's client of one repository, and what closes its connections.
func (c *Client) repository(r provenance.Reference) (*remote.Repository, func(), error) {
	at, err := registryOrigin(r.Host)
	if err != nil {
		return nil, nil, err
	}
	g := newGuard(at, c.options, c.limits)
	repo := &remote.Repository{
		Reference: oras.Reference{Registry: r.Host, Repository: r.Repository},
		PlainHTTP: at.Scheme == "http",
		Client: &auth.Client{
			Client: g.stream.Client(g, g.redirect),
			Header: http.Header{"User-Agent": {"agenthost"}},
			Cache:  auth.NewCache(),
			Credential: func(ctx context.Context, host string) (auth.Credential, error) {
				return c.credential(ctx, r.Host, host)
			},
			// The guard decides, with addresses that it connects to; oras would look names up by itself.
			BlockedRealmPrefixes: []netip.Prefix{},
		},
		// An index is refused where a connector should be, but a list of signatures is one.
		ManifestMediaTypes:   []string{mediaManifest, mediaIndex},
		ReferrerListMaxPages: 4,
		MaxMetadataBytes:     maxReferrers,
		SkipReferrersGC:      true,
	}
	return repo, g.stream.Close, nil
}

// credential reveals a credential to oras, which puts it into a header. Asked is the host that a request
// goes to: oras asks for no other than the registry's, and this does not rely on it.
func (c *Client) credential(ctx context.Context, host, asked string) (auth.Credential, error) {
	if c.options.Credential == nil || asked != host && (asked != dockerAPI || host != dockerHost) {
		return auth.EmptyCredential, nil
	}
	found, err := c.options.Credential(ctx, host)
	if err != nil {
		return auth.EmptyCredential, err
	}
	plain := auth.Credential{Username: found.User}
	for value, into := range map[*secret.Value]*string{&found.Password: &plain.Password, &found.Token: &plain.RefreshToken} {
		if value.IsZero() {
			continue
		}
		if err := value.Reveal(func(b []byte) error { *into = string(b); return nil }); err != nil {
			return auth.EmptyCredential, err
		}
	}
	return plain, nil
}

// Docker Hub has its API at another host than its references say.
const (
	dockerHost = "docker.io"
	dockerAPI  = "registry-1." + dockerHost
)

// registryOrigin is where the API of a registry is. It is https; only a registry on this machine may have
// none, as with other clients.
func registryOrigin(host string) (origin.Origin, error) {
	if host == dockerHost {
		host = dockerAPI
	}
	at, err := origin.Parse("https://" + host)
	if err != nil {
		return at, invalid("the host of the registry is not valid: "+err.Error(), "write the reference like ghcr.io/acme/notes:1.2.0")
	}
	if addr, err := netip.ParseAddr(at.Host); at.Host == "localhost" || err == nil && addr.IsLoopback() {
		return origin.Parse("http://" + host)
	}
	return at, nil
}

func invalid(message, hint string) *abi.Error {
	return &abi.Error{Kind: abi.KindInvalidParams, Message: message, Hint: hint}
}

// refused is the error for an artifact that is not taken.
func refused(message, hint string) *abi.Error {
	return &abi.Error{Kind: abi.KindDenied, Rule: RuleArtifact, Message: message, Hint: hint}
}

// RuleArtifact names the rule that an artifact is what its digests say, and a connector.
const RuleArtifact = "artifact"

// explain says what went wrong with a registry. What the registry says is quoted in part.
func explain(r provenance.Reference, doing string, err error) error {
	if err == nil {
		return nil
	}
	if known, ok := errors.AsType[*abi.Error](err); ok {
		return known
	}
	e := &abi.Error{Kind: abi.KindNetwork, Retryable: true, Message: "cannot " + doing + " " + r.String(), Hint: "check the reference and the network, then try again"}
	var answer *errcode.ErrorResponse
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		e.Kind, e.Message = abi.KindTimeout, e.Message+": the registry was too slow"
	case errors.Is(err, context.Canceled):
		e.Message, e.Retryable = e.Message+": it was interrupted", false
	case errors.Is(err, errdef.ErrNotFound), errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound:
		e.Kind, e.Retryable, e.Message = abi.KindNotFound, false, "the registry has no "+r.String()
		e.Hint = "check the reference; a registry also says so to somebody who may not read it: docker login " + r.Host
	case errors.As(err, &answer) && (answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden):
		e.Kind, e.Retryable, e.Message = abi.KindAuthFailed, false, e.Message+": the registry does not let this user"
		e.Hint = "log in with docker login " + r.Host
	case errors.Is(err, auth.ErrBasicCredentialNotFound):
		e.Kind, e.Retryable, e.Message = abi.KindAuthFailed, false, e.Message+": the registry wants a user and a password"
		e.Hint = "log in with docker login " + r.Host
	// Two checks of oras come before those of this package, and have no error of their own.
	case strings.Contains(err.Error(), "digest mismatch"):
		e.Kind, e.Retryable, e.Rule = abi.KindDenied, false, RuleArtifact
		e.Message, e.Hint = "the registry has another manifest for "+r.String()+": "+plain(err.Error()), "somebody changed what the digest names, or the registry lies; ask its operator"
	case strings.Contains(err.Error(), "bearer realm"):
		e.Kind, e.Retryable, e.Rule = abi.KindDenied, false, RuleOrigin
		e.Message, e.Hint = e.Message+": "+plain(err.Error()), "tell the operator of the registry; its token service must be under its own domain, at https"
	default:
		e.Message += ": " + plain(err.Error())
	}
	return e.WithCause(err)
}

// plain is a text of a registry that may be shown: short, on one line, without what moves a cursor.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > 300 {
		text = string(runes[:300]) + "..."
	}
	return text
}
