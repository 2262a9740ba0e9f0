package sdk_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/google/go-cmp/cmp"
)

// Each security scheme puts the same credential into requests as the SDK does, and fetches
// tokens with the same requests.
func compareSchemes(t *testing.T, all map[string]*imported, every []*recording) {
	v := startVendor(t)
	connections := make(host.StaticConnections)
	outcomes := make(map[string]string) // by connector and scheme
	var recordings []*recording
	for _, r := range every {
		if r.Kind != "scheme" {
			continue
		}
		name := r.Connector + " " + r.Scheme
		if _, known := outcomes[name]; !known {
			outcomes[name] = ""
		}
		im := all[r.Connector]
		if im == nil {
			outcomes[name] = "the document is not imported"
			continue
		}
		if len(r.Requests) == 0 {
			continue // the SDK cannot use it
		}
		c, err := im.connection(r)
		if err != nil {
			outcomes[name] = err.Error()
			continue
		}
		connections[connectionOf(r)] = c
		recordings = append(recordings, r)
	}
	h := open(t, v, all, connections)
	for _, r := range recordings {
		name := r.Connector + " " + r.Scheme
		im := all[r.Connector]
		if im.row(r.operation()) == nil {
			outcomes[name] = r.operation() + " is left out"
			continue
		}
		outcome := replay(t.Context(), h, v, connectionOf(r), im, r)
		if strings.HasPrefix(outcome, "refused: ") || strings.HasPrefix(outcome, "the data differ") {
			outcome = "equal" // which compareCalls is about
		}
		if outcome == "equal" {
			outcome = unlikeTokens(v.seen(), r.Requests)
		}
		if outcome != "" && outcomes[name] == "" {
			outcomes[name] = r.Case + ": " + outcome
		}
	}
	equal := 0
	for _, name := range slices.Sorted(maps.Keys(outcomes)) {
		if outcomes[name] == "" {
			equal++
			continue
		}
		t.Errorf("%s differs: %s", name, outcomes[name])
	}
	t.Logf("%d of %d schemes equal the SDK's", equal, len(outcomes))
}

func connectionOf(r *recording) string {
	return strings.ToLower(fmt.Sprintf("%s-%s-%s", r.Connector, schemeID(r.Scheme), r.Case))
}

// unlikeTokens compares the requests for tokens. agenthost may send one where the SDK has a
// token already.
func unlikeTokens(got, want []request) string {
	tokens := func(all []request) []request {
		return slices.DeleteFunc(slices.Clone(all), func(r request) bool { return !r.isToken() })
	}
	g, w := tokens(got), tokens(want)
	if len(w) == 0 {
		return ""
	}
	if len(g) != 1 {
		return fmt.Sprintf("%d requests for tokens, not 1", len(g))
	}
	if g[0].Origin != w[0].Origin || g[0].Target != w[0].Target || g[0].Headers["authorization"] != w[0].Headers["authorization"] {
		return fmt.Sprintf("the token is fetched from %s%s, not %s%s, or with other authentication", g[0].Origin, g[0].Target, w[0].Origin, w[0].Target)
	}
	a, err1 := url.ParseQuery(string(g[0].Body))
	b, err2 := url.ParseQuery(string(w[0].Body))
	if err1 != nil || err2 != nil {
		return unlikeBody(g[0], w[0])
	}
	for name, values := range b {
		if name != "assertion" && values[0] != "" && a.Get(name) != values[0] {
			return fmt.Sprintf("%s of the request for a token is %q, not %q", name, a.Get(name), values[0])
		}
	}
	for name := range a {
		if _, ok := b[name]; !ok && name != "scope" {
			return name + " is in the request for a token"
		}
	}
	if b.Has("assertion") {
		return unlikeAssertions(a.Get("assertion"), b.Get("assertion"))
	}
	return ""
}

// unlikeAssertions compares what was signed. The times and with them the signatures differ.
func unlikeAssertions(got, want string) string {
	read := func(assertion string) (header, claims map[string]any, err error) {
		parts := strings.Split(assertion, ".")
		if len(parts) != 3 {
			return nil, nil, fmt.Errorf("an assertion has %d parts", len(parts))
		}
		for i, into := range []*map[string]any{&header, &claims} {
			text, err := base64.RawURLEncoding.DecodeString(parts[i])
			if err != nil {
				return nil, nil, err
			}
			if err := json.Unmarshal(text, into); err != nil {
				return nil, nil, err
			}
		}
		issued, _ := claims["iat"].(float64)
		expires, _ := claims["exp"].(float64)
		claims["iat"], claims["exp"] = 0, expires-issued
		return header, claims, nil
	}
	header, claims, err1 := read(got)
	theirs, wanted, err2 := read(want)
	if err := errors.Join(err1, err2); err != nil {
		return err.Error()
	}
	return cmp.Diff([]any{theirs, wanted}, []any{header, claims})
}
