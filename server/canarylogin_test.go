package server

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/canary"
	"github.com/agenthost/agenthost/internal/oauthsim"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/hashicorp/go-hclog"
)

// recordSink keeps what sinks get, such as one that makes traces.
type recordSink struct{ canary.Buffer }

func (s *recordSink) Write(_ context.Context, r *audit.Record) error {
	text, err := r.MarshalJSON()
	if err == nil {
		_, err = s.Buffer.Write(text)
	}
	return err
}

// watchedLogin is a vendor, a person and an application, and all that a login is made of.
type watchedLogin struct {
	*loginLab
	account *oauthsim.Server
	watch   *canary.Watch
	states  *canary.Watch // secrets that the browser brings to the vendor: the page that leads there has them
	shown   canary.Buffer // pages, their headers, and answers
	leads   canary.Buffer // pages that lead to the vendor
}

// No secret of a login with OAuth 2.0 is in a log, an error, a page, the audit trail, a metric, what
// sinks get, or a file: those of a login that succeeds, that fails at every step, that is refreshed,
// and that ends.
//
// threat: D8, K3
func TestNoSecretOfALogin(t *testing.T) {
	t.Parallel()
	var log canary.Buffer
	sink, folder := &recordSink{}, t.TempDir()
	w := &watchedLogin{watch: canary.NewWatch("the-client-secret-of-the-operator"), states: canary.NewWatch("unused-secret")}
	var files int
	look := func() {
		files = 0
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			files++
			text, err := os.ReadFile(path)
			w.watch.See(t, d.Name(), text)
			w.states.See(t, d.Name(), text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Run("serving", func(t *testing.T) {
		w.loginLab = newLoginLab(t, func(o *Options) {
			o.Data = folder
			o.Host.Logger = hclog.New(&hclog.LoggerOptions{Output: &log, Level: hclog.Trace})
			o.Host.Audit = config.Audit{File: filepath.Join(folder, "audit.jsonl")}
			o.Host.Sinks = []audit.Sink{sink}
			o.OAuthClient = func(string, string, string) (string, secret.Value) {
				return w.account.ClientID, secret.New([]byte(w.account.ClientSecret))
			}
			c := o.Connectors["crm"]
			c.OAuth = &config.OAuth{RevokeURL: c.Server + "/revoke"}
			o.Connectors["crm"] = c
		})
		w.account = w.accounts.Add("our client")
		w.account.ClientSecret = "the-client-secret-of-the-operator"
		w.account.Issuer, w.account.Redirects = w.url, []string{publicURL + callbackPath}
		w.account.Token = func(_ http.ResponseWriter, r *http.Request) bool {
			if verifier := r.PostFormValue("code_verifier"); verifier != "" {
				w.watch.For(verifier)
			}
			return false
		}
		w.everyEnd()
		_, _ = fmt.Fprint(&w.shown, w.metrics())
		records, err := w.s.store.Audit(t.Context(), store.Scope{Organization: w.first.Organization}, store.Page{})
		if err != nil || len(records) < 10 {
			t.Fatalf("%d records, %v", len(records), err)
		}
		for _, r := range records {
			_, _ = w.shown.Write(r.Record)
		}
		look()
	})
	look()
	if files < 4 {
		t.Errorf("%d files", files)
	}
	w.watch.Over("a page that leads to the vendor", w.leads.Bytes)
	for _, watch := range []*canary.Watch{w.watch, w.states} {
		watch.Over("the log", log.Bytes)
		watch.Over("what sinks get", sink.Bytes)
		watch.Over("a page, an answer, the trail or a metric", w.shown.Bytes)
		watch.Check(t)
	}
}

// page notes what a browser shows.
func (w *watchedLogin) page(p page) page {
	_, _ = fmt.Fprint(&w.shown, p.status, p.header, p.body)
	return p
}

// begin brings a person to the vendor, who logs in there, and returns where the browser goes then.
func (w *watchedLogin) begin() (b *browser, link linkAnswer, answer string) {
	w.t.Helper()
	b = newBrowser(w.lab)
	link = w.link(w.token, map[string]any{"workspace_name": "acme", "connector_type": "CRM"})
	w.page(b.follow(http.MethodPost, link.URL, nil))
	p := b.follow(http.MethodPost, loginPath, url.Values{"scheme": {"login"}, "environment.tenant": {"acme"}})
	_, _ = fmt.Fprint(&w.leads, p.header, p.body)
	answer = answerTo(w.t, p.attribute(w.t, "login", "href"))
	u, err := url.Parse(answer)
	if err != nil {
		w.t.Fatal(err)
	}
	w.watch.For(u.Query().Get("code"))
	w.states.For(u.Query().Get("state"))
	return b, link, answer
}

// given watches for the tokens that are good now.
func (w *watchedLogin) given() {
	w.watch.For(w.account.Access())
	w.watch.For(w.account.Refresh())
}

func (w *watchedLogin) answered(r reply) reply {
	_, _ = fmt.Fprint(&w.shown, r.status, r.header, r.body)
	return r
}

// everyEnd logs in, and lets a login end in every way.
func (w *watchedLogin) everyEnd() {
	w.t.Helper()
	change := func(answer, name, value string) string {
		u, err := url.Parse(answer)
		if err != nil {
			w.t.Fatal(err)
		}
		q := u.Query()
		q.Set(name, value)
		u.RawQuery = q.Encode()
		return u.String()
	}
	for name, value := range map[string]string{"code": "not-a-code", "iss": "https://evil.example", "error": "access_denied", "state": "x"} {
		b, _, answer := w.begin()
		if p := w.page(b.follow(http.MethodGet, change(answer, name, value), nil)); p.status < 400 {
			w.t.Errorf("%s: %d", name, p.status)
		}
		w.page(b.follow(http.MethodGet, answer, nil))
	}
	// A code that somebody else has used: the vendor quotes it.
	_, _, theirs := w.begin()
	b, _, answer := w.begin()
	u, err := url.Parse(theirs)
	if err != nil {
		w.t.Fatal(err)
	}
	b.wants(w.page(b.follow(http.MethodGet, change(answer, "code", u.Query().Get("code")), nil)), http.StatusUnprocessableEntity, "did not work")

	b, link, answer := w.begin()
	p := w.page(b.follow(http.MethodGet, answer, nil))
	code := p.text(w.t, "code")
	w.given()
	w.page(b.follow(http.MethodGet, answer, nil))
	w.ok(w.answered(w.confirm(w.token, link.ID, map[string]any{"code": code, "workspace_name": "acme"})), &airbyteapi.Record{})
	w.ok(w.answered(w.me(link.ConnectorID)), &answered{})
	w.account.Expire()
	w.ok(w.answered(w.me(link.ConnectorID)), &answered{})
	w.given()
	w.answered(w.ask(http.MethodGet, at(airbyteapi.ConnectorPath, link.ConnectorID), w.token, nil))
	w.account.Deafen()
	w.answered(w.ask(http.MethodDelete, at(airbyteapi.ConnectorPath, link.ConnectorID), w.token, nil))
	// It tries the old token, with which the vendor ends the login that is good by then.
	w.job(store.Scope{Organization: w.first.Organization, Workspace: w.workspaceID("acme")}, revokeJob, store.JobParked)
	// A login that the vendor has ended: it quotes the token.
	b, link, answer = w.begin()
	code = w.page(b.follow(http.MethodGet, answer, nil)).text(w.t, "code")
	w.given()
	w.ok(w.answered(w.confirm(w.token, link.ID, map[string]any{"code": code, "workspace_name": "acme"})), &airbyteapi.Record{})
	w.account.Seed()
	w.account.Expire()
	if r := w.answered(w.me(link.ConnectorID)); r.status != http.StatusUnauthorized {
		w.t.Errorf("%d %s", r.status, r.body)
	}
	w.is(link.ConnectorID, store.NeedsLogin)
}
