package host_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TestEnvironmentBesideConnections: a variable that is exported undoes nothing that
// Connections narrow.
func TestEnvironmentBesideConnections(t *testing.T) {
	t.Parallel()
	server, err := vendorsim.Start(t.Context(), pylon.New(pylon.Options{Token: token, Scale: pylon.SmallScale()}), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	some := host.StaticConnections{"lab": labAt(server)}
	own := host.StaticConnections{"pylon": {Connector: "pylon", Server: "eu", Credentials: map[string]string{"api_token": "env:TOKEN"}, Allow: &config.Allow{}}}
	for name, test := range map[string]struct {
		connections host.StaticConnections
		environment bool
		want        []string // with a star where it comes from the environment
	}{
		"nil":            {nil, false, []string{"pylon*"}},
		"empty":          {host.StaticConnections{}, false, nil},
		"some":           {some, false, []string{"lab"}},
		"some, asked":    {some, true, []string{"lab", "pylon*"}},
		"same name":      {own, true, []string{"pylon"}},
		"same, narrowed": {own, false, []string{"pylon"}},
	} {
		o := options(t, test.connections)
		o.Environment = test.environment
		o.LookupEnv = func(name string) (string, bool) {
			value, ok := map[string]string{"TOKEN": token, "AGENTHOST_PYLON_API_TOKEN": token, "AGENTHOST_PYLON_SERVER": server.URL}[name]
			return value, ok
		}
		h := opened(t, o)
		infos, err := h.Connections(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, info := range infos {
			if info.Source == "environment" {
				info.Name += "*"
				if !info.Unrestricted {
					t.Errorf("%s: %s is said to be narrowed", name, info.Name)
				}
			}
			got = append(got, info.Name)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
		_, err = h.Execute(t.Context(), "pylon", host.Call{Entity: "accounts", Action: "list"})
		if there := slices.Contains(test.want, "pylon*"); there != (err == nil) {
			t.Errorf("%s: a call of pylon ends with %v", name, err)
		}
		var e *host.Error
		if err != nil && !slices.Contains(test.want, "pylon") && (!errors.As(err, &e) || e.Kind != abi.KindUnknownOperation) {
			t.Errorf("%s: %v, want unknown_operation", name, err)
		}
		if e != nil && (!strings.Contains(e.Message, "so AGENTHOST_PYLON_API_TOKEN does not make one") || !strings.Contains(e.Hint, "environment: true")) {
			t.Errorf("%s: %s (%s) does not tell of the variable", name, e.Message, e.Hint)
		}
		if n := len(server.Requests()); (err == nil) != (n == 1) {
			t.Errorf("%s: %d requests", name, n)
		}
		server.Reset()
	}
}
