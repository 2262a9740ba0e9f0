package egress

import (
	"errors"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/pdk/abi"
)

func TestCredentialPattern(t *testing.T) {
	for value, fits := range map[string]bool{"tok_0123": true, "xtok_0123": false, "tok_0123\n": false, "other-secret": false} {
		_, err := New(Config{
			Servers: []abi.Server{{ID: "main", URL: "https://api.acme.example"}},
			Auth: &abi.AuthScheme{
				ID: "token", Type: abi.AuthBearer,
				Fields:  []abi.AuthField{{Name: "token", Secret: true, Required: true, Pattern: `tok_[0-9]+`}},
				Inject:  []abi.Injection{{In: abi.InHeader, Name: "Authorization", Value: "Bearer {token}"}},
				Origins: []string{"https://api.acme.example"},
			},
			Credentials: map[string]secret.Value{"token": secret.New([]byte(value))},
		})
		var e *abi.Error
		if fits != (err == nil) || !fits && (!errors.As(err, &e) || e.Kind != abi.KindAuthFailed || strings.Contains(err.Error(), value)) {
			t.Errorf("%q: %v", value, err)
		}
	}
}
