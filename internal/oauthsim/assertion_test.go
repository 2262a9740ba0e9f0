package oauthsim

import (
	"maps"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// What servers for service accounts refuse is refused here, too.
func TestAssertions(t *testing.T) {
	t.Parallel()
	key, err := NewKey("", "RS256")
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewKey("", "RS256")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	a := &Assertions{Issuer: "robot", Audience: "https://a.example/token", Key: key, Now: func() time.Time { return now }}
	for want, test := range map[string]struct {
		key            *Key
		claims, header map[string]any
	}{
		"":             {key, nil, nil},
		"algorithm":    {key, nil, map[string]any{"alg": "PS256"}},
		"RS256":        {key, nil, map[string]any{"alg": "none"}},
		"signature":    {other, nil, nil},
		"issuer":       {key, map[string]any{"iss": "me"}, nil},
		"audience":     {key, map[string]any{"aud": "https://b.example/token"}, nil},
		"scope":        {key, map[string]any{"scope": "all"}, nil},
		"future":       {key, map[string]any{"iat": now.Unix() + 1}, nil},
		"expired":      {key, map[string]any{"exp": now.Unix()}, nil},
		"than an hour": {key, map[string]any{"exp": now.Unix() + 3601}, nil},
	} {
		claims := map[string]any{"iss": "robot", "aud": a.Audience, "iat": now.Unix(), "exp": now.Unix() + 3600}
		header := map[string]any{"typ": "JWT", "kid": nil}
		maps.Copy(claims, test.claims)
		maps.Copy(header, test.header)
		token, err := test.key.Sign(claims, header)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("POST", "/token", strings.NewReader(url.Values{"grant_type": {"jwt"}, "assertion": {token}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		_ = r.ParseForm()
		if got := a.wrong(r); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%q: %q", want, got)
		}
	}
}
