package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/connections"
	"github.com/agenthost/agenthost/internal/httpserve"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/server/internal/token"
	"github.com/hashicorp/go-hclog"
)

const (
	organization = "0b6c1d9e-4c5f-4c55-9d0a-6b1f8f0f6a01"
	form         = "application/json"
)

// input has a field of each sort.
type input struct {
	Text   string          `json:"text" required:"true"`
	Number int             `json:"number" most:"9"`
	Texts  []string        `json:"texts" values:"a b"`
	Flag   *bool           `json:"flag"`
	Raw    json.RawMessage `json:"raw"`
}

type query struct {
	Text  string `json:"text" required:"true" doc:"some text"`
	Limit int    `json:"limit"`
}

type output struct {
	Said    string   `json:"said"`
	Present []string `json:"present"`
}

// tested is an API with an operation of each sort, behind a guard.
func tested(t *testing.T, change ...func(*Options)) (*API, *httptest.Server) {
	t.Helper()
	o := Options{
		Check: func(_ context.Context, text string) (*token.Claims, error) {
			scopes, workspace, ok := strings.Cut(text, "@")
			if !ok {
				return nil, token.ErrInvalid
			}
			return &token.Claims{Organization: organization, Application: "app", Workspace: workspace, Scopes: []connections.Scope{connections.Scope(scopes)}}, nil
		},
		Ready: func() error { return nil },
		Admit: func(*token.Claims) time.Duration { return 0 },
		Enter: func(ctx context.Context, _ *Request) context.Context { return ctx },
		Hold:  func(context.Context, string, int64) (func(), error) { return func() {}, nil },
		Peer:  func(r *http.Request) string { return r.RemoteAddr },
		NewID: func() string { return "req_1" }, Timeout: time.Minute, URL: "https://agents.example.com", Version: "1", TokenHint: "POST /api/v1/account/applications/token", Logger: hclog.NewNullLogger(),
	}
	for _, c := range change {
		c(&o)
	}
	echo := func(_ context.Context, r *Request, in *input) (*output, error) {
		var present []string
		for name := range r.Present {
			present = append(present, name)
		}
		slices.Sort(present)
		return &output{in.Text, present}, nil
	}
	a, err := New(o, []Route{
		Do(Route{Method: http.MethodPost, Path: "/echo", ID: "echo", Summary: "Echo.", Scope: connections.Write}, echo),
		Do(Route{Method: http.MethodPut, Path: "/wide", ID: "wide", Summary: "Echo.", Wide: true, Status: http.StatusAccepted}, echo),
		Do(Route{Method: http.MethodGet, Path: "/things/{thing_id}", ID: "get", Summary: "Get."}, func(_ context.Context, r *Request, in *query) (*output, error) {
			return &output{Said: r.PathValue("thing_id") + " " + in.Text}, nil
		}),
		Do(Route{Method: http.MethodPost, Path: "/things/check", ID: "check", Summary: "Check."}, echo),
		Do(Route{Method: http.MethodGet, Path: "/fail/{kind}", ID: "fail", Summary: "Fail.", Public: true}, func(_ context.Context, r *Request, _ *Nothing) (*output, error) {
			switch kind := r.PathValue("kind"); kind {
			case "panic":
				panic("a secret")
			case "other":
				return nil, errors.New("a secret")
			case "limited":
				return nil, Limited("things", 1500*time.Millisecond)
			default:
				return nil, &abi.Error{Kind: abi.Kind(kind), Message: "it failed", Hint: "do better", Field: "params.id", RequestSent: true, Status: 418, RetryAfterMS: 1}
			}
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(httpserve.Guard{Patience: httpserve.DefaultPatience()}.Handler(a))
	t.Cleanup(server.Close)
	return a, server
}

// ask sends a request, and returns the status and the body.
func ask(t *testing.T, server *httptest.Server, method, path, bearer, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	if body != "" {
		req.Header.Set("Content-Type", form)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

// threat: S2
func TestRequests(t *testing.T) {
	t.Parallel()
	_, server := tested(t)
	for name, c := range map[string]struct {
		method, path, bearer, body string
		headers                    []string
		status                     int
		want                       string // in the body
	}{
		"good":                                {"POST", "/echo", "write@", `{"text":"a","flag":null,"more":1}`, nil, 200, `{"said":"a","present":["flag","text"]}`},
		"another status":                      {"PUT", "/wide", "write@", `{"text":"a"}`, nil, 202, `"said":"a"`},
		"its own organization":                {"POST", "/echo", "write@", `{"text":"a"}`, []string{"X-Organization-Id", strings.ToUpper(organization)}, 200, "a"},
		"a charset":                           {"POST", "/echo", "write@", `{"text":"a"}`, []string{"Content-Type", "application/json; charset=UTF-8"}, 200, "a"},
		"a query":                             {"GET", "/things/7?text=a%20b&limit=3&limits=4", "read@", "", nil, 200, `"said":"7 a b"`},
		"no token":                            {"POST", "/echo", "", `{"text":"a"}`, nil, 401, "/account/applications/token"},
		"a bad token":                         {"POST", "/echo", "bad", `{"text":"a"}`, nil, 401, "not valid"},
		"two words":                           {"POST", "/echo", "", `{"text":"a"}`, []string{"Authorization", "Bearer a write@"}, 401, "no access token"},
		"another scheme":                      {"POST", "/echo", "", `{"text":"a"}`, []string{"Authorization", "Basic write@"}, 401, "no access token"},
		"another organization":                {"POST", "/echo", "write@", `{"text":"a"}`, []string{"X-Organization-Id", "other"}, 403, "organization_forbidden"},
		"another scope":                       {"POST", "/echo", "read@", `{"text":"a"}`, nil, 403, "lacks the scope write"},
		"one workspace only":                  {"PUT", "/wide", "write@ws", `{"text":"a"}`, nil, 403, "one workspace only"},
		"another path":                        {"GET", "/nothing", "read@", "", nil, 404, "no such page"},
		"another method":                      {"GET", "/echo", "read@", "", nil, 405, "use POST"},
		"a method of no path":                 {"OPTIONS", "/echo", "read@", "", nil, 405, "use POST"},
		"a method of a path with a parameter": {"GET", "/things/check?text=a", "read@", "", nil, 405, "use POST"},
		"no form":                             {"POST", "/echo", "write@", `{"text":"a"}`, []string{"Content-Type", "text/plain"}, 415, "Content-Type"},
		"another charset":                     {"POST", "/echo", "write@", `{"text":"a"}`, []string{"Content-Type", "application/json; charset=utf-16"}, 415, "Content-Type"},
		"too long":                            {"POST", "/echo", "write@", `{"text":"` + strings.Repeat("a", SmallBody) + `"}`, nil, 413, "longer than"},
		"no body":                             {"POST", "/echo", "write@", "", []string{"Content-Type", form}, 422, "text is missing"},
		"no body and no form":                 {"POST", "/echo", "write@", "", []string{"Content-Type", ""}, 422, "text is missing"},
		"only white space":                    {"POST", "/echo", "write@", " ", nil, 400, "not JSON"},
		"no JSON":                             {"POST", "/echo", "write@", `{"text":`, nil, 400, "not JSON"},
		"two values":                          {"POST", "/echo", "write@", `{"text":"a"}{}`, nil, 400, "not JSON"},
		"no UTF-8":                            {"POST", "/echo", "write@", "{\"text\":\"\xff\"}", nil, 400, "UTF-8"},
		"nested":                              {"POST", "/echo", "write@", `{"raw":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`, nil, 400, "nest"},
		"no object":                           {"POST", "/echo", "write@", `["a"]`, nil, 422, "not a JSON object"},
		"a member twice":                      {"POST", "/echo", "write@", `{"text":"a","text":"b"}`, nil, 422, "twice"},
		"a member twice, inside":              {"POST", "/echo", "write@", `{"text":"a","raw":{"a":1,"\u0061":2}}`, nil, 422, "twice"},
		"other letters":                       {"POST", "/echo", "write@", `{"Text":"a"}`, nil, 422, "text is missing"},
		"null":                                {"POST", "/echo", "write@", `{"text":null}`, nil, 422, "text is missing"},
		"a number":                            {"POST", "/echo", "write@", `{"text":1}`, nil, 422, "text is not text"},
		"a fraction":                          {"POST", "/echo", "write@", `{"text":"a","number":1.5}`, nil, 422, "number is not a whole number"},
		"one text":                            {"POST", "/echo", "write@", `{"text":"a","texts":"b"}`, nil, 422, "texts is not a list of texts"},
		"no parameter":                        {"GET", "/things/7", "read@", "", nil, 422, "text is missing"},
		"a parameter twice":                   {"GET", "/things/7?text=a&text=b", "read@", "", nil, 422, "twice"},
		"no number":                           {"GET", "/things/7?text=a&limit=x", "read@", "", nil, 422, "limit is not a whole number"},
		"a broken query":                      {"GET", "/things/7?text=%zz", "read@", "", nil, 400, "query"},
		"zero bytes":                          {"GET", "/things/7?text=%00", "read@", "", nil, 422, "text is not text"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp, body := ask(t, server, c.method, c.path, c.bearer, c.body, c.headers...)
			if resp.StatusCode != c.status || !strings.Contains(body, c.want) {
				t.Errorf("%d %s, want %d with %q", resp.StatusCode, body, c.status, c.want)
			}
			if resp.Header.Get(RequestIDHeader) != "req_1" || resp.Header.Get("Content-Type") != form || resp.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("headers %v", resp.Header)
			}
			if resp.StatusCode >= 400 {
				checkFailure(t, body)
			}
		})
	}
}

// checkFailure checks the form of an error, which Airbyte's clients read.
func checkFailure(t *testing.T, body string) {
	t.Helper()
	var e struct {
		Message string
		Errors  []struct {
			Message   string
			ErrorCode string `json:"error_code"`
			Details   Details
		}
	}
	d := json.NewDecoder(strings.NewReader(body))
	if err := d.Decode(&e); err != nil || e.Message == "" || len(e.Errors) != 1 || e.Errors[0].ErrorCode == "" || e.Errors[0].Details.RequestID != "req_1" || e.Errors[0].Details.Hint == "" {
		t.Errorf("%s has not the form of an error", body)
	}
	if f := airbyteapi.ReadFailure([]byte(body)); !strings.HasPrefix(f.Code()+f.String(), e.Errors[0].ErrorCode) {
		t.Errorf("our client reads %q of %s", f.String(), body)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	_, server := tested(t)
	for kind, want := range map[string]struct {
		status int
		code   string
	}{
		"invalid_params": {422, "upstream_invalid_request"}, "unknown_operation": {400, "operation_not_supported"}, "auth_failed": {401, "upstream_unauthorized"},
		"permission_denied": {403, "upstream_forbidden"}, "not_found": {404, "upstream_not_found"}, "conflict": {409, "upstream_conflict"},
		"rate_limited": {429, "upstream_rate_limited"}, "vendor_error": {502, "upstream_error"}, "denied": {403, "denied"}, "limit_exceeded": {422, "limit_exceeded"},
		"timeout": {504, "upstream_timeout"}, "cancelled": {503, "cancelled"}, "connector_fault": {502, "upstream_error"}, "network": {502, "upstream_error"},
		"internal": {500, "internal"}, "panic": {500, "internal"}, "other": {500, "internal"}, "limited": {429, "rate_limited"},
	} {
		resp, body := ask(t, server, http.MethodGet, "/fail/"+kind, "", "")
		if resp.StatusCode != want.status || !strings.Contains(body, `"error_code":"`+want.code+`"`) || strings.Contains(body, "a secret") {
			t.Errorf("%s: %d %s", kind, resp.StatusCode, body)
		}
		checkFailure(t, body)
		if after := resp.Header.Get("Retry-After"); kind == "limited" && after != "2" || kind == "rate_limited" && after != "1" {
			t.Errorf("%s: Retry-After %q", kind, after)
		}
		if kind == "auth_failed" && resp.Header.Get("WWW-Authenticate") != "" {
			t.Error("the vendor's refusal asks for another token of ours")
		}
	}
}

func TestTooManyRequests(t *testing.T) {
	t.Parallel()
	_, server := tested(t, func(o *Options) { o.Admit = func(*token.Claims) time.Duration { return time.Second } })
	resp, body := ask(t, server, http.MethodGet, "/things/1?text=a", "read@", "")
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") != "1" {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

// The document has each route with its parameters, its body and its answer, and nothing else:
// both are made from one table.
func TestDocument(t *testing.T) {
	t.Parallel()
	a, server := tested(t)
	_, text := ask(t, server, http.MethodGet, OpenAPIPath, "", "")
	var d struct {
		OpenAPI string
		Servers []struct{ URL string }
		Paths   map[string]map[string]struct {
			OperationID string
			Parameters  []struct {
				Name, In string
				Required bool
			}
			RequestBody struct {
				Content map[string]struct{ Schema map[string]string }
			}
			Responses map[string]json.RawMessage
			Security  *[]json.RawMessage
		}
		Components struct {
			Schemas map[string]struct {
				Properties map[string]json.RawMessage
				Required   []string
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	if d.OpenAPI != "3.1.0" || len(d.Servers) != 1 || d.Servers[0].URL != "https://agents.example.com" {
		t.Errorf("%s", text)
	}
	operations := 0
	for _, path := range d.Paths {
		operations += len(path)
	}
	if operations != len(a.Routes()) {
		t.Errorf("%d operations for %d routes", operations, len(a.Routes()))
	}
	for _, r := range a.Routes() {
		op := d.Paths[r.Path][strings.ToLower(r.Method)]
		if op.OperationID != r.ID || op.Responses["422"] == nil || (op.Security != nil) != r.Public {
			t.Errorf("%s: %+v", r.ID, op)
		}
	}
	get := d.Paths["/things/{thing_id}"]["get"].Parameters
	if len(get) != 3 || get[0].Name != "thing_id" || get[0].In != "path" || get[1].Name != "text" || !get[1].Required || get[2].Required {
		t.Errorf("parameters %+v", get)
	}
	if ref := d.Paths["/echo"]["post"].RequestBody.Content[form].Schema["$ref"]; ref != "#/components/schemas/input" {
		t.Errorf("the body is %q", ref)
	}
	if in := d.Components.Schemas["input"]; len(in.Properties) != 5 || !slices.Equal(in.Required, []string{"text"}) {
		t.Errorf("%+v", in)
	}
	for of, want := range map[string]string{
		"input.number": `{"anyOf":[{"maximum":9,"minimum":1,"type":"integer"},{"type":"null"}]}`,
		"input.texts":  `{"anyOf":[{"items":{"enum":["a","b"],"type":"string"},"type":"array"},{"type":"null"}]}`,
		"input.text":   `{"type":"string"}`,
		"output.said":  `{"type":"string"}`,
	} {
		name, field, _ := strings.Cut(of, ".")
		if got := string(d.Components.Schemas[name].Properties[field]); got != want {
			t.Errorf("%s is %s, want %s", of, got, want)
		}
	}
	// What has no omitempty is in every answer.
	if out := d.Components.Schemas["output"]; !slices.Equal(out.Required, []string{"said", "present"}) {
		t.Errorf("%+v", out)
	}
	if !bytes.Contains([]byte(text), []byte(`"vendor_status"`)) {
		t.Error("the details of errors are not documented")
	}
}

func TestNumbersStayAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	var in struct {
		Values map[string]any `json:"values"`
	}
	if err := readBody(t.Context(), []byte(`{"values": {"id": 12345678901234567890}}`), reflect.ValueOf(&in).Elem(), fields(reflect.TypeOf(in)), make(map[string]bool)); err != nil {
		t.Fatal(err)
	}
	if in.Values["id"] != json.Number("12345678901234567890") {
		t.Errorf("%v", in.Values)
	}
}

// The members of a struct within a struct are members of the input, and of the document.
func TestMembersOfAnEmbeddedStruct(t *testing.T) {
	t.Parallel()
	type within struct {
		query
		Own string `json:"own"`
	}
	all := fields(reflect.TypeFor[within]())
	var names []string
	for _, f := range all {
		names = append(names, f.name)
	}
	if got := strings.Join(names, " "); got != "text limit own" {
		t.Fatalf("the members are %s", got)
	}
	var read within
	if err := readQuery(&url.URL{RawQuery: "text=a&limit=3&own=b"}, reflect.ValueOf(&read).Elem(), all); err != nil || read != (within{query{"a", 3}, "b"}) {
		t.Errorf("%+v, %v", read, err)
	}
	d := documented{schemas: make(schema), answer: true}
	d.ref(reflect.TypeFor[within]())
	if got := d.schemas["within"].(schema)["required"]; !reflect.DeepEqual(got, names) {
		t.Errorf("the document has %v", got)
	}
}
