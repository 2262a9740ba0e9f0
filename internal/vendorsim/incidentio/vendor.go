package incidentio

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

// Options configure a simulated incident.io organisation.
type Options struct {
	// Token is an API key with every scope. With neither Token, ReadToken nor Keys every request is refused.
	Token string
	// ReadToken is an API key with every scope that ends in .view; other requests are refused with 403.
	ReadToken string
	// Keys are further API keys, each with scopes of its own.
	Keys []Key
	// Seed makes the data: the same Seed, Scale and Now give the same records, ids included.
	Seed uint64
	// Now is the clock. Nil means time.Now. Data is dated relative to its first reading.
	Now func() time.Time
	// Scale says how much data there is. The zero value means [DefaultScale].
	Scale Scale
	// RateLimit enforces the rate limits and sends the X-RateLimit headers. Off by default.
	RateLimit bool
	// RatePerMinute is how many requests a minute each key may make; 0 means 1200.
	RatePerMinute int
	// IncidentsPerMinute is how many of them may list incidents; 0 means 60.
	IncidentsPerMinute int
}

// Key is an API key.
type Key struct {
	// Token is the secret.
	Token string
	// Scopes are what the key may do, for example "incidents.view".
	Scopes []string
	// Roles are what GET /v1/identity says of it.
	Roles []string
}

// Vendor is a simulated incident.io organisation, an [http.Handler] for api.incident.io. It may serve any number of
// requests at once.
type Vendor struct {
	now      func() time.Time
	limiter  *limiter
	keys     keyring
	routes   contract.Router[*endpoint]
	requests atomic.Uint64
	idPrefix string

	mu    sync.RWMutex
	store store
}

type endpoint struct {
	op     Operation
	handle handler
	write  bool
}

// handler carries out one checked request. It runs under the vendor's lock: exclusive for writes, shared for reads.
type handler func(c *call) (result, *apiError)

type call struct {
	v     *Vendor
	ep    *endpoint
	now   time.Time
	key   *apiKey
	auth  http.Header
	vars  []string
	query query
	body  fields
}

// New makes an organisation full of data.
func New(opts Options) *Vendor {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Scale == (Scale{}) {
		opts.Scale = DefaultScale()
	}
	v := &Vendor{now: opts.Now, keys: newKeyring(opts), idPrefix: fmt.Sprintf("%08x", uint32(opts.Seed)^0x9e3779b9)}
	if opts.RateLimit {
		v.limiter = newLimiter(opts)
	}
	handlers := handlers()
	for _, op := range Operations() {
		ep := contract.Handler(handlers, op.Route())
		ep.op = op
		v.routes.Add(op.Method, op.Path, ep)
	}
	v.store.rng = rand.New(rand.NewPCG(opts.Seed, 0x696e63696f))
	seed(&v.store, opts.Now().UTC(), opts.Scale)
	return v
}

// ServeHTTP checks a request in the order key, path, method, scopes, rate, query, body, and carries it out.
func (v *Vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	res, ep, err := v.serve(w, r)
	if err != nil {
		err.send(w, v.requestID())
		return
	}
	res.send(w, &ep.op)
}

func (v *Vendor) serve(w http.ResponseWriter, r *http.Request) (result, *endpoint, *apiError) {
	fail := func(err *apiError) (result, *endpoint, *apiError) { return result{}, nil, err }
	node, vars, found := v.routes.Find(r.URL.EscapedPath())
	var ep *endpoint
	if found {
		ep = node.ByMethod[r.Method]
	}
	c := &call{v: v, ep: ep, now: v.now().UTC(), vars: vars, auth: r.Header}
	if ep == nil || !ep.op.AlertSourceToken {
		var err *apiError
		if c.key, err = v.keys.check(r.Header); err != nil {
			return fail(err)
		}
	}
	if !found {
		return fail(&apiError{status: http.StatusNotFound, kind: kindNotFound, code: codeNotFound, message: "no such path"})
	}
	if ep == nil {
		return fail(&apiError{
			status: http.StatusMethodNotAllowed, kind: kindMethod, code: kindMethod,
			message: "method " + r.Method + " is not allowed here", header: http.Header{"Allow": {node.Methods()}},
		})
	}
	if c.key != nil {
		if err := c.key.permit(&ep.op); err != nil {
			return fail(err)
		}
	}
	if v.limiter != nil {
		if err := v.limiter.allow(w.Header(), c); err != nil {
			return fail(err)
		}
	}
	var err *apiError
	if c.query, err = checkQuery(r.URL.RawQuery, &ep.op); err != nil {
		return fail(err)
	}
	if c.body, err = readBody(w, r, &ep.op); err != nil {
		return fail(err)
	}
	unlock := contract.Lock(&v.mu, ep.write)
	defer unlock()
	res, err := ep.handle(c)
	return res, ep, err
}

func (v *Vendor) requestID() string {
	return fmt.Sprintf("%s%024x", v.idPrefix, v.requests.Add(1))
}
