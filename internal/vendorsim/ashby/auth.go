package ashby

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Key is an API key of the organization.
type Key struct {
	// Token is the key itself.
	Token string
	// Title is what the organization calls it.
	Title string
	// Permissions are the vendor's names of what it may do, for example "candidatesRead".
	Permissions []string
	// Disabled keys are refused like wrong ones.
	Disabled bool
}

// permissions are all permissions of the operations, by module.
var permissions = []string{
	"jobsRead", "jobsWrite", "candidatesRead", "candidatesWrite", "interviewsRead", "interviewsWrite",
	"hiringProcessMetadataRead", "hiringProcessMetadataWrite", "organizationRead", "organizationWrite", "offersRead", "offersWrite",
	"apiKeysRead", "apiKeysWrite", "approvalsRead", "approvalsWrite", "reportsRead",
}

// Permissions are the vendor's names of everything a key may be allowed: read and write for each module.
func Permissions() []string { return slices.Clone(permissions) }

// apiKey is a key without its token.
type apiKey struct {
	title     string
	createdAt stamp
	scopes    []string
	disabled  bool
}

func (k *apiKey) may(permission string) bool { return slices.Contains(k.scopes, permission) }

// keyring finds keys by the digest of their token. It keeps no tokens, because people read the logs of this program.
type keyring map[[sha256.Size]byte]*apiKey

func newKeyring(o Options, now time.Time) keyring {
	ring := keyring{}
	var reads []string
	for _, p := range permissions {
		if strings.HasSuffix(p, "Read") {
			reads = append(reads, p)
		}
	}
	keys := append([]Key{
		{Token: o.Token, Title: "Full access", Permissions: permissions},
		{Token: o.ReadToken, Title: "Read only", Permissions: reads},
	}, o.Keys...)
	for i, k := range keys {
		if k.Token == "" {
			continue
		}
		created := stamp{now.Add(-time.Duration(30+i) * day).Truncate(time.Second)}
		ring[sha256.Sum256([]byte(k.Token))] = &apiKey{title: k.Title, createdAt: created, scopes: slices.Clone(k.Permissions), disabled: k.Disabled}
	}
	return ring
}

// check reads the Authorization header, which must be one of the form "Basic base64(key:)". The vendor is said to ignore
// the password; check refuses one, because the documentation says to leave it empty.
func (ring keyring) check(r *http.Request) (*apiKey, *apiError) {
	missing := func(message string) (*apiKey, *apiError) {
		return nil, &apiError{status: http.StatusUnauthorized, code: "missing_api_key", message: message}
	}
	headers := r.Header["Authorization"]
	if len(headers) != 1 {
		return missing("No API key was provided: send it as the user name of HTTP Basic authentication")
	}
	encoded, ok := strings.CutPrefix(headers[0], "Basic ")
	raw, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if !ok || err != nil {
		return missing("The Authorization header is not HTTP Basic authentication")
	}
	token, password, ok := strings.Cut(string(raw), ":")
	if !ok || token == "" {
		return missing("The API key is empty")
	}
	refuse := func(message string) (*apiKey, *apiError) {
		return nil, &apiError{status: http.StatusForbidden, code: "invalid_api_key", message: message}
	}
	if password != "" {
		return refuse("The password must be empty")
	}
	// The time to look up a digest reveals nothing useful about the token.
	key := ring[sha256.Sum256([]byte(token))]
	if key == nil {
		return refuse("The API key is not valid")
	}
	if key.disabled {
		return refuse("The API key has been deactivated")
	}
	return key, nil
}
