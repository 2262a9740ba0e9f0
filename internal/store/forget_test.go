package store

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/secret"
)

// leftovers are the tables, but the audit trail, that still have a text in some column.
func (l *lab) leftovers(t *testing.T, text string) (found []string) {
	t.Helper()
	names := "SELECT m.name || '.' || c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name <> 'audit'"
	if l.file == "" {
		names = "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name <> 'audit'"
	}
	rows, err := l.reader.QueryContext(t.Context(), names)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var columns []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		columns = append(columns, name)
	}
	if err := rows.Err(); err != nil || len(columns) < 60 {
		t.Fatalf("%d columns, %v", len(columns), err)
	}
	for _, name := range columns {
		table, column, _ := strings.Cut(name, ".")
		var n int
		query := fmt.Sprintf("SELECT COUNT(*) FROM %s WHERE CAST(%s AS TEXT) LIKE '%%%s%%'", table, column, text)
		if l.file == "" {
			query = fmt.Sprintf("SELECT COUNT(*) FROM %s WHERE %s::text LIKE '%%%s%%'", table, column, text)
		}
		if err := l.reader.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		if n > 0 {
			found = append(found, name)
		}
	}
	return found
}

// testDeletedWorkspace looks at every table for what a workspace had: after its deletion there are
// ids, and after a week there is only the audit trail.
func testDeletedWorkspace(t *testing.T, l *lab) {
	ctx := t.Context()
	p := l.organization(t)
	other := l.connection(t, p, "stays")
	w := ok(l.CreateWorkspace(ctx, p.Organization, "gone-workspace"))(t)
	gone := Scope{p.Organization, w.ID}
	c := ok(l.CreateConnection(ctx, gone, Connection{Name: "gone-connection", Connector: "gone-connector", Server: "gone-server", Config: map[string]string{"a": "gone-config"}},
		Credentials{map[string]secret.Value{"api_token": value("gone-secret")}, origins}))(t)
	if _, err := l.PutToken(ctx, gone, c, origins, value("gone-token"), 0, Held{}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.CreateWorkspaceToken(ctx, gone, "gone-token-name", []string{"read"}, l.clock().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.ProposePlan(ctx, w.ID, "gone-digest", []byte("gone-plan"), l.clock().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	browser := LinkDigest("browser")
	if _, err := l.CreateLink(ctx, gone, c.ID, "gone-application", "https://gone-return.example", LinkDigest("token")); err != nil {
		t.Fatal(err)
	}
	if _, err := l.OpenLink(ctx, LinkDigest("token"), browser); err != nil {
		t.Fatal(err)
	}
	if err := l.FillLink(ctx, browser, Filling{Credentials: Credentials{map[string]secret.Value{"api_token": value("gone-key")}, origins}}, LinkDigest("code")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.CreateLoginSession(ctx, LoginSession{Issuer: "https://gone-issuer.example", Subject: "gone-person", Organization: p.Organization, Workspace: w.ID}, secret.Value{}); err != nil {
		t.Fatal(err)
	}
	write := Write{Scope: gone, Connection: c.ID, Caller: "gone-caller", Key: "gone-key", Hash: []byte("h"), Start: "s"}
	if _, err := l.BeginWrite(ctx, write, start(gone, "0193-1")); err != nil {
		t.Fatal(err)
	}
	if err := l.FinishWrite(ctx, write, 200, []byte(`{"gone":"answer"}`)); err != nil {
		t.Fatal(err)
	}
	before := l.leftovers(t, "gone-")
	for _, column := range []string{"connection.name", "connect_link.return_url", "login_session.subject", "plan.digest", "workspace_token.name"} {
		if !slices.Contains(before, column) {
			t.Fatalf("nothing in %s: %q", column, before)
		}
	}
	if _, _, err := l.DeleteWorkspace(ctx, gone, w.ID); err != nil {
		t.Fatal(err)
	}
	if found := l.leftovers(t, "gone-"); len(found) > 0 {
		t.Errorf("still there: %q", found)
	}
	for _, name := range l.leftovers(t, w.ID) {
		switch name {
		case "workspace.id", "connection.workspace", "job.workspace":
		default:
			t.Errorf("%s still has the id of the workspace", name)
		}
	}
	l.later(deletedFor + time.Minute)
	if _, err := l.Forget(ctx, time.Time{}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{w.ID, c.ID} {
		if found := l.leftovers(t, id); len(found) > 0 {
			t.Errorf("after a week, still there: %q", found)
		}
	}
	if got := ok(l.Audit(ctx, gone, Page{}))(t); len(got) < 3 {
		t.Errorf("the trail has %d records", len(got))
	}
	if got := ok(l.Connection(ctx, p, other.ID))(t); got.Name != "stays" {
		t.Errorf("%+v", got)
	}
}

// What is deleted is in no file of SQLite any more, its log included.
//
// threat: O2
func TestDeletedBytes(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	l := sqliteLab(t)
	p := l.organization(t)
	kept := l.connection(t, p, "kept-canary-57ab01")
	w := ok(l.CreateWorkspace(ctx, p.Organization, "workspace-canary-57ab01"))(t)
	gone := Scope{p.Organization, w.ID}
	var sealed [][]byte
	for i := range 200 {
		c := ok(l.CreateConnection(ctx, gone, Connection{Name: fmt.Sprint("connection-canary-57ab01-", i), Config: map[string]string{"a": "config-canary-57ab01"}},
			Credentials{map[string]secret.Value{"a": value("secret")}, origins}))(t)
		var bytes []byte
		if err := l.reader.QueryRowContext(ctx, "SELECT sealed FROM credential WHERE connection = ?", c.ID).Scan(&bytes); err != nil {
			t.Fatal(err)
		}
		sealed = append(sealed, bytes)
	}
	var key []byte
	if err := l.reader.QueryRowContext(ctx, "SELECT sealed FROM data_key WHERE workspace = ?", w.ID).Scan(&key); err != nil {
		t.Fatal(err)
	}
	c := l.connection(t, gone, "linked-canary-57ab01")
	link, browser, code := LinkDigest("link"), LinkDigest("browser"), LinkDigest("code")
	if _, err := l.CreateLink(ctx, gone, c.ID, "", "https://return-canary-57ab01.example", link); err != nil {
		t.Fatal(err)
	}
	if _, err := l.OpenLink(ctx, link, browser); err != nil {
		t.Fatal(err)
	}
	if err := l.FillLink(ctx, browser, Filling{Credentials: Credentials{map[string]secret.Value{"a": value("secret")}, origins}}, code); err != nil {
		t.Fatal(err)
	}
	if _, err := l.PutToken(ctx, gone, c, origins, value("token"), 0, Held{}); err != nil {
		t.Fatal(err)
	}
	if _, err := l.ProposePlan(ctx, w.ID, "digest", []byte("plan"), l.clock().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.CreateWorkspaceToken(ctx, gone, "token", []string{"read"}, l.clock().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.CreateLoginSession(ctx, LoginSession{Issuer: "https://issuer-canary-57ab01.example", Subject: "person", Organization: p.Organization, Workspace: w.ID}, secret.Value{}); err != nil {
		t.Fatal(err)
	}
	traces := append([][]byte{key, []byte("config-canary-57ab01"), []byte("return-canary-57ab01"), []byte("issuer-canary-57ab01"), link, browser, code}, sealed...)
	for _, query := range []string{
		"SELECT sealed FROM connect_link WHERE workspace = ?", "SELECT sealed FROM plan WHERE workspace = ?", "SELECT digest FROM workspace_token WHERE workspace = ?",
		"SELECT digest FROM login_session WHERE workspace = ?", "SELECT t.sealed FROM token t JOIN connection c ON c.id = t.connection WHERE c.workspace = ?",
	} {
		var bytes []byte
		if err := l.reader.QueryRowContext(ctx, query, w.ID).Scan(&bytes); err != nil || len(bytes) < 32 {
			t.Fatalf("%s: %d bytes, %v", query, len(bytes), err)
		}
		traces = append(traces, bytes)
	}
	if n := l.inFiles(t, traces); n < len(traces) {
		t.Fatalf("the test finds %d of %d before", n, len(traces))
	}
	if _, _, err := l.DeleteWorkspace(ctx, gone, w.ID); err != nil {
		t.Fatal(err)
	}
	if n := l.inFiles(t, traces); n > 0 {
		t.Errorf("%d traces are still in the files", n)
	}
	if n := l.inFiles(t, [][]byte{[]byte(kept.Name)}); n == 0 {
		t.Error("the test does not find what is kept")
	}
}

// inFiles is how many of some texts are in the files of the database.
func (l *lab) inFiles(t *testing.T, texts [][]byte) (n int) {
	t.Helper()
	names, err := filepath.Glob(l.file + "*")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	var all []byte
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, content...)
	}
	for _, text := range texts {
		if bytes.Contains(all, text) {
			n++
		}
	}
	return n
}
