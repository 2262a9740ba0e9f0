package pylon

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

// Options configure a simulated Pylon organization.
type Options struct {
	// Token may do everything. With neither Token nor ReadToken set every request is refused.
	Token string
	// ReadToken may read, search included; its writes are refused with 403 and code permission_denied.
	ReadToken string
	// Seed makes the data: the same Seed, Scale and Now give the same records, ids included. It also keys the cursors.
	Seed uint64
	// Now is the clock. Nil means time.Now. Data is dated relative to its first reading.
	Now func() time.Time
	// Scale says how much data there is. The zero value means [DefaultScale].
	Scale Scale
	// Region is [RegionUS] or [RegionEU]; empty means US. Tokens that start with the other region's prefix are
	// refused with code wrong_region_token.
	Region string
	// RateLimit enforces the requests per minute of each endpoint's contract. Off by default.
	RateLimit bool
}

// Vendor is a simulated Pylon organization, an [http.Handler] for api.usepylon.com. It may serve any number of
// requests at once.
type Vendor struct {
	now       func() time.Time
	rateLimit bool
	auth      authenticator
	cursors   contract.Cursors
	limiter   limiter
	routes    contract.Router[*endpoint]
	requests  atomic.Uint64
	idPrefix  string

	mu    sync.RWMutex
	store store
}

// handler carries out one checked request. It runs under the vendor's lock: exclusive for writes, shared for reads.
type handler func(c *call) (result, *apiError)

// endpoint is a route with what serves it. Searches are POSTs that only read.
type endpoint struct {
	op     Operation
	handle handler
	write  bool
}

type call struct {
	v      *Vendor
	ep     *endpoint
	now    time.Time
	vars   []string
	query  map[string]string
	body   fields
	upload *upload
}

// New makes an organization full of data.
func New(opts Options) *Vendor {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	opts.Region = cmp.Or(opts.Region, RegionUS)
	if opts.Scale == (Scale{}) {
		opts.Scale = DefaultScale()
	}
	v := &Vendor{
		now:       opts.Now,
		rateLimit: opts.RateLimit,
		auth:      newAuthenticator(opts),
	}
	v.cursors = contract.NewCursors("pylon", opts.Seed)
	v.idPrefix = fmt.Sprintf("%08x-", uint32(opts.Seed)^0x9e3779b9)
	handlers := handlers()
	for route, op := range mergedRoutes() {
		ep := contract.Handler(handlers, route)
		ep.op = op
		v.routes.Add(op.Method, op.Path, ep)
	}
	v.store = seedStore(opts.Seed, opts.Now().UTC(), opts.Scale)
	return v
}

// ServeHTTP checks a request in the order token, path, method, permission, rate, query, body, and carries it out.
func (v *Vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := v.requestID()
	res, err := v.serve(w, r)
	if err != nil {
		err.send(w, id)
		return
	}
	res.send(w, id)
}

func (v *Vendor) serve(w http.ResponseWriter, r *http.Request) (result, *apiError) {
	may, err := v.auth.check(r)
	if err != nil {
		return result{}, err
	}
	node, vars, ok := v.routes.Find(r.URL.EscapedPath())
	if !ok {
		return result{}, &apiError{status: http.StatusNotFound, code: codeNotFound, messages: []string{"no such path"}}
	}
	ep := node.ByMethod[r.Method]
	if ep == nil {
		return result{}, &apiError{
			status: http.StatusMethodNotAllowed, code: codeMethod,
			messages: []string{"method " + r.Method + " is not allowed here"}, header: http.Header{"Allow": {node.Methods()}},
		}
	}
	if ep.write && may != accessFull {
		return result{}, &apiError{status: http.StatusForbidden, code: codePermission, messages: []string{"this token may not write"}}
	}
	c := &call{v: v, ep: ep, now: v.now().UTC(), vars: vars}
	if v.rateLimit {
		remaining, err := v.limiter.allow(ep, c.now)
		w.Header().Set("X-Rate-Limit-Remaining", strconv.Itoa(remaining))
		if err != nil {
			return result{}, err
		}
	}
	if c.query, err = checkQuery(r.URL.RawQuery, ep.op.Query); err != nil {
		return result{}, err
	}
	if ep.op.ContentType == "multipart/form-data" {
		c.upload, err = readUpload(w, r, &ep.op)
	} else {
		c.body, err = readBody(w, r, &ep.op)
	}
	if err != nil {
		return result{}, err
	}
	unlock := contract.Lock(&v.mu, ep.write)
	defer unlock()
	return ep.handle(c)
}

func (v *Vendor) requestID() string {
	n := v.requests.Add(1)
	return v.idPrefix + fmt.Sprintf("%016x", n)
}

// limit is the page size asked for, or the endpoint's default; 0 means no limit.
func (c *call) limit() int {
	params := c.ep.op.Query
	n := 0
	if s, ok := c.query["limit"]; ok {
		n, _ = strconv.Atoi(s) // checked before
	} else if f, ok := c.body["limit"].(float64); ok {
		n, params = int(f), c.ep.op.Body
	} else if len(c.ep.op.Body) > 0 {
		params = c.ep.op.Body
	}
	p := contract.ParamNamed(params, "limit")
	switch {
	case n > 0:
	case p != nil:
		n = p.Default
	case c.ep.op.Paginated:
		n = fixedPage
	}
	return n
}

// fixedPage is the page size of lists that do not take one.
const fixedPage = 100

func (c *call) cursor() string {
	if s := c.query["cursor"]; s != "" {
		return s
	}
	return c.body.Text("cursor")
}
