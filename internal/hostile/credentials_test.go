package hostile_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential/logins"
	"github.com/agenthost/agenthost/internal/credential/oauth"
	"github.com/agenthost/agenthost/internal/credential/tokenfile"
)

// credential is what holds or brings a token: a file, or the answer of a token endpoint.
func credential(t *testing.T, l *lab, s *source) attack {
	if s.IntN(2) == 0 {
		return tokenFile(t, s)
	}
	return tokenAnswer(l, s)
}

// tokenFile is the file of a login that somebody wrote over. The content may be sealed with the
// right key: a backup may be put back, and a version to come may write other rows.
func tokenFile(t *testing.T, s *source) attack {
	key := func(context.Context) (secret.Value, error) { return secret.New([]byte(token)), nil }
	folder := tokenfile.New(t.TempDir(), key)
	b := logins.Binding{Connection: "crm", Connector: "evil", Scheme: "oauth", TokenURL: "https://evil.example/token", Client: "c", Origins: []string{"https://api.evil.example"}}
	path := folder.Path(b.Connection)
	row := map[string]any{"access": "YQ==", "refresh": "Yg==", "previous": "Yw==", "until": "2026-01-31T09:00:00Z", "seed": "s", "binding": b}
	plain := s.marked(row, one(s, s.value(one(s, 200, 100_000, 900_000)), `"9999-12-31T23:59:59Z"`, `"0000-00-00T00:00:00Z"`, `"====" `, `"!"`))
	content := sealed(plain, b)
	name := "token file: " + plain[:min(len(plain), 100)]
	switch s.IntN(5) {
	case 0:
		name, content = "token file, cut off", content[:s.IntN(len(content))]
	case 1:
		name = "token file, a wrong byte"
		content[s.IntN(len(content))] ^= byte(1 + s.IntN(255))
	case 2:
		name, content = "token file, garbage", []byte(s.value(2<<20))
	case 3:
		b.Connection = one(s, "other", strings.Repeat("x", 1000), "../crm", "\x00")
		name, path = "token file of another connection", folder.Path(b.Connection)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return attack{name, func(ctx context.Context) error {
		row, found, err := folder.Load(ctx, b)
		if err == nil && found && row.Access.IsZero() && row.Refresh.IsZero() && row.Until.Year() > 9999 {
			return fmt.Errorf("INVALID: a row until %v", row.Until)
		}
		return err
	}, plain}
}

// sealed is a file as package tokenfile writes it, of any content.
func sealed(plain string, b logins.Binding) []byte {
	key, err := hkdf.Key(sha256.New, []byte(token), nil, "agenthost tokens", 32)
	if err != nil {
		panic(err) // the length is right
	}
	block, _ := aes.NewCipher(key)
	aead, _ := cipher.NewGCM(block)
	nonce := bytes.Repeat([]byte("n"), aead.NonceSize())
	return aead.Seal(nonce, nonce, []byte(plain), []byte("agenthost token 2\n"+b.Connection))
}

// tokenAnswer is an answer of a token endpoint.
func tokenAnswer(l *lab, s *source) attack {
	lifetime := one(s, s.number(1000), `"3600"`, `"`+s.number(100)+`"`, `"-1"`, "-1", "0", "1e-300", "9223372036854775807", "1e18", `"Infinity"`, `"NaN"`, `"0x1p9999"`, `"1_000"`, `""`, "null", "[3600]", "true", s.value(10_000))
	document := map[string]any{"access_token": "a-token", "token_type": "Bearer", "expires_in": json.RawMessage("3600"), "refresh_token": "r-token", "scope": "read", "error_description": ""}
	body := ""
	if s.IntN(3) > 0 {
		delete(document, "expires_in")
		raw, _ := json.Marshal(document)
		body = strings.TrimSuffix(string(raw), "}") + `,"expires_in":` + lifetime + "}"
	} else {
		document["error"] = one(s, "", "invalid_grant", "invalid_client", "slow_down", strings.Repeat("x", s.size(100_000)))
		body = s.marked(document, s.value(one(s, 200, 100_000, 4<<20)))
	}
	if s.IntN(10) == 0 {
		body = s.value(1 << 20)
	}
	status := one(s, 200, 200, 200, 200, 201, 302, 400, 401, 403, 429, 500)
	client := oauth.NewClient(oauth.Config{
		Connection: "crm", Token: oauth.Endpoint{URL: l.vendor.URL + "/token", Operator: true},
		ClientID: secret.New([]byte("crm")), ClientSecret: secret.New([]byte(token)),
	})
	return attack{fmt.Sprintf("token answer %d: %.150s", status, body), func(ctx context.Context) error {
		l.vendor.answer(status, nil, body)
		before := time.Now()
		got, err := client.Refresh(ctx, secret.New([]byte(token+"-refresh")), nil)
		if err != nil {
			if strings.Contains(err.Error(), token) {
				return fmt.Errorf("INVALID: the error quotes a secret")
			}
			return err
		}
		if !got.Until.IsZero() && (got.Until.Before(before) || got.Until.After(before.AddDate(11, 0, 0))) || got.Access.IsZero() {
			return fmt.Errorf("INVALID: a token until %v", got.Until)
		}
		return nil
	}, body}
}
