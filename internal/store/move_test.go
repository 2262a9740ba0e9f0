package store

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const moveScript = "../../deploy/move-organization.sh"

// An organization that is moved has its connections, credentials, applications and keys of writes in the
// other database, where nodes read of it with the revisions, and nothing that could be used in the first.
func TestPostgresMoveOrganization(t *testing.T) {
	t.Parallel()
	server := postgresServer(t)
	if _, err := exec.LookPath("psql"); err != nil {
		t.Skip("psql is missing")
	}
	ctx := t.Context()
	from, to := postgresLab(t, server, "moved_from"), postgresLab(t, server, "moved_to")
	stays, goes, there := from.organization(t), from.organization(t), to.organization(t)
	kept, moved := from.connection(t, stays, "stays"), from.connection(t, goes, "goes")
	to.connection(t, there, "there")
	token := ok(from.PutToken(ctx, goes, moved, origins, value("token"), 0, Held{}))(t)
	application, password, err := from.CreateApplication(ctx, goes.Organization, "app", nil)
	if err != nil {
		t.Fatal(err)
	}
	w := Write{Scope: goes, Connection: moved.ID, Caller: "app", Key: "key", Hash: []byte("hash"), Start: "s"}
	ok(from.BeginWrite(ctx, w, start(goes, "s")))(t)
	if err := from.FinishWrite(ctx, w, 200, []byte("answer")); err != nil {
		t.Fatal(err)
	}
	before := map[*lab]string{from: ok(from.Changes(ctx, "", 0))(t).Cursor, to: ok(to.Changes(ctx, "", 0))(t).Cursor}
	move := func(id string) (string, error) {
		out, err := exec.CommandContext(ctx, "sh", moveScript, server+" dbname=moved_from", server+" dbname=moved_to", id).CombinedOutput()
		return string(out), err
	}
	if out, err := move("another"); err == nil || !strings.Contains(out, "there is no organization another") {
		t.Errorf("%v: %s", err, out)
	}
	if out, err := move(goes.Organization); err != nil || out != "" {
		t.Fatalf("%v: %s", err, out)
	}
	for l, deleted := range map[*lab]bool{from: true, to: false} {
		changed := ok(l.Changes(ctx, before[l], 0))(t).Connections
		if len(changed) != 1 || changed[0].ID != moved.ID || changed[0].Deleted.IsZero() == deleted {
			t.Errorf("changes %+v, deleted: %v", changed, deleted)
		}
	}
	if got := ok(to.Credentials(ctx, goes, moved.ID, origins))(t); plain(got["api_token"]) != "secret of goes" {
		t.Errorf("credentials %v", got)
	}
	if got := ok(to.Token(ctx, goes, moved.ID, origins))(t); plain(got.Value) != "token" || got.Version != token {
		t.Errorf("token %+v", got)
	}
	if got := ok(to.Authenticate(ctx, application.ID, password))(t); got.Organization != goes.Organization {
		t.Errorf("application %+v", got)
	}
	if prior := ok(to.PriorWrite(ctx, w))(t); prior.State != WriteFinished || string(prior.Answer) != "answer" {
		t.Errorf("%+v", prior)
	}
	if got := ok(from.Credentials(ctx, goes, moved.ID, origins))(t); len(got) != 0 {
		t.Errorf("the first database still has %v", got)
	}
	_, err = from.Authenticate(ctx, application.ID, password)
	wantErr(t, "an application that was moved", err, ErrNone)
	_, err = from.Token(ctx, goes, moved.ID, origins)
	wantErr(t, "a token that was moved", err, ErrNone)
	if got := ok(from.Credentials(ctx, stays, kept.ID, origins))(t); plain(got["api_token"]) != "secret of stays" {
		t.Errorf("credentials of another organization: %v", got)
	}
	if out, err := move(goes.Organization); err == nil {
		t.Errorf("it is moved twice: %s", out)
	}
}

// The script knows every table that has something of an organization.
func TestMovedTables(t *testing.T) {
	t.Parallel()
	script, err := os.ReadFile(moveScript)
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`(?m)^tables="(.*)"$`).FindSubmatch(script)
	if list == nil {
		t.Fatal("the script has no list of tables")
	}
	known := append(strings.Fields(string(list[1])), "audit", "connect_link", "copied", "job", "login_session", "plan") // which stay
	l := sqliteLab(t)
	l.queries["test.tables"] = "SELECT DISTINCT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND c.name IN ('organization', 'connection')"
	for _, table := range ok(readMany(t.Context(), l.Store, scanText, "test.tables"))(t) {
		if !slices.Contains(known, table) {
			t.Errorf("deploy/move-organization.sh does not know the table %s", table)
		}
	}
}
