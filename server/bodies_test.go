package server

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/httpserve"
	"github.com/agenthost/agenthost/server/internal/api"
)

// route is an operation as the OpenAPI document has it.
type route struct {
	method, path string
	id           string
	parameters   []parameter
	members      []string // of the body, if it has one
	body         bool
}

type parameter struct{ Name, In string }

// routes are all operations.
func (l *lab) routes() []route {
	l.t.Helper()
	var d struct {
		Paths map[string]map[string]struct {
			OperationID string
			Parameters  []parameter
			RequestBody *struct {
				Content map[string]struct{ Schema map[string]string }
			}
		}
		Components struct {
			Schemas map[string]struct{ Properties map[string]json.RawMessage }
		}
	}
	l.ok(l.ask(http.MethodGet, api.OpenAPIPath, "", nil), &d)
	var all []route
	for path, methods := range d.Paths {
		for method, op := range methods {
			o := route{method: strings.ToUpper(method), path: path, id: op.OperationID, parameters: op.Parameters, body: op.RequestBody != nil}
			if o.body {
				ref := op.RequestBody.Content["application/json"].Schema["$ref"]
				o.members = slices.Sorted(maps.Keys(d.Components.Schemas[strings.TrimPrefix(ref, "#/components/schemas/")].Properties))
			}
			all = append(all, o)
		}
	}
	slices.SortFunc(all, func(a, b route) int { return strings.Compare(a.id, b.id) })
	return all
}

// at is the path of a request whose parameters have these values; the others are left out.
func (o *route) at(values map[string]string) string {
	path, query := o.path, make(url.Values)
	for _, p := range o.parameters {
		switch value, given := values[p.Name]; {
		case p.In == "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(value))
		case given:
			query.Set(p.Name, value)
		}
	}
	return path + "?" + query.Encode()
}

