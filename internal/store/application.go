package store

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/store/envelope"
)

// Application is a program that may use an organization. Its id is the client id.
type Application struct {
	ID, Organization, Name string
	// ReturnURLs are where it may have a browser sent after a person connected an account.
	ReturnURLs []string
	Created    time.Time
	// Revoked is when it lost its access; zero if it has it.
	Revoked time.Time
}

func scanApplication(r row) (a Application, err error) {
	return scanApplicationAnd(r)
}

func scanApplicationAnd(r row, more ...any) (a Application, err error) {
	var created, revoked int64
	var urls string
	if err := r.Scan(append([]any{&a.ID, &a.Organization, &a.Name, &urls, &created, &revoked}, more...)...); err != nil {
		return Application{}, err
	}
	a.Created, a.Revoked = instant(created), instant(revoked)
	if err := json.Unmarshal([]byte(urls), &a.ReturnURLs); err != nil {
		return Application{}, fmt.Errorf("return URLs of application %s: %w", a.ID, err)
	}
	return a, nil
}

// CreateApplication makes an application and its secret of 256 bits in base64. The store keeps the
// digest of the secret only: nobody can read it again. Unless it is nil, keep gets both before
// the application is there, so that a crash loses no secret; its error ends the work.
func (s *Store) CreateApplication(ctx context.Context, organization, name string, keep func(Application, secret.Value) error) (Application, secret.Value, error) {
	if err := checkName("name", name); err != nil {
		return Application{}, secret.Value{}, err
	}
	id, err := s.NewID()
	if err != nil {
		return Application{}, secret.Value{}, err
	}
	password, err := envelope.NewPassword(s.random)
	if err != nil {
		return Application{}, secret.Value{}, err
	}
	now := millis(s.now())
	a := Application{ID: id, Organization: organization, Name: name, ReturnURLs: []string{}, Created: instant(now)}
	if keep != nil {
		if err := keep(a, password); err != nil {
			return Application{}, secret.Value{}, err
		}
	}
	err = s.write(ctx, func(t session) error {
		if _, err := t.exec("application.create", id, organization, name, envelope.Digest(password), now); err != nil {
			return err
		}
		return t.record(Scope{Organization: organization}, Change{Entity: "applications", Action: "create", Object: id, Name: name})
	})
	if err != nil {
		return Application{}, secret.Value{}, err
	}
	return a, password, nil
}

// maxReturnURLs is how many return URLs an application has at most.
const maxReturnURLs = 20

// SetReturnURLs replaces where an application may have a browser sent. Each is https, or http on
// this machine, and has no fragment. The error is [ErrNone] if there is no such application.
func (s *Store) SetReturnURLs(ctx context.Context, organization, id string, urls []string) error {
	if err := CheckReturnURLs(urls); err != nil {
		return err
	}
	if urls == nil {
		urls = []string{}
	}
	list, err := document("return_urls", urls)
	if err != nil {
		return err
	}
	return s.write(ctx, func(t session) error {
		if err := t.change("application.return_urls", organization, id, list); err != nil {
			return err
		}
		return t.record(Scope{Organization: organization}, Change{Entity: "applications", Action: "update", Object: id, Fields: []string{"return_urls"}})
	})
}

// CheckReturnURLs returns the error that SetReturnURLs would have for a list.
func CheckReturnURLs(urls []string) error {
	if len(urls) > maxReturnURLs {
		return fault.Invalid("return_urls", fmt.Sprintf("there are %d", len(urls)), fmt.Sprintf("use at most %d", maxReturnURLs))
	}
	for _, text := range urls {
		if err := checkReturnURL(text); err != nil {
			return err
		}
	}
	return nil
}

// checkReturnURL refuses an address that a browser must not be sent to with a code.
func checkReturnURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || strings.Contains(text, "#") || len(text) > 2000 || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || r == '\\' }) {
		return fault.Invalid("return_urls", "a return URL is not a whole URL", "write it like https://app.example.com/connected")
	}
	ip, err := netip.ParseAddr(u.Hostname())
	local := u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return fault.Invalid("return_urls", "a return URL does not begin with https://", "use https; plain http is for this machine only")
	}
	return nil
}

// Authenticate returns the application that has an id and a secret. The error is [ErrNone] if
// there is none, or if it is revoked.
func (s *Store) Authenticate(ctx context.Context, id string, password secret.Value) (Application, error) {
	var digest []byte
	a, err := readOne(ctx, s, func(r row) (Application, error) { return scanApplicationAnd(r, &digest) }, "application.authenticate", id)
	if err != nil {
		return Application{}, err
	}
	if subtle.ConstantTimeCompare(digest, envelope.Digest(password)) != 1 {
		return Application{}, ErrNone
	}
	return a, nil
}

// Application returns an application, also one that is revoked.
func (s *Store) Application(ctx context.Context, organization, id string) (Application, error) {
	return readOne(ctx, s, scanApplication, "application.get", organization, id)
}

// Applications returns a page of an organization's applications, in the order of their ids.
func (s *Store) Applications(ctx context.Context, organization string, p Page) ([]Application, error) {
	return readMany(ctx, s, scanApplication, "application.list", organization, p.After, p.limit())
}

// RevokeApplication takes the access from an application. The error is [ErrNone] if it has none.
func (s *Store) RevokeApplication(ctx context.Context, organization, id string) error {
	return s.write(ctx, func(t session) error {
		if err := t.change("application.revoke", organization, id, millis(s.now())); err != nil {
			return err
		}
		return t.record(Scope{Organization: organization}, Change{Entity: "applications", Action: "revoke", Object: id})
	})
}
