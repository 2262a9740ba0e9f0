package ashby

import (
	"cmp"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

// Options configure a simulated Ashby organization.
type Options struct {
	// Token is an API key with every permission. With no key at all every request is refused.
	Token string
	// ReadToken is an API key with every read permission and no write permission.
	ReadToken string
	// Keys are further API keys, for instance with the permissions of a single module.
	Keys []Key
	// Seed makes the data: the same Seed, Scale and Now give the same records, ids included. It also keys the cursors.
	Seed uint64
	// Now is the clock. Nil means time.Now. Data is dated relative to its first reading.
	Now func() time.Time
	// Scale says how much data there is. The zero value means [DefaultScale].
	Scale Scale
	// RateLimit enforces [Options.RequestsPerMinute] and the limit of reports. Off by default.
	RateLimit bool
	// RequestsPerMinute is the limit of each key. 0 means 1000, a guess: the vendor publishes no number.
	RequestsPerMinute int
	// CursorLife and SyncTokenLife are how long cursors and sync tokens are valid. 0 means an hour and 30 days, both guesses.
	CursorLife, SyncTokenLife time.Duration
	// MaxSyncRecords is how many changed records an incremental sync may return before it is refused as too large. 0 means 10,000.
	MaxSyncRecords int
}

// Vendor is a simulated Ashby organization, an [http.Handler] for api.ashbyhq.com. It may serve any number of requests
// at once.
type Vendor struct {
	now       func() time.Time
	keys      keyring
	limiter   limiter
	endpoints map[string]*endpoint
	tokens    contract.Cursors
	requests  atomic.Uint64

	cursorLife, syncLife time.Duration
	maxSync              int

	mu    sync.RWMutex
	store store
}

// handler carries out one checked request. It runs under the vendor's lock: exclusive for writes, shared for reads.
type handler func(c *call) (result, *apiError)

type endpoint struct {
	op     Operation
	write  bool
	handle handler
}

type call struct {
	v    *Vendor
	ep   *endpoint
	key  *apiKey
	now  time.Time
	body contract.Fields
	// origin is the scheme and host that the client used, for URLs that lead back here.
	origin   string
	warnings []string
}

// New makes an organization full of data.
func New(opts Options) *Vendor {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Scale == (Scale{}) {
		opts.Scale = DefaultScale()
	}
	start := opts.Now().UTC()
	v := &Vendor{
		now:        opts.Now,
		keys:       newKeyring(opts, start),
		endpoints:  map[string]*endpoint{},
		tokens:     contract.NewCursors("ashby", opts.Seed),
		cursorLife: cmp.Or(opts.CursorLife, time.Hour),
		syncLife:   cmp.Or(opts.SyncTokenLife, 30*day),
		maxSync:    cmp.Or(opts.MaxSyncRecords, 10_000),
	}
	v.limiter.on = opts.RateLimit
	v.limiter.perKey = cmp.Or(opts.RequestsPerMinute, 1000)
	handlers := handlers()
	for _, op := range Operations() {
		v.endpoints[op.Path] = &endpoint{op: op, write: op.Writes(), handle: contract.Handler(handlers, op.Path)}
	}
	v.store = seedStore(opts.Seed, start, opts.Scale)
	return v
}

// ServeHTTP checks a request in the order key, path, method, permission, rate, query, body, and carries it out.
func (v *Vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := requestID(v.now(), v.requests.Add(1))
	w.Header()["x-ashby-request-id"] = []string{id}
	if handle, ok := strings.CutPrefix(r.URL.EscapedPath(), filePrefix); ok {
		v.serveFile(w, r, handle)
		return
	}
	res, err := v.serve(w, r)
	if err != nil {
		err.send(w, id)
		return
	}
	res.send(w)
}

func (v *Vendor) serve(w http.ResponseWriter, r *http.Request) (result, *apiError) {
	key, err := v.keys.check(r)
	if err != nil {
		return result{}, err
	}
	ep := v.endpoints[r.URL.EscapedPath()]
	if ep == nil {
		return result{}, &apiError{status: http.StatusNotFound, code: "endpoint_not_found", message: "There is no such endpoint"}
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return result{}, &apiError{status: http.StatusMethodNotAllowed, code: "method_not_allowed", message: "Every endpoint takes POST, not " + r.Method}
	}
	if !key.may(ep.op.Permission) {
		return result{}, &apiError{
			status: http.StatusForbidden, code: codeMissingPermission,
			message: "This API key does not have the " + ep.op.Permission + " permission, which " + strings.TrimPrefix(ep.op.Path, "/") + " needs",
		}
	}
	c := &call{v: v, ep: ep, key: key, now: v.now().UTC(), origin: originOf(r)}
	if err := v.limiter.allow(w.Header(), key, ep, c.now); err != nil {
		return result{}, err
	}
	if r.URL.RawQuery != "" {
		return result{}, invalid("parameters go into the JSON body, not into the query")
	}
	if c.body, err = readBody(w, r, &ep.op); err != nil {
		return result{}, err
	}
	unlock := contract.Lock(&v.mu, ep.write)
	defer unlock()
	res, err := ep.handle(c)
	res.warnings = c.warnings
	return res, err
}

// readBody reads the JSON body and checks it against the contract. Operations without parameters take no body or {}.
func readBody(w http.ResponseWriter, r *http.Request, op *Operation) (contract.Fields, *apiError) {
	raw, p := contract.ReadRaw(w, r)
	if p == nil && op.ContentType == "" && len(raw) == 0 {
		return nil, nil
	}
	var body contract.Fields
	if p == nil {
		body, p = contract.CheckJSON(r, raw, op.Body)
	}
	if p != nil {
		if p.TooLarge {
			return nil, &apiError{status: http.StatusRequestEntityTooLarge, code: "request_too_large", message: p.Message}
		}
		return nil, invalid("%s", p.Message)
	}
	for _, name := range op.AnyOf {
		if body.Has(name) && body[name] != "" {
			return body, nil
		}
	}
	if len(op.AnyOf) > 0 {
		return nil, invalid("%s is required", strings.Join(op.AnyOf, " or "))
	}
	return body, nil
}

func originOf(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