// Statements of SQL in every parameter and every member of every body are text: nothing of the
// workspace is shown that was not asked for, nothing fails, and nothing is gone.
//
// threat: S5
func TestSQLInEveryField(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	connector, spare := l.create("acme", "Pylon"), l.create("spare", "Pylon")
	var w airbyteapi.WorkspaceRecords
	l.ok(l.ask(http.MethodGet, airbyteapi.WorkspacesPath+"?name_contains=spare", l.token, nil), &w)
	ids := map[string]string{"connector_id": spare, "workspace_id": w.Data[0].ID}
	asked, token := 0, ""
	try := func(o *route, path string, body any, headers ...string) {
		t.Helper()
		asked++
		r := l.ask(o.method, path, token, body, headers...)
		if r.status >= 500 && r.status != http.StatusNotImplemented || r.status < 300 && (strings.Contains(r.body, `"acme"`) || strings.Contains(r.body, connector)) {
			t.Errorf("%s %s %v: %d %s", o.method, path, body, r.status, r.body)
		}
	}
	for _, sql := range []string{"' OR '1'='1", `"; DROP TABLE workspace; --`, "%", "_", `\`, "') UNION SELECT * FROM application --", "$1", "?1", "\u202e"} {
		token = l.applicationToken(l.first.Organization) // all of these are too many for one
		for _, o := range l.routes() {
			for _, p := range o.parameters {
				values := maps.Clone(ids)
				if p.In == "query" {
					delete(values, "workspace_id")
				}
				values[p.Name] = sql
				try(&o, o.at(values), nil)
			}
			for _, member := range o.members {
				for _, value := range []any{sql, []string{sql}, map[string]string{"api_token": sql}, map[string]string{sql: sql}, []any{map[string]any{"entity": sql, "modes": []string{sql}}}} {
					body := map[string]any{
						"workspace_name": "spare", "connector_type": "Pylon", "credentials": map[string]string{"api_token": "x"}, "entity": "users", "action": "list",
						"client_id": l.first.ClientID, "client_secret": "x",
					}
					body[member] = value
					try(&o, o.at(ids), body, keyHeader, sql)
				}
			}
			try(&o, o.at(ids), nil, airbyteapi.OrganizationHeader, sql)
		}
	}
	t.Logf("%d requests", asked)
	l.ok(l.ask(http.MethodPost, at(airbyteapi.ExecutePath, connector), l.token, listUsers), &answered{})
	l.ok(l.ask(http.MethodGet, airbyteapi.ConnectorsPath+"?workspace_name=acme", l.token, nil), &airbyteapi.Records{})
}

// A body that is too long, or nested too deeply, is refused by every operation, and one that is
// too long before it is read.
//
// threat: S2
func TestOversizeBodies(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	id := l.create("acme", "Pylon")
	for _, o := range l.routes() {
		if !o.body {
			continue
		}
		path := o.at(map[string]string{"connector_id": id, "workspace_id": nobody, "link_id": nobody})
		most := api.SmallBody
		if o.id == "execute" || o.id == "prepareExecute" {
			most = maxExecute
		}
		nested := `{"` + o.members[0] + `":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`
		l.fails(l.ask(o.method, path, l.token, nested), http.StatusBadRequest, "nest")
		for name, head := range map[string]string{"declared": fmt.Sprintf("Content-Length: %d", most+1), "in parts": "Transfer-Encoding: chunked"} {
			conn := l.dial(o.method, path, l.token, head)
			if name == "in parts" {
				part := strings.Repeat(" ", 1<<16)
				for range most>>16 + 1 {
					if _, err := fmt.Fprintf(conn, "%x\r\n%s\r\n", len(part), part); err != nil {
						break // the answer is there
					}
				}
			}
			if status := answerOf(conn); status != http.StatusRequestEntityTooLarge {
				t.Errorf("%s, too long, %s: %d", o.id, name, status)
			}
		}
	}
	name := strings.Repeat("n", 1<<19)
	l.fails(l.ask(http.MethodPut, at(airbyteapi.ConnectorPath, id), l.token, `{"name": "`+name+`"}`), http.StatusUnprocessableEntity, "name")
	l.fails(l.ask(http.MethodPost, airbyteapi.ScopedTokenPath, l.token, `{"workspace_name": "`+name+`"}`), http.StatusUnprocessableEntity, "workspace_name")
	l.fails(l.ask(http.MethodPost, airbyteapi.TokenPath, "", `{"client_id": "`+name+`", "client_secret": "x"}`), http.StatusUnauthorized, "")
	l.ok(l.ask(http.MethodPost, at(airbyteapi.ExecutePath, id), l.token, listUsers), &answered{})
}

// Who sends a body slowly, or none of it, gets an answer after some time, and keeps nobody out.
//
// threat: R9
func TestSlowBodies(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(o *Options) {
		o.patience = httpserve.DefaultPatience()
		o.patience.Silence, o.patience.Body = 100*time.Millisecond, 300*time.Millisecond
	})
	execute := at(airbyteapi.ExecutePath, l.create("acme", "Pylon"))
	for name, c := range map[string]struct {
		path, token string
		parts       int // of one byte each
		every       time.Duration
		status      int
	}{
		"nothing comes":             {execute, l.token, 0, 0, http.StatusRequestTimeout},
		"it stops":                  {execute, l.token, 5, time.Millisecond, http.StatusRequestTimeout},
		"a byte now and then":       {execute, l.token, 100, 50 * time.Millisecond, http.StatusRequestTimeout},
		"a secret, slowly":          {airbyteapi.TokenPath, "", 100, 50 * time.Millisecond, http.StatusRequestTimeout},
		"without a token, at once":  {execute, "", 0, 0, http.StatusUnauthorized},
		"with a wrong one, at once": {execute, "wrong", 0, 0, http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begun := time.Now()
			conn := l.dial(http.MethodPost, c.path, c.token, "Content-Length: 1000")
			go func() {
				for range c.parts {
					if _, err := io.WriteString(conn, " "); err != nil {
						return
					}
					time.Sleep(c.every)
				}
			}()
			status := answerOf(conn)
			if took := time.Since(begun); status != c.status || took > 20*time.Second {
				t.Errorf("%d after %s, want %d", status, took, c.status)
			}
		})
		l.ok(l.ask(http.MethodPost, execute, l.token, listUsers), &answered{})
	}
}

// dial sends the head of a request, for a body that follows.
func (l *lab) dial(method, path, token, header string) net.Conn {
	l.t.Helper()
	conn, err := new(net.Dialer).DialContext(l.t.Context(), "tcp", l.http.Listener.Addr().String())
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = conn.Close() })
	if token != "" {
		header += "\r\nAuthorization: Bearer " + token
	}
	if _, err := fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n%s\r\n\r\n", method, path, header); err != nil {
		l.t.Fatal(err)
	}
	return conn
}

// answerOf is the status of the answer, or 0 if there is none.
func answerOf(conn net.Conn) int {
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}
