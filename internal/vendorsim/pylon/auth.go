package pylon

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// The vendor's regions. Each refuses the other's tokens.
const (
	RegionUS = "us"
	RegionEU = "eu"
)

// The prefixes of tokens, which are this simulation's own: the vendor's are not documented.
const (
	// TokenPrefixUS marks a token of the US region.
	TokenPrefixUS = "pylon_us_"
	// TokenPrefixEU marks a token of the EU region.
	TokenPrefixEU = "pylon_eu_"
)

type access int

const (
	accessNone access = iota
	accessRead
	accessFull
)

// authenticator checks tokens. It keeps only their digests, because people read the logs of this program.
type authenticator struct {
	full, read   [sha256.Size]byte
	hasFull      bool
	hasRead      bool
	foreignStart string
}

func newAuthenticator(o Options) authenticator {
	a := authenticator{
		full: sha256.Sum256([]byte(o.Token)), hasFull: o.Token != "",
		read: sha256.Sum256([]byte(o.ReadToken)), hasRead: o.ReadToken != "",
		foreignStart: TokenPrefixEU,
	}
	if o.Region == RegionEU {
		a.foreignStart = TokenPrefixUS
	}
	return a
}

// check reads the Authorization header, which must be one of the form "Bearer TOKEN".
func (a *authenticator) check(r *http.Request) (access, *apiError) {
	refuse := func(code, message string) (access, *apiError) {
		return accessNone, &apiError{status: http.StatusUnauthorized, code: code, messages: []string{message}}
	}
	headers := r.Header["Authorization"]
	if len(headers) != 1 {
		return refuse(codeAuthHeader, "exactly one Authorization header is required")
	}
	token, ok := strings.CutPrefix(headers[0], "Bearer ")
	if !ok || token == "" || strings.ContainsAny(token, " \t,") {
		return refuse(codeAuthHeader, `the Authorization header must be of the form "Bearer <token>"`)
	}
	if strings.HasPrefix(token, a.foreignStart) {
		return refuse(codeWrongRegion, "this token belongs to another region")
	}
	sum := sha256.Sum256([]byte(token))
	switch {
	case a.hasFull && subtle.ConstantTimeCompare(sum[:], a.full[:]) == 1:
		return accessFull, nil
	case a.hasRead && subtle.ConstantTimeCompare(sum[:], a.read[:]) == 1:
		return accessRead, nil
	}
	return refuse(codeAPIToken, "the API token is not valid")
}
