package oauth

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential/logins"
	"github.com/agenthost/agenthost/pdk/abi"
)

// endings is a keeper that counts logins that ended.
type endings struct {
	logins.Keeper
	count int
}

var errEnded = errors.New("say this instead")

func (e *endings) Ended(context.Context, logins.Binding, error) error {
	e.count++
	return errEnded
}

// A keeper hears that a login is over where only a person can help, and of nothing else: it
// forgets the login then.
func TestEndedLogin(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer []string // one for each request at the token endpoint
		grant  string
		row    logins.Row
		seed   string
		ended  bool
	}{
		"the refresh token is refused":    {[]string{`{"error":"invalid_grant"}`}, abi.GrantRefreshToken, logins.Row{}, "seed", true},
		"both refresh tokens are refused": {[]string{`{"error":"invalid_grant"}`, `{"error":"invalid_grant"}`}, abi.GrantRefreshToken, logins.Row{Refresh: value("new"), Previous: value("old")}, "", true},
		"nobody knows of the previous one": {[]string{`{"error":"invalid_grant"}`, "<html>"}, abi.GrantRefreshToken,
			logins.Row{Refresh: value("new"), Previous: value("old")}, "", false},
		"the client is refused":     {[]string{`{"error":"invalid_client"}`}, abi.GrantRefreshToken, logins.Row{}, "seed", false},
		"the server is broken":      {[]string{"<html>"}, abi.GrantRefreshToken, logins.Row{}, "seed", false},
		"what the client signed":    {[]string{`{"error":"invalid_grant"}`}, abi.GrantClientCredentials, logins.Row{}, "", false},
		"there is no refresh token": {nil, abi.GrantRefreshToken, logins.Row{Access: value("a")}, "", true},
		"there is no login":         {nil, abi.GrantRefreshToken, logins.Row{}, "", true},
	} {
		l := newLab(t, "")
		if test.row.Until = l.now; !test.row.Equal(logins.Row{Until: l.now}) {
			if err := l.rows.Save(t.Context(), binding, test.row); err != nil {
				t.Fatal(err)
			}
		}
		asked := 0
		l.server.Token = func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, test.answer[asked])
			asked++
			return true
		}
		keeper := &endings{Keeper: l.rows}
		want := Want{Client: l.client, Grant: test.grant}
		if test.seed != "" {
			want.Seed = secret.New([]byte(test.seed))
		}
		_, err := NewSource(binding, keeper, l.clock).Token(t.Context(), want)
		if (keeper.count == 1) != test.ended || errors.Is(err, errEnded) != test.ended || asked != len(test.answer) || err == nil {
			t.Errorf("%s: ended %d times, %d requests, %v", name, keeper.count, asked, err)
		}
	}
}
