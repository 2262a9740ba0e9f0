package server

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/store"
)

// The line of docs/python.md that creates a connector with a login works as it is written.
func TestDocumentedLogin(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"sh", "curl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	text, err := os.ReadFile("../docs/python.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "### A vendor that wants OAuth 2.0\n")
	_, section, opened := strings.Cut(section, "```sh\n")
	line, _, closed := strings.Cut(section, "```\n")
	if !found || !opened || !closed {
		t.Fatal("docs/python.md has no such line")
	}
	l := newLoginLab(t)
	account := l.accounts.Add("ada")
	seed := credentialsOf(account)
	c := exec.CommandContext(t.Context(), "sh", "-c", line)
	c.Env = append(os.Environ(), "NO_PROXY=*", "SDK_DEV_ADP_API_HOST="+l.http.URL, "token="+l.token,
		"CRM_CLIENT_ID="+seed["client_id"], "CRM_CLIENT_SECRET="+seed["client_secret"], "CRM_REFRESH_TOKEN="+seed["refresh_token"])
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	var made airbyteapi.Record
	if err := json.Unmarshal(out, &made); err != nil || made.State != string(store.Ready) {
		t.Fatalf("%v: %s", err, out)
	}
	l.ok(l.me(made.ID), &answered{})
}
