package accesstoken_test

import (
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
)

// FuzzVerify: no text but a token that the issuer signed names a caller, and none is an
// error of another kind than that it is not good. What is asked of the issuer stays bounded.
func FuzzVerify(f *testing.F) {
	l := newLab(f, nil)
	good := l.token(l.key, nil, nil)
	parts := strings.Split(good, ".")
	signature := parts[2]
	for _, seed := range []string{
		good, "", ".", "..", "...", parts[0] + "..", parts[0] + "." + parts[1] + ".", good + "=", strings.ToUpper(good),
		"eyJhbGciOiJub25lIn0." + parts[1] + ".", "eyJhbGciOiJIUzI1NiJ9." + parts[1] + "." + signature,
		l.token(l.key, map[string]any{"sub": nil}, nil), l.token(l.key, map[string]any{"exp": -1e300, "aud": []any{1, nil}}, nil),
		l.token(l.key, nil, map[string]any{"kid": 7, "crit": []any{nil}}),
	} {
		f.Add(seed)
	}
	l.wants(good, "ada", "", "")
	f.Fuzz(func(t *testing.T, text string) {
		caller, err := l.verifier.Verify(t.Context(), text)
		if err == nil {
			// Of those there is one, and the ways in which base64 writes it.
			if caller != l.issuer.URL+"#ada" || !strings.HasPrefix(strings.NewReplacer("\n", "", "\r", "").Replace(text), parts[0]+"."+parts[1]) {
				t.Errorf("%q is good, for %q", text, caller)
			}
			return
		}
		wantError(t, err, abi.KindAuthFailed, "")
		if caller != "" {
			t.Errorf("%q names %q with the error %v", text, caller, err)
		}
		if n := l.issuer.Asked(keysPath); n > 1 {
			t.Fatalf("the issuer was asked %d times", n)
		}
	})
}
