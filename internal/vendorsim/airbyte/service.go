package airbyte

import (
	"cmp"
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

// Runner runs an operation of a vendor with the credentials that the service keeps. Its data and meta are those of a
// direct connection, with next_cursor and has_more in meta where the operation has pages. Its error is an *abi.Error.
type Runner interface {
	Run(ctx context.Context, slug string, credentials map[string]string, entity, action string, params json.RawMessage) (data, meta json.RawMessage, err error)
}

// Options configure a [Service].
type Options struct {
	// ClientID and ClientSecret are the application's; [Service.RotateSecret] changes the latter.
	ClientID, ClientSecret string
	// Organizations are the application's; the first is the default of requests. Empty means one organization with the
	// workspace "default".
	Organizations []Organization
	// Run runs operations; nil makes every execution fail.
	Run Runner
	// TokenLife is how long a token is good for; 0 means 15 minutes.
	TokenLife time.Duration
	// CamelCase gives connector_metadata keys in camel case.
	CamelCase bool
	// Now tells the time; nil means time.Now.
	Now func() time.Time
	// Copies has the statuses of copies that are not ready, by connector and entity, as in "pylon.issues", and of fields
	// that cannot be searched by meaning yet, as in "incident-io.alerts.description".
	Copies map[string]string
	// Seed makes ids repeatable.
	Seed uint64
}

// NotCopied in [Options.Copies] is an entity that nobody chose to copy.
const NotCopied = "NOT_CONFIGURED"

// Organization is a tenant of the service.
type Organization struct {
	ID         string
	Workspaces []string
}

// DefaultOrganization is the organization of a service without any other.
const DefaultOrganization = "0b6c1d9e-4c5f-4c55-9d0a-6b1f8f0f6a01"

// Service is the simulated service. It is an http.Handler and may be used by several goroutines.
type Service struct {
	options     Options
	definitions []Definition
	mux         *http.ServeMux
	now         func() time.Time

	mu         sync.Mutex
	rng        *rand.Rand
	secret     string // the application's now
	tokens     map[string]*token
	issued     int
	workspaces []workspace
	connectors []*connector
}

// New returns a service without connectors.
func New(o Options) *Service {
	if len(o.Organizations) == 0 {
		o.Organizations = []Organization{{ID: DefaultOrganization, Workspaces: []string{"default"}}}
	}
	o.TokenLife = cmp.Or(o.TokenLife, 15*time.Minute)
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Service{
		options: o, secret: o.ClientSecret, definitions: Definitions(), now: o.Now, mux: http.NewServeMux(),
		rng: rand.New(rand.NewPCG(o.Seed, 1)), tokens: make(map[string]*token),
	}
	for _, organization := range o.Organizations {
		for _, name := range organization.Workspaces {
			s.workspaces = append(s.workspaces, workspace{Workspace: airbyteapi.Workspace{ID: contract.UUID(s.rng), Name: name}, organization: organization.ID})
		}
	}
	s.mux.HandleFunc("POST "+airbyteapi.TokenPath, s.issueToken)
	s.handle("GET "+airbyteapi.WorkspacesPath, s.listWorkspaces)
	s.handle("GET "+airbyteapi.ConnectorsPath, s.listConnectors)
	s.handle("POST "+airbyteapi.ConnectorsPath, s.createConnector)
	s.handle("POST "+airbyteapi.FirstConnectorsPath, s.createConnector)
	s.handle("GET "+airbyteapi.ConnectorPath, s.withConnector(s.getConnector))
	s.handle("DELETE "+airbyteapi.ConnectorPath, s.withConnector(s.deleteConnector))
	s.handle("POST "+airbyteapi.CheckPath, s.withConnector(s.checkConnector))
	s.handle("GET "+airbyteapi.InspectPath, s.withConnector(s.inspectConnector))
	s.handle("POST "+airbyteapi.ExecutePath, s.withConnector(s.execute))
	return s
}

// ServeHTTP answers a request.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, pattern := s.mux.Handler(r); pattern == "" {
		detail(w, http.StatusNotFound, "Not Found")
		return
	}
	s.mux.ServeHTTP(w, r)
}

// request is one with a valid token.
type request struct {
	*http.Request
	organization string
}

// handle serves a pattern to requests with a valid token.
func (s *Service) handle(pattern string, serve func(http.ResponseWriter, *request)) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok || !s.accepts(bearer) {
			detail(w, http.StatusUnauthorized, "Could not validate credentials")
			return
		}
		if organization, ok := s.organization(w, r); ok {
			serve(w, &request{r, organization})
		}
	})
}

// organization is the one that a request is about. If the request may not use it, organization writes the refusal.
func (s *Service) organization(w http.ResponseWriter, r *http.Request) (string, bool) {
	asked := r.Header.Get(airbyteapi.OrganizationHeader)
	if asked == "" {
		return s.options.Organizations[0].ID, true
	}
	for _, o := range s.options.Organizations {
		if o.ID == asked {
			return asked, true
		}
	}
	refuse(w, http.StatusForbidden, "Access to this organization is forbidden", problem{Code: "organization_forbidden", Message: "the application is no member of this organization"})
	return "", false
}

// readJSON reads a body strictly: one JSON value of at most 32 MiB, with a JSON content type.
func readJSON(w http.ResponseWriter, r *http.Request, into any) bool {
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); kind != "application/json" {
		detailAt(w, "Input should be a valid dictionary or object to extract fields from", "model_attributes_type", "body")
		return false
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 32<<20))
	if err := decoder.Decode(into); err != nil {
		detailAt(w, "JSON decode error: "+err.Error(), "json_invalid", "body")
		return false
	}
	if decoder.More() {
		detailAt(w, "JSON decode error: extra data", "json_invalid", "body")
		return false
	}
	return true
}
