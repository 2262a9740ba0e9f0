package accesstoken

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
)

// numbered repeats a member with numbers in it.
func numbered(n int, member string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, member, i)
	}
	return b.String()
}

// shapes are JSON texts of about n bytes that cost some readers more than their length.
var shapes = map[string]func(n int) string{
	"wide":         func(n int) string { return `[` + strings.Repeat("1,", n/2) + `1]` },
	"deep":         func(n int) string { return strings.Repeat("[", n/2) + strings.Repeat("]", n/2) },
	"names":        func(n int) string { return `{` + numbered(n/10, `"a%d":1,`) + `"x":1}` },
	"one name":     func(n int) string { return `{` + strings.Repeat(`"x":1,`, n/6) + `"x":1}` },
	"cases":        func(n int) string { return `{` + strings.Repeat(`"x":1,"X":1,`, n/12) + `"y":1}` },
	"a long name":  func(n int) string { return `{"` + strings.Repeat("x", n) + `":1}` },
	"a long text":  func(n int) string { return `"` + strings.Repeat(`\u0041`, n/6) + `"` },
	"a number":     func(n int) string { return strings.Repeat("1", n) },
	"an exponent":  func(int) string { return "1e99999999" },
	"a fraction":   func(n int) string { return "0." + strings.Repeat("1", n) },
	"a modulus":    func(n int) string { return `{"kty":"RSA","e":"AQAB","n":"` + strings.Repeat("x", n) + `"}` },
	"certificates": func(n int) string { return `["` + strings.Repeat("x", n) + `"]` },
}

// linear checks that reading a text of twice the length does not allocate more than 2.5 times as
// often.
func linear(t *testing.T, text func(n int) string, n int, read func(text string)) {
	t.Helper()
	allocations := func(text string) float64 {
		fewest := testing.AllocsPerRun(1, func() { read(text) })
		for range 4 { // under the race detector, a sync.Pool forgets at random
			fewest = min(fewest, testing.AllocsPerRun(1, func() { read(text) }))
		}
		return fewest
	}
	if once, twice := allocations(text(n)), allocations(text(2*n)); twice > 2.5*once {
		t.Errorf("twice the length takes %v allocations instead of %v", twice, once)
	}
}

// TestHostileTokens: whatever stands in a token of a stranger, he is refused, and for work that
// grows with its length.
//
// threat: R3
func TestHostileTokens(t *testing.T) {
	v, err := New(Config{Issuer: "https://issuer.example", Audience: "https://mcp.example"})
	if err != nil {
		t.Fatal(err)
	}
	v.keys.tried = v.config.Now() // the issuer is not asked
	encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	for place, token := range map[string]func(value string) string{
		"header": func(value string) string {
			return encode(`{"alg":"RS256","x":`+value+`}`) + "." + encode(`{}`) + ".AAAA"
		},
		"kid": func(value string) string {
			return encode(`{"alg":"RS256","kid":`+value+`}`) + "." + encode(`{}`) + ".AAAA"
		},
		"alg": func(value string) string { return encode(`{"alg":`+value+`}`) + "." + encode(`{}`) + ".AAAA" },
		"crit": func(value string) string {
			return encode(`{"alg":"RS256","crit":`+value+`}`) + "." + encode(`{}`) + ".AAAA"
		},
		"jwk": func(value string) string {
			return encode(`{"alg":"RS256","jwk":`+value+`}`) + "." + encode(`{}`) + ".AAAA"
		},
		"x5c": func(value string) string {
			return encode(`{"alg":"RS256","x5c":`+value+`}`) + "." + encode(`{}`) + ".AAAA"
		},
		"claims": func(value string) string {
			return encode(`{"alg":"RS256"}`) + "." + encode(`{"iss":"https://issuer.example","x":`+value+`}`) + ".AAAA"
		},
		"issuer": func(value string) string {
			return encode(`{"alg":"RS256"}`) + "." + encode(`{"iss":`+value+`}`) + ".AAAA"
		},
		"signature": func(value string) string {
			return encode(`{"alg":"RS256"}`) + "." + encode(`{"iss":"https://issuer.example"}`) + "." + encode(value)
		},
		"parts": func(value string) string { return strings.Repeat(".", len(value)) },
		"JSON":  func(value string) string { return `{"payload":"","signatures":[` + value + `]}` },
	} {
		for shape, text := range shapes {
			t.Run(place+" "+shape, func(t *testing.T) {
				linear(t, func(n int) string { return token(text(n)) }, 4000, func(token string) {
					_, err := v.Verify(t.Context(), token)
					e, _ := errors.AsType[*abi.Error](err)
					if e == nil || e.Kind != abi.KindAuthFailed {
						t.Fatalf("%v", err)
					}
				})
			})
		}
	}
}

// TestHostileKeys: what an issuer has for keys is read in time that grows with its length, and
// what is no key is left out.
//
// threat: R3
func TestHostileKeys(t *testing.T) {
	for place, document := range map[string]func(value string) string{
		"document": func(value string) string { return value },
		"keys":     func(value string) string { return `{"keys":` + value + `}` },
		"key":      func(value string) string { return `{"keys":[` + value + `]}` },
		"modulus":  func(value string) string { return `{"keys":[{"kty":"RSA","e":"AQAB","n":` + value + `}]}` },
		"exponent": func(value string) string { return `{"keys":[{"kty":"RSA","n":"AQAB","e":` + value + `}]}` },
		"point":    func(value string) string { return `{"keys":[{"kty":"EC","crv":"P-256","x":` + value + `,"y":"AA"}]}` },
		"x5c":      func(value string) string { return `{"keys":[{"kty":"RSA","e":"AQAB","n":"AQAB","x5c":` + value + `}]}` },
		"beside":   func(value string) string { return `{"keys":[],"x":` + value + `}` },
	} {
		for shape, text := range shapes {
			t.Run(place+" "+shape, func(t *testing.T) {
				linear(t, func(n int) string { return document(text(n)) }, 10_000, func(body string) {
					if found, err := parseKeys([]byte(body)); err == nil {
						t.Fatalf("%+v", found)
					}
				})
			})
		}
	}
}

// TestWaitingForKeysEnds: who waits while the issuer's keys are read, waits no longer than his
// own request.
//
// threat: R9
func TestWaitingForKeysEnds(t *testing.T) {
	v, err := New(Config{Issuer: "https://issuer.example", Audience: "https://mcp.example"})
	if err != nil {
		t.Fatal(err)
	}
	v.keys.turn <- struct{}{} // somebody reads, and does not end
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	_, err = v.Verify(ctx, encode(`{"alg":"RS256","kid":"made-up"}`)+"."+encode(`{"iss":"https://issuer.example"}`)+".AAAA")
	if e, _ := errors.AsType[*abi.Error](err); e == nil || e.Kind != abi.KindCancelled {
		t.Errorf("%v", err)
	}
}
