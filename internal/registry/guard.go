package registry

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/agenthost/agenthost/internal/fault"
)

// RuleOrigin names the rule on where a registry may send a client to.
const RuleOrigin = "registry.origin"

// guard is the way to one registry. Every request of oras passes it: to the registry, to its token
// service, and to where a blob is. The first is the operator's; the other two are what the registry says.
type guard struct {
	at     origin.Origin
	blobs  []string // hosts from which blobs may come, beside those of the same site
	stream *egress.Stream
	limits limits
	sent   atomic.Int64 // requests
	left   atomic.Int64 // bytes of all answers
}

// blobHosts are where registries that everybody knows keep their blobs.
var blobHosts = map[string][]string{
	"ghcr.io":             {"pkg-containers.githubusercontent.com"},
	dockerAPI:             {"production.cloudflare.docker.com", "production.cloudfront.docker.com", "docker-images-prod.6aa30f8b08e16409b46e0173d6de2f56.r2.cloudflarestorage.com"},
	"registry.gitlab.com": {"cdn.registry.gitlab-static.net"},
}

func newGuard(at origin.Origin, o Options, l limits) *guard {
	g := &guard{at: at, blobs: slices.Concat(blobHosts[at.Host], o.Blobs[at.Authority()]), limits: l}
	g.stream = egress.NewStream(o.Seams, o.Proxy, func(to origin.Origin) bool { return to == at })
	g.left.Store(l.module + int64(l.bundles)*(l.bundle+l.manifest) + 16*l.manifest + maxReferrers*4)
	return g
}

// RoundTrip implements http.RoundTripper.
func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	if g.sent.Add(1) > int64(g.limits.requests) {
		return g.drop(r, fault.LimitExceeded("requests", "the registry wants too many requests", "ask the operator of the registry"))
	}
	to, err := origin.Of(r.URL)
	if err != nil {
		return g.drop(r, fault.Denied(RuleOrigin, "the registry names a place without a valid host", ""))
	}
	if to != g.at {
		if r.Response == nil {
			err = g.realm(to)
		} else {
			// A header that this request should not have had would be a credential.
			r = r.Clone(r.Context())
			r.Header = http.Header{"User-Agent": {"agenthost"}}
		}
	}
	if err != nil {
		return g.drop(r, err)
	}
	resp, err := g.stream.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = &counted{resp.Body, g}
	return resp, nil
}

func (g *guard) drop(r *http.Request, err error) (*http.Response, error) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
	return nil, err
}

// realm decides on a token service that is not at the registry's own origin, which gets the credential: it
// belongs to the same people, as auth.docker.io does to Docker's registry.
func (g *guard) realm(to origin.Origin) error {
	if site := g.at.Site(); to.Scheme == "https" && site != "" && to.Site() == site {
		return nil
	}
	return fault.Denied(RuleOrigin, fmt.Sprintf("the registry %s sends to %s for a token, which is not its own: no request and no credential goes there", g.at.Authority(), to),
		"tell the operator of the registry; its token service must be under its own domain, at https")
}

// maxHops is how many redirects of a request are followed.
const maxHops = 3

// redirect is http.Client's question whether to follow a redirect: only one of a blob that is read, to a
// place of the same people at https. What comes from there is compared with the digest, and no credential
// goes there.
func (g *guard) redirect(r *http.Request, via []*http.Request) error {
	first := via[0]
	to, err := origin.Of(r.URL)
	deny := func(why string) error {
		where := ""
		if err == nil {
			where = " to " + to.String()
		}
		return fault.Denied(RuleOrigin, "the registry "+g.at.Authority()+" redirects a request"+where+", which agenthost does not follow: "+why,
			"if the registry keeps its blobs there, add the host to plugins.registries."+g.at.Authority()+".blobs")
	}
	site := g.at.Site()
	switch {
	case err != nil:
		return deny("its host is not valid")
	case len(via) > maxHops:
		return deny("too many redirects")
	case r.URL.User != nil:
		return deny("it has a user name")
	case first.Method != http.MethodGet && first.Method != http.MethodHead:
		return deny("it changes something")
	case to == g.at:
		return nil
	case !strings.Contains(first.URL.Path, "/blobs/sha256:") || first.URL.Host != g.at.Authority():
		return deny("only a blob may be elsewhere")
	case to.Scheme != "https":
		return deny("it is not https")
	case site != "" && to.Site() == site, slices.Contains(g.blobs, to.Authority()):
		return nil
	}
	return deny("it is another host")
}

var errTooLong = errors.New("the registry sends more than an artifact can have")

// counted is the body of an answer, within what all of them may have.
type counted struct {
	io.ReadCloser
	guard *guard
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if c.guard.left.Add(-int64(n)) < 0 {
		return 0, errTooLong
	}
	return n, err
}
