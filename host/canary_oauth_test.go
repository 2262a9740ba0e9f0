package host_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/oauthsim"
	"github.com/agenthost/agenthost/internal/vendorsim"
)

// With OAuth 2.0 there are three secrets: the client's, the refresh token and the access
// token. Whatever the token endpoint and the API do with any of them, none comes out of
// the host, and the file that keeps the login holds none.
//
// threat: C1, C5, N11
func TestCanaryIsInNoLogin(t *testing.T) {
	t.Parallel()
	crm := &oauthsim.Server{ClientID: "crm", ClientSecret: planted, Prefix: "canary+tok/7f3Zx~9-Qe5d1bird"}
	refresh := crm.Seed()
	tokens, start := t.TempDir(), time.Now()
	var later atomic.Int64 // hours
	l := openCanary(t, "cmd/agenthost/testdata/oauthcrm", "oauthcrm", "client_secret", planted, crm, vendorsim.Options{}, func(o *host.Options) {
		lab := o.Connections.(host.StaticConnections)["lab"]
		lab.Credentials = map[string]string{"client_id": "env:ID", "client_secret": "env:TOKEN", "refresh_token": "env:REFRESH"}
		o.Connections.(host.StaticConnections)["lab"] = lab
		o.Secrets = config.Secrets{Tokens: filepath.Join(tokens, "tokens"), File: filepath.Join(tokens, "secrets.age"), Identity: "file:" + filepath.Join(tokens, "identity.txt")}
		o.Now = func() time.Time { return start.Add(time.Duration(later.Load()) * time.Hour) }
		o.LookupEnv = func(name string) (string, bool) {
			value, ok := map[string]string{"ID": "crm", "TOKEN": planted, "REFRESH": refresh}[name]
			return value, ok
		}
	})
	l.watch.For(crm.Prefix)
	calls := []host.Call{{Entity: "me", Action: "get"}, {Entity: "notes", Action: "create"}}
	for _, call := range calls {
		later.Add(1)
		result, err := l.Execute(t.Context(), "lab", call)
		if err != nil {
			t.Fatal(err)
		}
		l.see(t, "in peace", result, err)
	}
	try := func(place, name string, effect vendorsim.Effect) {
		l.inject(nil)
		if effect != nil {
			l.server.Inject(vendorsim.Fault{PathPrefix: place, Count: -1, Effect: effect})
		}
		if place == "/token" {
			crm.Expire() // so that the call asks there
		}
		later.Add(1) // so that a refusal renews
		l.call(t, place+" "+name, calls[0])
	}
	for _, place := range []string{"/token", "/me"} {
		for holder, secret := range map[string]func() string{
			"client": func() string { return planted }, "refresh": crm.Refresh, "access": crm.Access,
		} {
			for name := range behaviours(t, planted) {
				effect := behaviours(t, secret())[name]
				if name == "behaves" {
					effect = nil
				}
				try(place, holder+", "+name, effect)
			}
		}
		for _, status := range []int{200, 400, 401, 403, 429, 500} {
			try(place, fmt.Sprint("form ", status), echoForm(status))
		}
	}
	l.inject(nil)
	result, err := l.Execute(t.Context(), "lab", calls[0])
	if err != nil {
		t.Errorf("the login was lost: %v", err)
	}
	l.see(t, "in peace again", result, err)
	l.watch.Check(t)
	if n := crm.Refreshes(); n < 10 {
		t.Errorf("%d refreshes", n)
	}
	files := 0
	err = filepath.WalkDir(filepath.Join(tokens, "tokens"), func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if strings.HasSuffix(path, ".token") {
			files++
		}
		l.watch.See(t, path, data)
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("%d files of logins, %v", files, err)
	}
}

// echoForm answers with all that a token request holds: as what RFC 6749, section 5.2 has
// for errors, and elsewhere.
func echoForm(status int) vendorsim.Effect {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		body, _ := io.ReadAll(r.Body)
		said := string(body) + " " + r.Header.Get("Authorization")
		code := said
		if status == http.StatusBadRequest {
			code = "invalid_request"
		}
		text, _ := json.Marshal(map[string]any{"error": code, "error_description": said, "error_uri": said, "token_type": said, "scope": said, "expires_in": said})
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write(text)
	}
}
