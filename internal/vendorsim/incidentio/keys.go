package incidentio

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
)

// apiKey keeps only the digest of a key's secret, because people read the logs of this program.
type apiKey struct {
	digest [sha256.Size]byte
	name   string
	all    bool // every scope
	view   bool // every scope that ends in .view
	scopes []string
	roles  []string
}

type keyring []*apiKey

func newKeyring(o Options) keyring {
	var ring keyring
	if o.Token != "" {
		ring = append(ring, &apiKey{
			digest: sha256.Sum256([]byte(o.Token)), name: "Automation", all: true,
			roles: []string{"viewer", "incident_creator", "incident_editor", "manage_settings", "catalog_viewer", "catalog_editor", "on_call_editor", "schedules_editor"},
		})
	}
	if o.ReadToken != "" {
		ring = append(ring, &apiKey{digest: sha256.Sum256([]byte(o.ReadToken)), name: "Reporting", view: true, roles: []string{"viewer", "catalog_viewer"}})
	}
	for _, k := range o.Keys {
		ring = append(ring, &apiKey{digest: sha256.Sum256([]byte(k.Token)), name: "Custom", scopes: k.Scopes, roles: append([]string{}, k.Roles...)})
	}
	return ring
}

// bearer reads the Authorization header, which must be one of the form "Bearer TOKEN".
func bearer(h http.Header) (string, *apiError) {
	refuse := func(code, message string) (string, *apiError) {
		return "", &apiError{status: http.StatusUnauthorized, kind: kindAuthentication, code: code, message: message}
	}
	headers := h["Authorization"]
	if len(headers) != 1 {
		return refuse(codeNoKey, "exactly one Authorization header is required")
	}
	token, ok := strings.CutPrefix(headers[0], "Bearer ")
	if !ok || token == "" || strings.ContainsAny(token, " \t,") {
		return refuse(codeNoKey, `the Authorization header must be of the form "Bearer <key>"`)
	}
	return token, nil
}

func (ring keyring) check(h http.Header) (*apiKey, *apiError) {
	token, err := bearer(h)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(token))
	for _, k := range ring {
		if subtle.ConstantTimeCompare(sum[:], k.digest[:]) == 1 {
			return k, nil
		}
	}
	return nil, badKey()
}

func badKey() *apiError {
	return &apiError{status: http.StatusUnauthorized, kind: kindAuthentication, code: codeBadKey, message: "the API key is not valid"}
}

func (k *apiKey) has(scope string) bool {
	return k.all || k.view && strings.HasSuffix(scope, ".view") || slices.Contains(k.scopes, scope)
}

// permit refuses an operation that the key may not run, and names the missing scope.
func (k *apiKey) permit(op *Operation) *apiError {
	for _, scope := range append(slices.Clone(op.Scopes), op.AssumedScope) {
		if scope != "" && !k.has(scope) {
			return &apiError{
				status: http.StatusForbidden, kind: kindAuthorization, code: codeScope, message: "this API key lacks the scope " + scope,
			}
		}
	}
	return nil
}
